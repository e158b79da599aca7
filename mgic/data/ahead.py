"""Samples that are read one by one, by threads, several batches ahead of the one that is computed with."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from torch import Tensor

from mgic.cores import usable_cores

AHEAD = 3  # batches that are being read while one is computed with

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Batches of what `read` gives.

    Args:
        count: How many samples there are.
        read: Given a sample's number and how it is altered, or None, the sample; called by several threads at once.
        threads: That read; None: one a core, at most 16.
    """

    def __init__(self, count: int, read: Callable[[int, list[float] | None], T], threads: int | None = None) -> None:
        self._count = count
        self._read = read
        self._pool = ThreadPoolExecutor(threads or min(16, usable_cores()), "samples")

    def take(self, index: Tensor | slice, moves: Tensor | None) -> list[T]:
        """The samples of `index`, altered as the rows of `moves` say."""
        return [future.result() for future in self._begin(index, moves)]

    def stream(self, choices: Iterable[tuple[Tensor | slice, Tensor | None]]) -> Iterator[list[T]]:
        """`take` of each choice in turn, the next few being read meanwhile."""
        waiting: deque[list[Future[T]]] = deque()
        try:
            for index, moves in choices:
                waiting.append(self._begin(index, moves))
                if len(waiting) > AHEAD:
                    yield [future.result() for future in waiting.popleft()]
            while waiting:
                yield [future.result() for future in waiting.popleft()]
        finally:
            for futures in waiting:
                for future in futures:
                    future.cancel()

    def _begin(self, index: Tensor | slice, moves: Tensor | None) -> list[Future[T]]:
        numbers = range(self._count)[index] if isinstance(index, slice) else index.tolist()
        drawn = [None] * len(numbers) if moves is None else moves.tolist()
        return [self._pool.submit(self._read, number, move) for number, move in zip(numbers, drawn, strict=True)]
