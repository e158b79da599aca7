"""One seed from which everything random in a run derives: weights, order, augmentation, dropout.

Each use has a stream of its own, found by name and not by the number of draws before it, so
a network with more weights sees the same images in the same order as one with fewer.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive(seed: int, *path: str | int) -> int:
    """A seed of 63 bits for one use, such as `derive(0, "order", epoch)`."""
    digest = hashlib.sha256(repr((seed, *path)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, *path: str | int) -> torch.Generator:
    """A generator on the CPU for one use."""
    return torch.Generator().manual_seed(derive(seed, *path))


@contextmanager
def seeded(seed: int, *path: str | int) -> Iterator[None]:
    """Torch's global generators seeded for one use; afterwards they are as they were."""
    # By itself it would wake every GPU there is, which a run on the CPU has no business with.
    used = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=used):
        torch.manual_seed(derive(seed, *path))
        yield
