"""What the runs of a benchmark say, as Markdown: ratios with their intervals, and how time grows with the width."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from mgic.benchmark.growth import Growth, growth
from mgic.benchmark.table10 import is_of_table_10, labels, printed_times, times
from mgic.records import Outcome
from mgic.spec import parse_spec
from mgic.tables.written import markdown

NONE = "-"
BLOCK = "single_block"
GROWING = 4  # widths of one kind, from which on a growth is fitted

HOW = (
    "In a run all networks take turns, a fresh process each, and the first one stands there twice: how much it differs",
    "from itself decides the grades (of CPU and of wall time, A to D, docs/latency.md). A ratio is of the times of one",
    "round, its geometric mean over rounds, with the 95 % interval by Student's t. Below 1 is faster than what is",
    "replaced. *Time over MACs* is the ratio of times over that of multiply-accumulates: 1 where time follows them.",
)
BY_NETWORK = (
    "network / what it replaces",
    "MACs",
    "how",
    "CPU time",
    "wall time",
    "time over MACs",
    "grades",
    "rounds",
)
BY_WIDTH = (
    "width",
    "kind",
    "parameters",
    "MACs",
    "CPU time, ms",
    "wall time, ms",
    "memory, MB",
    "GMAC/s",
    "of a product",
)
EXPONENTS = ("kind", "parameters", "MACs", "CPU time", "wall time", "memory")

Row = dict[str, Any]


def report(outcomes: Sequence[Outcome], left_out: Sequence[str], command: str) -> str:
    """The whole page.

    Args:
        outcomes: Runs of `latency` that have succeeded, in the order in which they were made.
        left_out: Why others could not run here.
        command: What has made them.
    """
    grows = [one for one in outcomes if len(_widths(one)) >= GROWING]
    printed = [one for one in outcomes if is_of_table_10([row["model"] for row in _measured(one)])]
    pairs = [one for one in outcomes if one not in grows and one not in printed]
    steps = [one for one in pairs if _said(one, "mode", "inference") == "training"]
    passes = [one for one in pairs if one not in steps]
    lines = ["# Time against multiply-accumulates", "", *_about(outcomes, command), ""]
    lines += _section("Networks and what they replace", "a forward pass", passes)
    lines += _section("Steps of training", "a step", steps)
    lines += _beside_the_paper(printed)
    for one in grows:
        lines += _grown(one)
    if left_out:
        lines += ["## Not measured here", "", *(f"- {markdown(why)}" for why in left_out), ""]
    return "\n".join(lines)


def _about(outcomes: Sequence[Outcome], command: str) -> list[str]:
    """When, where and how, from what the runs say themselves."""
    if not outcomes:
        return [f"Nothing was measured by `{command}`."]
    days = _told({datetime.fromtimestamp(one.environment["ended"], UTC).date().isoformat() for one in outcomes})
    machines = _told({_machine(one) for one in outcomes})
    versions = _told({f"torch {one.environment.get('torch')}" for one in outcomes})
    code = _told({_commit(one.environment.get("source") or {}) for one in outcomes})
    loads = [load for one in outcomes if (load := _result(one).get("load_before")) is not None]
    foreign = [busy for one in outcomes if (busy := _result(one).get("foreign_cpu")) is not None]
    noise = f" Load when a run began: {min(loads):.1f} to {max(loads):.1f};" if loads else ""
    noise += f" other processes took {min(foreign):.2g} to {max(foreign):.2g} cores meanwhile." if foreign else ""
    return [
        f"Made on {days} by `{command}`, on {machines}; {versions}, {code}.{noise}",
        "",
        *HOW,
    ]


def _section(title: str, what: str, outcomes: Sequence[Outcome]) -> list[str]:
    """A row a network that is held against the first of its run; of one pair the quickest first."""
    rows: defaultdict[tuple[str, str, float], list[tuple[float, list[str]]]] = defaultdict(list)
    for one in outcomes:
        first, *others = _measured(one)
        for row in others:
            wall, cpu = _ratio(row, "speedup"), _ratio(row, "cpu_speedup")
            share = row["macs"] / first["macs"]
            by = cpu or wall
            cells = [_conditions(one), _interval(cpu), _interval(wall), f"{by[0] / share:.2f}" if by else NONE]
            grades = "/".join(str(_result(one).get(name) or NONE) for name in ("cpu_grade", "grade"))
            cells += [grades, str(_said(one, "rounds", NONE))]
            rows[first["model"], row["model"], share].append((by[0] if by else math.inf, cells))
    if not rows:
        return []
    lines = [f"## {title}", "", f"Times of {what}.", ""]
    lines += _head(BY_NETWORK)
    for (base, name, share), found in rows.items():
        for _, cells in sorted(found, key=lambda item: item[0]):
            pair = f"{markdown(name)} / {markdown(base)}"
            lines.append("| " + " | ".join([pair, f"{share:.3f}", *cells]) + " |")
    return [*lines, ""]


def _beside_the_paper(outcomes: Sequence[Outcome]) -> list[str]:
    """Table 10: a row a machine and way, milliseconds and in brackets how many times those of the first network."""
    if not outcomes:
        return []
    lines = ["## Table 10", "", "Milliseconds an image, in brackets as a multiple of the first network's.", ""]
    lines += _head(("how", *labels(), "grade"))
    rows = [(where, took, NONE) for where, took in printed_times().items()]
    rows += [(_conditions(one), *times(_result(one), _measured(one))) for one in outcomes]
    for how, took, grade in rows:
        cells = [f"{ms:.3g} ({ms / took[0]:.2f})" for ms in took]
        lines.append("| " + " | ".join([how, *cells, grade]) + " |")
    return [
        *lines,
        "",
        "The paper names no runtime; CPU time here with one thread, wall time with more. Weights are random.",
        "",
    ]


def _grown(one: Outcome) -> list[str]:
    """One table a width, and the exponents."""
    widths = _widths(one)
    product = next((row for row in _measured(one) if _options(row).get("kind") == "pointwise"), None)
    lines = ["## Growth with the width", "", f"One block, {_conditions(one)}.", ""]
    lines += [
        "| width | kind | parameters | MACs | CPU time, ms | wall time, ms | memory, MB | GMAC/s | of a product |"
    ]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for kind, width, row in widths:
        speed, best = _speed(row), None if product is None else _speed(product)
        cells = [str(width), kind, f"{row['params']:,}", f"{row['macs']:,}", _number(row.get("cpu_median_ms"))]
        cells += [_number(row.get("median_ms")), _number(row.get("peak_memory_mb")), _number(speed)]
        cells += [f"{speed / best:.0%}" if speed and best else NONE]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "Exponents: `x` grows as the width to this power, by least squares over the logarithms, with the 95 %",
    ]
    lines += ["interval of the fit. Below 1 the smallest widths have more of what does not grow.", ""]
    lines += ["| kind | parameters | MACs | CPU time | wall time | memory |", "|---|---|---|---|---|---|"]
    for kind in dict.fromkeys(kind for kind, _, _ in widths):
        own = [(width, row) for name, width, row in widths if name == kind]
        fits = [_exponent(own, name) for name in ("params", "macs", "cpu_median_ms", "median_ms", "peak_memory_mb")]
        lines.append(f"| {kind} | " + " | ".join(fits) + " |")
    return [*lines, ""]


def _head(titles: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]


def _exponent(rows: Sequence[tuple[int, Row]], name: str) -> str:
    points = [(width, float(row[name])) for width, row in rows if row.get(name)]
    found: Growth | None = growth([x for x, _ in points], [y for _, y in points])
    return NONE if found is None else f"{found.exponent:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _widths(one: Outcome) -> list[tuple[str, int, Row]]:
    """Kind, width and row of each block of a run that compares at least two widths."""
    blocks = [
        (str(_options(row).get("kind", "mgic")), int(_options(row).get("width", 64)), row)
        for row in _measured(one)
        if row["model"].startswith(BLOCK) and _options(row).get("kind") != "pointwise"
    ]
    return blocks if len({width for _, width, _ in blocks}) > 1 else []


def _measured(one: Outcome) -> list[Row]:
    """Without the control, in the order asked for."""
    return [row for row in _result(one)["rows"] if row["role"] == "measured"]


def _options(row: Row) -> dict[str, Any]:
    return parse_spec(row["model"])[1]


def _ratio(row: Row, name: str) -> tuple[float, float | None, float | None] | None:
    """Of times, from the speed-up and its interval; None where it was not compared."""
    value, low, high = (row.get(key) for key in (name, f"{name}_low", f"{name}_high"))
    return None if not value else (1 / value, high and 1 / high, low and 1 / low)


def _interval(ratio: tuple[float, float | None, float | None] | None) -> str:
    if ratio is None:
        return NONE
    value, low, high = ratio
    return f"{value:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low and high else "")


def _speed(row: Row) -> float | None:
    """GMAC a second, by CPU time where that was compared."""
    took = row.get("cpu_median_ms") or row.get("median_ms")
    return row["macs"] / took / 1e6 if took else None


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3g}"


def _conditions(one: Outcome) -> str:
    threads, batch = _said(one, "threads", 1), _said(one, "batch_size", 1)
    parts = [str(_said(one, "engine", "eager"))]
    parts += [f"{threads} thread{'' if threads == 1 else 's'}"] if _said(one, "device", "cpu") == "cpu" else []
    parts += [f"batch {batch}", str(_said(one, "precision", "float32"))]
    parts += ["channels last"] if _said(one, "memory_format", "") == "channels_last" else []
    return ", ".join(parts)


def _said(one: Outcome, field: str, default: Any) -> Any:
    return one.config.get(field, default)


def _result(one: Outcome) -> Row:
    return dict(one.result or {})


def _machine(one: Outcome) -> str:
    result = _result(one)
    cores = result.get("cores")
    cpu = f"{cores} core{'' if cores == 1 else 's'} of {result.get('processor') or 'an unknown processor'}"
    return f"{result['gpu']} beside {cpu}" if result.get("gpu") else cpu


def _commit(source: Row) -> str:
    commit = source.get("commit")
    return f"MGIC Lab {source.get('version')}" + (
        f" at {commit[:10]}{' with changes' * bool(source.get('dirty'))}" if commit else ""
    )


def _told(found: Iterable[str]) -> str:
    return ", ".join(sorted(found))
