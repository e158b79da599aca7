"""AMC: an actor-critic finds the share that each layer keeps, by the accuracy that is left at the budget.

He et al., "AMC: AutoML for Model Compression and Acceleration on Mobile Devices", ECCV 2018, section 3,
https://arxiv.org/abs/1802.03494. Layer by layer the agent (`ddpg`) sees what the layer is like and what is removed and
left so far, and says how much of it stays; what it asks for is cut to what the budget leaves if all later layers keep
their least (algorithm 1). The reward of an episode is the accuracy before any fine-tuning, less 1. In the first quarter
of the trials it acts at random, afterwards with noise of 0.5 that falls to a hundredth of that. The best network of all
trials is the answer.

Left open there, or done otherwise here:
- Which channels of a layer stay: those of the largest filters (`l1`). The paper names the magnitude; its code also
  gives the next layer weights by regression, as `cp` does.
- Accuracy is that of images that are held out if there are such, as in the paper, and of training images if not.
- A decision is of a group of channels that go together, one layer's or a sum's; the state is of its first layer.
- At least a fifth of a layer stays, as there, or one channel where the budget is out of reach so.
- 400 trials there, of which 100 are random; an agent of two hidden layers of 300; it learns once a decision.
"""

from collections.abc import Callable, Iterator, Sequence
from math import ceil

import torch
from torch import Tensor

from mgic.training.pruning.ddpg import Agent, Step
from mgic.training.pruning.width_cost import WidthCost

LEAST = 0.2  # of a layer that stays
RANDOM = 0.25  # share of the trials
NOISE = (0.5, 0.005)  # after the random ones, and at the end


def search(
    cost: WidthCost, macs: float, reward: Callable[[Sequence[int]], float], trials: int, drawn: torch.Generator
) -> Iterator[tuple[float, list[int]]]:
    """A trial after the other: its reward, and how many channels each group keeps.

    Args:
        cost: Of the network with so many.
        macs: All of them keep to it.
        reward: Of the network with so many.
        trials: How many.
        drawn: All randomness.
    """
    least = least_of(cost, macs)
    known = features(cost)
    agent = Agent(known.shape[1] + 3, drawn)
    warm = ceil(RANDOM * trials)
    for trial in range(trials):
        high, low = NOISE
        noise = high * (low / high) ** ((trial - warm) / max(1, trials - warm))
        kept, steps = _episode(cost, macs, least, known, agent, None if trial < warm else noise)
        found = reward(kept)
        agent.remember(steps, found)
        if trial >= warm:
            agent.learn(len(steps))
        yield found, kept


def least_of(cost: WidthCost, macs: float) -> list[int]:
    """The fewest channels that each group may keep."""
    usual = [max(1, ceil(LEAST * width)) for width in cost.widths]
    return usual if cost(usual) <= macs else [1] * len(cost.widths)


def features(cost: WidthCost) -> Tensor:
    """What the agent sees of each group's first layer, each number scaled to [0, 1] over all of them.

    Shape:
        -> (groups, 8): place, outputs, inputs, height, width, stride, kernel, multiply-accumulates
    """
    rows = [
        (place, one.outputs, one.inputs, one.height, one.width, one.stride, one.kernel, one.macs)
        for place, one in enumerate(cost.first)
    ]
    table = torch.tensor(rows, dtype=torch.float32)
    low, high = table.min(0).values, table.max(0).values
    return (table - low) / (high - low).clamp_min(1e-12)


def _episode(
    cost: WidthCost, macs: float, least: Sequence[int], known: Tensor, agent: Agent, noise: float | None
) -> tuple[list[int], list[Step]]:
    """One network, and the decisions that led to it; at random where `noise` is None."""
    fewest = list(least)  # as decided so far, and the least of what is not
    states, actions = [], []
    before, whole = 1.0, cost.widths
    for group, width in enumerate(whole):
        removed = cost.whole - cost([*fewest[:group], *whole[group:]])
        rest = cost([*fewest[:group], *whole[group:]]) - cost(fewest)
        seen = torch.tensor([removed / cost.whole, rest / cost.whole, before])
        states.append(torch.cat([known[group], seen]))
        asked = agent.random() if noise is None else agent.act(states[-1], noise)
        # The action is the share of what lies between the least and all of the layer.
        count = least[group] + round(asked * (width - least[group]))
        fewest[group] = min(count, cost.most(fewest, group, least[group], macs))
        before = (fewest[group] - least[group]) / max(1, width - least[group])
        actions.append(before)
    after: list[Tensor | None] = [*states[1:], None]
    return fewest, list(zip(states, actions, after, strict=True))
