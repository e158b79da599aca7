"""A verdict as people and programs read it: on a terminal, as JUnit, as Bencher's metrics, as GitHub's annotations."""

import json
from collections import defaultdict
from xml.etree import ElementTree

from mgic.gate.markdown import conditions, reasons
from mgic.gate.words import UNITS, change, number, word
from mgic.records import Comparison, MetricVerdict

ESCAPED = {"%": "%25", "\r": "%0D", "\n": "%0A"}  # of GitHub's workflow commands
LEVELS = {"regression": "error", "gone": "error", "not measured": "warning", "inconclusive": "warning", "new": "notice"}
MEASURES = {  # of Bencher, whose names are slugs; the unit of each is ours
    "params": "parameters",
    "macs": "multiply-accumulates",
    "size_bytes": "file-size",
    "cpu_time": "cpu-time-ms",
    "instructions": "instructions",
    "peak_memory": "peak-memory-bytes",
    "wall_time": "latency-ms",
    "p50": "latency-p50-ms",
    "throughput": "throughput",
    "top1": "top1-percent",
}
HEAD = ("metric", "base", "head", "change", "limit", "verdict")


def as_text(found: Comparison) -> str:
    """For a terminal: the verdict, a table a model, then notes."""
    lines = [f"{found.verdict}: {found.summary}"]
    of_model: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for row in found.rows:
        figures = (UNITS[row.metric] or "-", number(row, row.base), number(row, row.head), change(row))
        against = "" if row.base_model == row.model else f" against {row.base_model}"
        of_model[f"{row.model}{against}"].append((*figures, row.limit, word(row)))
    whole = [HEAD, *(cells for rows in of_model.values() for cells in rows)]
    widths = [max(len(cells[place]) for cells in whole) for place in range(len(HEAD))]
    for model, rows in of_model.items():
        lines += ["", model]
        for cells in (HEAD, *rows):
            padded = [
                cell.ljust(width) if place in (0, 5) else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            lines.append("  " + "  ".join(padded).rstrip())
    notes = [*found.notes, *reasons(found), *filter(None, [conditions(found)])]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def as_junit(found: Comparison) -> str:
    """A test a row; a regression and a model that is gone are failures, what could not be settled is skipped."""
    counts: dict[str, int] = defaultdict(int)
    suite = ElementTree.Element("testsuite", {"name": "mgic gate"})
    for row in found.rows:
        case = ElementTree.SubElement(suite, "testcase", {"classname": row.model, "name": row.metric or row.verdict})
        figures = f" {number(row, row.base)} -> {number(row, row.head)}, {change(row)}" if row.metric else ""
        said = f"{word(row)}:{figures} {row.note}".strip()
        if row.verdict in ("regression", "gone"):
            ElementTree.SubElement(case, "failure", {"message": said, "type": row.verdict})
            counts["failures"] += 1
        elif row.verdict in ("inconclusive", "not measured"):
            ElementTree.SubElement(case, "skipped", {"message": said})
            counts["skipped"] += 1
    totals = {"tests": str(len(found.rows)), "errors": "0"}
    suite.attrib |= totals | {name: str(counts[name]) for name in ("failures", "skipped")}
    whole = ElementTree.Element("testsuites")
    whole.append(suite)
    ElementTree.indent(whole)
    return ElementTree.tostring(whole, encoding="unicode", xml_declaration=True) + "\n"


def as_bmf(found: Comparison) -> str:
    """Bencher Metric Format: the head's figures, with the interval of each.

    https://bencher.dev/docs/reference/bencher-metric-format/
    """
    told: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for row in found.rows:
        if row.metric is None or row.head is None:
            continue
        metric = {"value": float(row.head)}
        if row.base is not None and row.low_percent is not None and row.high_percent is not None:
            unit = 1 if row.metric == "top1" else row.base / 100  # of top1 the interval is in points
            metric["lower_value"] = row.base + row.low_percent * unit
            metric["upper_value"] = row.base + row.high_percent * unit
        told[row.model][MEASURES[row.metric]] = metric
    return json.dumps(told, indent=2) + "\n"


def as_smaller_is_better(found: Comparison) -> str:
    """The list that github-action-benchmark takes as `customSmallerIsBetter`; what should rise is left out."""
    told = [
        {"name": f"{row.model} {MEASURES[row.metric]}", "unit": UNITS[row.metric], "value": row.head}
        for row in found.rows
        if row.metric not in (None, "top1", "throughput") and row.metric and row.head is not None
    ]
    return json.dumps(told, indent=2) + "\n"


def as_annotations(found: Comparison) -> str:
    """GitHub's workflow commands: errors, warnings for what is open, or else a notice; and one a new model."""
    wrong = [_annotation(row) for row in found.rows if row.verdict in LEVELS and row.verdict != "new"]
    new = [_annotation(row) for row in found.rows if row.verdict == "new"]
    return "\n".join([*(wrong or [f"::notice title=mgic gate::{_escaped(found.summary)}"]), *new]) + "\n"


def _annotation(row: MetricVerdict) -> str:
    figures = f"{number(row, row.base)} -> {number(row, row.head)} ({change(row)}), limit {row.limit}"
    said = f"{row.model}: {UNITS[row.metric]} {figures}" if row.metric else row.model
    title = f"mgic gate: {row.verdict}"
    return f"::{LEVELS[row.verdict]} title={title}::{_escaped(' '.join(filter(None, (said, row.note))))}"


def _escaped(text: str) -> str:
    return "".join(ESCAPED.get(mark, mark) for mark in text)
