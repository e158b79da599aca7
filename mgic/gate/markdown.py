"""A verdict as a Markdown table, fit for a comment on a pull request."""

from mgic.gate.words import UNITS, change, number, word
from mgic.records import Comparison, MetricVerdict

# At the end, where nobody sees it: a comment that has it is found again, and updated in place.
MARKER = "<!-- mgic gate -->"
HEADER = (
    "| model | metric | base | head | change | limit | verdict |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n"
)


def as_markdown(found: Comparison) -> str:
    """The verdict in the first line, a row a metric, then what there is to note and how it was measured."""
    rows = "".join("| " + " | ".join(_cells(row)) + " |\n" for row in found.rows)
    notes = "".join(f"- {_inert(note)}\n" for note in [*found.notes, *reasons(found)])
    how = f"\n{_inert(conditions(found))}\n" if found.conditions else ""
    first = f"**{found.verdict}**: {_inert(found.summary)}\n\n{HEADER}{rows}"
    return first + (f"\n{notes}" if notes else "") + how + f"\n{MARKER}\n"


def reasons(found: Comparison) -> list[str]:
    """What rows say of themselves, such as why they are not settled, unless the comparison's notes have it."""
    told = [(f"{row.model}: {UNITS[row.metric] or word(row)}", row.note) for row in found.rows if row.note]
    return [f"{what}: {note}." for what, note in told if not any(note in known for known in found.notes)]


def conditions(found: Comparison) -> str:
    """How it was measured, in a line."""
    how = found.conditions
    if how is None:
        return ""
    if not how.blocks:
        return "Nothing was timed."
    load = "" if how.load_before is None else f", load {how.load_before:.1f}"
    after = "" if how.load_after is None else f" to {how.load_after:.1f}"
    said = (
        f"{how.blocks} block{'' if how.blocks == 1 else 's'} in {how.elapsed_s:.0f} s of {how.budget_s:.0f}, "
        f"{how.engine}, {how.threads} thread, batch {how.batch_size}; {how.processor or 'unknown processor'}, "
        f"{how.cores} cores{load}{after}; PyTorch {how.torch}. Intervals are of 95 % or more."
    )
    return " ".join([said, *(f"{remark[:1].upper()}{remark[1:]}." for remark in how.remarks)])


def _cells(row: MetricVerdict) -> tuple[str, ...]:
    changed = "" if row.base_model == row.model else f" against `{row.base_model}`"
    shown = word(row)
    return (
        f"`{row.model}`{changed}",
        UNITS[row.metric],
        number(row, row.base),
        number(row, row.head),
        change(row),
        row.limit,
        shown.replace("regression", "**regression**"),
    )


def _inert(text: str) -> str:
    """Nothing in it is markup or ends the line."""
    return "".join(f"\\{mark}" if mark in "\\`*<>[]|" else " " if mark in "\r\n" else mark for mark in text)
