"""What became of a network whose blocks were spread over a hierarchy of channels."""

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


class LeftAlone(Record):
    """A part that mixes channels and stays as it was. Costs are of one forward pass of one sample."""

    name: str
    kind: str
    reason: str
    params: int
    macs: int


class ConversionReport(Record):
    """Every part of a network that mixes channels stands in one of the two lists."""

    group_size: int
    coarsest_size: int
    coarsening: str
    converted: tuple[ConvertedBlock, ...]
    left: tuple[LeftAlone, ...]
    weights: str  # what became of the weights, in words

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
