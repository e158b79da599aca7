"""What became of a network whose blocks were spread over a hierarchy of channels."""

from collections.abc import Sequence
from itertools import groupby, takewhile
from typing import TypeVar

from mgic.records.base import Record


class ConvertedBlock(Record):
    """A block and the MGIC block in its place. Costs are of one forward pass of one sample."""

    name: str  # dotted name in the network
    kind: str  # class of the block
    channels: int  # of its tensor
    widths: tuple[int, ...]  # of the levels, finest first; for a bottleneck of its inner planes
    group_sizes: tuple[int, ...]  # of the same levels
    params_before: int
    params: int
    macs_before: int
    macs: int
    place: int = 0  # among all parts, in the order of the network


class LeftAlone(Record):
    """A part that mixes channels and stays as it was. Costs are of one forward pass of one sample."""

    name: str
    kind: str
    reason: str
    params: int
    macs: int
    place: int = 0


class ConversionReport(Record):
    """Every part of a network that mixes channels stands in one of the two lists."""

    group_size: int
    coarsest_size: int
    coarsening: str
    converted: tuple[ConvertedBlock, ...]
    left: tuple[LeftAlone, ...]
    weights: str  # what became of the weights, in words

    @property
    def saved_params(self) -> int:
        """Of the whole network, since nothing else of it has changed."""
        return sum(block.params_before - block.params for block in self.converted)

    @property
    def saved_macs(self) -> int:
        return sum(block.macs_before - block.macs for block in self.converted)

    def __str__(self) -> str:
        lines = [f"{len(self.converted)} blocks in MGIC, {len(self.left)} parts left; {self.weights}"]
        for block in self.converted:
            widths = "-".join(map(str, block.widths))
            lines.append(
                f"  {block.name} ({block.kind}): {widths} channels, {block.params_before:,} -> {block.params:,} "
                f"parameters, {block.macs_before:,} -> {block.macs:,} MACs"
            )
        lines += [f"  {part.name} ({part.kind}) left: {part.reason}" for part in self.left]
        return "\n".join(lines)


Part = TypeVar("Part", ConvertedBlock, LeftAlone)


def repeated(parts: Sequence[Part]) -> list[tuple[Part, ...]]:
    """Those of a list that come one after the other and differ in name and place only, together."""
    return [tuple(equal) for _, equal in groupby(parts, lambda part: part.model_copy(update={"name": "", "place": 0}))]


def span(first: str, last: str) -> str:
    """`stages.1.blocks.0 to 8` from the names of the first and the last part; the network itself has none."""
    parts, others = first.split("."), last.split(".")
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(parts, others, strict=False)))
    rest = ".".join(others[shared:])
    return f"{first} to {rest}" if rest else first or "the network"


def named(equal: Sequence[Part]) -> str:
    """`stages.1 to 8, 8 times`, or the name alone."""
    name = span(equal[0].name, equal[-1].name)
    return name if len(equal) == 1 else f"{name}, {len(equal)} times"
