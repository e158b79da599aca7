"""Prometheus' text format, version 0.0.4: families of samples with labels, and histograms.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """Samples of one name.

    Args:
        name: Of all of them; of a counter it ends with `_total`.
        kind: Of the values.
        help: What they are, with their unit.
        labels: Names of the labels.
        samples: A value by the values of the labels.
    """

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: Labels
    samples: Mapping[Labels, float]

    def lines(self) -> Iterable[str]:
        yield from _head(self.name, self.help, self.kind)
        for values, number in self.samples.items():
            yield _sample(self.name, self.labels, values, number)


@dataclass
class Histogram:
    """How often values came, by their size; safe to call from any thread.

    Args:
        name: Of it.
        help: What the values are.
        labels: Names of the labels.
        bounds: The upper ends of its buckets, in order.
    """

    name: str
    help: str
    labels: Labels
    bounds: Sequence[float]
    _counts: dict[Labels, list[int]] = field(default_factory=dict)
    _sums: dict[Labels, float] = field(default_factory=dict)
    _one: threading.Lock = field(default_factory=threading.Lock)

    def observe(self, values: Labels, number: float) -> None:
        with self._one:
            counts = self._counts.setdefault(values, [0] * (len(self.bounds) + 1))
            counts[bisect_left(self.bounds, number)] += 1
            self._sums[values] = self._sums.get(values, 0.0) + number

    def lines(self) -> Iterable[str]:
        with self._one:
            counted = {values: list(counts) for values, counts in self._counts.items()}
            sums = dict(self._sums)
        yield from _head(self.name, self.help, "histogram")
        for values, counts in counted.items():
            below = 0
            for bound, count in zip((*self.bounds, inf), counts, strict=True):
                below += count
                yield _sample(f"{self.name}_bucket", (*self.labels, "le"), (*values, _number(bound)), below)
            yield _sample(f"{self.name}_sum", self.labels, values, sums[values])
            yield _sample(f"{self.name}_count", self.labels, values, below)


def text(families: Iterable[Family | Histogram]) -> str:
    """A whole answer."""
    return "".join(f"{line}\n" for family in families for line in family.lines())


def _head(name: str, words: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {_escaped(words)}", f"# TYPE {name} {kind}"


def _sample(name: str, labels: Labels, values: Labels, number: float) -> str:
    pairs = ",".join(f'{label}="{_quoted(value)}"' for label, value in zip(labels, values, strict=True))
    return f"{name}{{{pairs}}} {_number(number)}" if pairs else f"{name} {_number(number)}"


def _number(number: float) -> str:
    return "+Inf" if number == inf else repr(int(number)) if number == int(number) else repr(float(number))


def _escaped(words: str) -> str:
    return words.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', r"\"")
