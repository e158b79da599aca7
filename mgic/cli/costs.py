"""What a model costs, for a terminal: totals, levels, and of a converted network what became of its parts."""

from mgic.cli.terminal import assignments, put, put_table
from mgic.records import ConversionReport, Level, ModelCost, named, repeated


def show_cost(found: ModelCost) -> None:
    """The totals, and then the levels; of `mgic/NAME` the conversion in their place."""
    report = found.conversion
    put(f"{found.model} at {'x'.join(map(str, found.input_size))}  {assignments(found.options)}".rstrip())
    put(f"parameters        {found.params:>15,}{_saved(found.params, report.saved_params) if report else ''}")
    put(f"MACs              {found.macs:>15,}{_saved(found.macs, report.saved_macs) if report else ''}")
    put(f"  in R and P      {found.transfer_macs:>15,}   MACs without R and P {found.macs - found.transfer_macs:,}")
    put(f"FLOPs (2x)        {2 * found.macs:>15,}")
    for unknown in found.uncounted:
        put(f"  not counted     {unknown.operator} in {unknown.module or 'the network itself'}")
    if report:
        _show_conversion(report)
    elif found.group_sizes:
        put(f"group sizes       {', '.join(map(str, found.group_sizes)):>15}")
        _show_levels(found.levels)


def _saved(after: int, saved: int) -> str:
    before = after + saved
    return f"   {after / before:.1%} of {before:,} before" if before else ""


def _show_conversion(report: ConversionReport) -> None:
    put(f"converted         {len(report.converted):>15}   blocks; the figures are of one of each row")
    put_table(
        ("block", "kind", "channels", "groups of", "params before", "params", "MACs before", "MACs"),
        [
            (named(equal), one.kind, _series(one.widths), _series(one.group_sizes), one.params_before, one.params,
             one.macs_before, one.macs)
            for equal in repeated(report.converted)
            for one in equal[:1]
        ],
    )  # fmt: skip
    put(f"left as it was    {len(report.left):>15}   parts that mix channels")
    put_table(
        ("part", "kind", "params", "MACs", "why"),
        [
            (named(equal), one.kind, one.params, one.macs, one.reason)
            for equal in repeated(report.left)
            for one in equal[:1]
        ],
    )


def _series(numbers: tuple[int, ...]) -> str:
    return "-".join(map(str, numbers))


def _show_levels(levels: tuple[Level, ...]) -> None:
    put_table(
        ("block", "level", "channels", "group size", "groups", "R MACs", "P MACs", "block MACs", "params"),
        [
            (v.block, v.level, v.channels, v.group_size, v.groups, v.restrict_macs, v.prolong_macs, v.block_macs,
             v.block_params + v.restrict_params + v.prolong_params)
            for v in levels
        ],
    )  # fmt: skip
