"""Deep deterministic policy gradients for a short episode of decisions, each a number between 0 and 1.

Lillicrap et al., "Continuous control with deep reinforcement learning", ICLR 2016, https://arxiv.org/abs/1509.02971,
with what He et al. (`amc`) change: every decision of an episode has the reward of its end, less the mean of those
before it, the future is not discounted, and an action is drawn from a normal truncated to [0, 1] about the actor's.
"""

from collections import deque
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

UNITS = 300  # of each of two hidden layers
RATES = (1e-4, 1e-3)  # of actor and critic
SOFT = 0.01  # share of the new in the slow copies, a step
BATCH = 64
MEMORY = 100  # episodes
BASELINE = 0.95  # weight of the old in the mean of rewards

Step = tuple[Tensor, float, Tensor | None]  # a state, what was done, and the state after it


class Agent:
    """
    Args:
        size: Numbers of a state.
        drawn: Makes its first weights and all that it draws.
    """

    def __init__(self, size: int, drawn: torch.Generator) -> None:
        self._drawn = drawn
        self._actor, self._critic = _network(size, drawn), _network(size + 1, drawn)
        self._slow_actor, self._slow_critic = deepcopy(self._actor), deepcopy(self._critic)
        networks = (self._actor, self._critic)
        self._optimizers = [torch.optim.Adam(one.parameters(), lr) for one, lr in zip(networks, RATES, strict=True)]
        self._memory: deque[list[tuple[Step, float]]] = deque(maxlen=MEMORY)
        self._baseline: float | None = None

    def act(self, state: Tensor, noise: float) -> float:
        """What to do: the actor's number, or one near it."""
        with torch.inference_mode():
            mean = torch.sigmoid(self._actor(state)).item()
        if noise <= 0:
            return mean
        while True:
            action = mean + noise * torch.randn((), generator=self._drawn).item()
            if 0 <= action <= 1:
                return action

    def random(self) -> float:
        return torch.rand((), generator=self._drawn).item()

    def remember(self, steps: list[Step], reward: float) -> None:
        """An episode, with the reward of its end."""
        self._memory.append([(step, reward) for step in steps])

    def learn(self, updates: int) -> None:
        """So many updates of both networks on what is remembered."""
        known = [one for episode in self._memory for one in episode]
        for _ in range(updates):
            picks = torch.randint(len(known), (BATCH,), generator=self._drawn).tolist()
            self._update([known[pick] for pick in picks])

    def _update(self, batch: list[tuple[Step, float]]) -> None:
        states = torch.stack([state for (state, _, _), _ in batch])
        actions = torch.tensor([[action] for (_, action, _), _ in batch])
        rewards = torch.tensor([[reward] for _, reward in batch])
        last = torch.tensor([[after is None] for (_, _, after), _ in batch])
        after = torch.stack([state if later is None else later for (state, _, later), _ in batch])
        mean = rewards.mean().item()
        self._baseline = mean if self._baseline is None else BASELINE * self._baseline + (1 - BASELINE) * mean
        with torch.no_grad():
            ahead = self._slow_critic(torch.cat([after, torch.sigmoid(self._slow_actor(after))], 1))
            target = rewards - self._baseline + torch.where(last, 0.0, ahead)
        of_actor, of_critic = self._optimizers
        of_critic.zero_grad()
        functional.mse_loss(self._critic(torch.cat([states, actions], 1)), target).backward()  # type: ignore[no-untyped-call]
        of_critic.step()
        of_actor.zero_grad()
        worth: Tensor = self._critic(torch.cat([states, torch.sigmoid(self._actor(states))], 1)).mean()
        (-worth).backward()  # type: ignore[no-untyped-call]
        of_actor.step()
        for slow, fast in ((self._slow_actor, self._actor), (self._slow_critic, self._critic)):
            for old, new in zip(slow.parameters(), fast.parameters(), strict=True):
                old.data.lerp_(new.data, SOFT)


def _network(size: int, drawn: torch.Generator) -> nn.Sequential:
    found = nn.Sequential(nn.Linear(size, UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, 1))
    for layer in found:
        if isinstance(layer, nn.Linear):
            bound = 3e-3 if layer.out_features == 1 else layer.in_features**-0.5
            layer.weight.data.uniform_(-bound, bound, generator=drawn)
            layer.bias.data.uniform_(-bound, bound, generator=drawn)
    return found
