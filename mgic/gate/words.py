"""The figures of a verdict's row in words, as every format writes them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from mgic.records import GateMetric, MetricVerdict


class Named(NamedTuple):
    """What a metric is called, and its unit; empty where the name says it."""

    name: str
    unit: str = ""


METRICS: Mapping[GateMetric, Named] = MappingProxyType(
    {
        "params": Named("parameters"),
        "macs": Named("MACs"),
        "size_bytes": Named("size", "bytes"),
        "cpu_time": Named("CPU time", "ms"),
        "instructions": Named("instructions"),
        "peak_memory": Named("peak memory", "MB"),
        "wall_time": Named("wall time", "ms"),
        "p50": Named("median wall time", "ms"),
        "throughput": Named("throughput", "samples a second"),
        "top1": Named("top-1", "%"),
    }
)
UNITS: Mapping[str | None, str] = MappingProxyType(  # as the tables head a row
    {None: "", **{metric: ", ".join(filter(None, named)) for metric, named in METRICS.items()}}
)
MEGABYTE = 1e6


def number(row: MetricVerdict, value: float | None) -> str:
    """A figure in the unit that `UNITS` names."""
    if value is None:
        return "-"
    if row.metric == "peak_memory":
        return f"{value / MEGABYTE:.3g}"
    if row.metric == "top1":
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def change(row: MetricVerdict) -> str:
    """Of an exact figure the difference and its share; of a measured one the share with its interval."""
    if row.low_percent is not None and row.high_percent is not None and row.change_percent is not None:
        return f"{row.change_percent:+.1f} % [{row.low_percent:+.1f}, {row.high_percent:+.1f}], n = {row.n}"
    if row.change is None:
        return "-"
    if row.n and row.change_percent is not None and row.metric != "top1":
        return f"{row.change_percent:+.1f} %, n = {row.n}"
    if row.metric == "top1":
        points = f"{row.change:+.2f} pp" if row.change else "0"
        known = row.low_percent is not None and row.high_percent is not None
        return f"{points} [{row.low_percent:+.2f}, {row.high_percent:+.2f}]" if known else points
    if not row.change:
        return "0"
    percent = "" if row.change_percent is None else f" ({row.change_percent:+.2f} %)"
    return f"{row.change:+,}{percent}"


def word(row: MetricVerdict) -> str:
    """The verdict, and whether it is better."""
    return f"{row.verdict}, better" if row.improved else row.verdict
