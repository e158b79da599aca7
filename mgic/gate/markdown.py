"""A verdict as a Markdown table, fit for a pull request."""

from mgic.records import Comparison, MetricVerdict

HEADER = (
    "| model | metric | base | head | change | limit | verdict |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n"
)
UNITS: dict[str | None, str] = {
    None: "",
    "params": "parameters",
    "macs": "MACs",
    "size_bytes": "size, bytes",
    "cpu_time": "CPU time, ms",
    "instructions": "instructions",
    "peak_memory": "peak memory, bytes",
    "wall_time": "wall time, ms",
    "p50": "median wall time, ms",
    "throughput": "samples a second",
    "top1": "top-1, %",
}


def as_markdown(found: Comparison) -> str:
    """The verdict in the first line, a row a metric, then what there is to note."""
    rows = "".join("| " + " | ".join(_cells(row)) + " |\n" for row in found.rows)
    notes = "".join(f"- {_inert(note)}\n" for note in found.notes)
    return f"**{found.verdict}**: {_inert(found.summary)}\n\n{HEADER}{rows}" + (f"\n{notes}" if notes else "")


def _cells(row: MetricVerdict) -> tuple[str, ...]:
    changed = "" if row.base_model == row.model else f" against `{row.base_model}`"
    word = "**regression**" if row.verdict == "regression" else row.verdict
    return (
        f"`{row.model}`{changed}",
        UNITS[row.metric],
        _number(row.base),
        _number(row.head),
        _change(row),
        row.limit,
        f"{word}, better" if row.improved else word,
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def _change(row: MetricVerdict) -> str:
    if not row.change:
        return "-" if row.change is None else "0"
    if row.metric == "top1":
        return f"{row.change:+.2f} pp"
    percent = "" if row.change_percent is None else f" ({row.change_percent:+.2f} %)"
    return f"{row.change:+,}{percent}"


def _inert(text: str) -> str:
    """Nothing in it is markup or ends the line."""
    return "".join(f"\\{mark}" if mark in "\\`*<>[]|" else " " if mark in "\r\n" else mark for mark in text)
