"""Which of several passes is the fastest on this machine, by a short measurement?"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import torch
from torch import Tensor

ROUNDS = 9
CHANCE = 0.02
SLICE_S = 0.05  # CPU time of a turn, or a single pass if that takes longer

Pass = Callable[[], object]


def fastest(passes: Sequence[Pass]) -> int:
    """The place of the pass with the least median CPU time, of 9 turns each, forwards and backwards.

    The first one is left where no other takes 2 % less: so much they differ by chance.

    Cost:
        9 * 0.05 CPU seconds a pass, or 11 passes where one takes longer than 0.05 s.
    """
    lengths = []
    for one in passes:
        one()  # allocates, and picks algorithms
        lengths.append(max(1, round(SLICE_S / max(_seconds(one, 1), 1e-6))))
    found: list[list[float]] = [[] for _ in passes]
    order = list(range(len(passes)))
    for turn in range(ROUNDS):
        for place in order if turn % 2 == 0 else reversed(order):
            found[place].append(_seconds(passes[place], lengths[place]) / lengths[place])
    best = min(order, key=lambda place: median(found[place]))
    return best if median(found[best]) < (1 - CHANCE) * median(found[0]) else 0


def fastest_network(networks: Sequence[Callable[[Tensor], object]], example: Tensor) -> int:
    """The place of the fastest of several networks on an example."""
    with torch.inference_mode():
        return fastest([partial(network, example) for network in networks])


def _seconds(one: Pass, times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        one()
    return time.process_time() - start
