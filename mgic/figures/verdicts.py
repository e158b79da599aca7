"""What the printed rows of the paper and the runs beside them say, in words and signs."""

from mgic.figures.words import NO_NUMBER, number
from mgic.records import Measured, Metric, Standing, Verdict

METRICS: dict[Metric, str] = {
    "top1": "top-1, %",
    "top5": "top-5, %",
    "miou": "mIoU, %",
    "mse": "MSE",
    "mobile_ms": "phone, ms",
    "cpu_ms": "CPU, ms",
}
PERCENT: tuple[Metric, ...] = ("top1", "top5", "miou")  # told in points
VERDICT_SIGNS: dict[Verdict, str] = {
    "reproduced": "✔",
    "within noise": "≈",
    "contradicts": "✖",
    "spread unknown": "?",
    "not run": "○",
    "another network": "≠",
    "quoted": "❝",
    "other samples": "≁",
    "cannot run": "⊘",
}


def verdict_words(row: Standing) -> str:
    return f"{VERDICT_SIGNS[row.verdict]} {row.says}"


def measured_words(found: Measured | None) -> str:
    """`94.2 ± 0.15 (n = 3)`: half of the mean's 95 % interval; the range for 2 runs, and one run as it is.

    Where seeds have no figure, and where it is the best of several groups of runs, the brackets say so.
    """
    if found is None:
        return NO_NUMBER
    spread = ""
    if found.interval is not None:
        spread = f" ± {number((found.interval[1] - found.interval[0]) / 2, 2)}"
    elif found.n > 1:
        spread = f", {number(found.low)} to {number(found.high)}"
    seeds = f"n = {found.n}" if found.n == found.seeds else f"{found.n} of {found.seeds} seeds"
    best = f", best of {found.searched} groups" if found.searched > 1 else ""
    return f"{number(found.mean)}{spread} ({seeds}{best})"


def as_printed(value: float) -> str:
    """With its last zero, 93.0, where it is no large whole number, 795."""
    return str(value) if value < 100 else number(value)
