"""Which points of a trade-off are worth their cost: the front of the means, how sure that is, what a budget buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mgic.figures.columns import Goal
from mgic.figures.series import Mark
from mgic.figures.words import number, si
from mgic.statistics import MIN_FOR_INTERVAL, CostError, front_probability

DRAWS = 1000  # of the true means and costs, which tell how sure the front is


@dataclass(frozen=True)
class Point(Mark):
    """A network with what it costs and what it is worth, the mean over its seeds.

    Args:
        key: Tells it from all others.
        name: In full.
        worth: What the front is chosen by, one a seed.
        left: How far the bar of the cost reaches to the left; 0 where the cost is known exactly.
        right: The same to the right.
        error: Of a measured cost.
        budgets: What else it costs, by the name of a budget; a budget on what is missing here is not met.
        runs: Ids.
        on_front: No cheaper point has as good a mean.
        probability: Of being on the front of the true means; None where that is not known.
        within: It meets all budgets.
    """

    key: str = ""
    name: str = ""
    worth: tuple[float, ...] = ()
    left: float = 0.0
    right: float = 0.0
    error: CostError | None = None
    budgets: Mapping[str, float] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    on_front: bool = False
    probability: float | None = None
    within: bool = True

    @property
    def cost(self) -> float:
        return float(self.x)

    @property
    def mean_worth(self) -> float:
        return sum(self.worth) / len(self.worth)


@dataclass(frozen=True)
class Budget:
    """The most that may be spent of one cost."""

    name: str  # max_macs
    most: float
    title: str  # MACs
    unit: str = ""


def weighed(points: Sequence[Point], goal: Goal | None, budgets: Sequence[Budget] = ()) -> list[Point]:
    """The same in order of cost, with their place on the front and whether they meet the budgets."""
    ordered = sorted(points, key=lambda point: point.cost)
    met = [all(point.budgets.get(b.name, float("inf")) <= b.most for b in budgets) for point in ordered]
    if goal is None:
        return [replace(point, within=within) for point, within in zip(ordered, met, strict=True)]
    sign = 1 if goal == "max" else -1
    names = list(map(str, range(len(ordered))))
    costs = {name: point.cost for name, point in zip(names, ordered, strict=True)}
    values = {name: [sign * one for one in point.worth] for name, point in zip(names, ordered, strict=True)}
    errors = {name: point.error for name, point in zip(names, ordered, strict=True) if point.error is not None}
    found = front_probability(costs, values, DRAWS, measured=errors)
    return [
        replace(point, on_front=found[name].on_front, probability=found[name].probability, within=within)
        for name, point, within in zip(names, ordered, met, strict=True)
    ]


def staircase(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Cost and drawn value along the front of the means; of equal costs the first."""
    steps: dict[float, float] = {}
    for point in points:
        if point.on_front:
            steps.setdefault(point.cost, point.y)
    return list(steps.items())


def best_within(points: Sequence[Point], goal: Goal | None, budgets: Sequence[Budget], metric: str, unit: str) -> str:
    """`Best top1 within max_macs 20 M: X, 95.2 ± 0.4 % at 12.3 M, on the front with p = 0.8 (n = 5).`"""
    asked = " and ".join(f"{b.title} up to {si(b.most, 4)}{f' {b.unit}' if b.unit else ''}" for b in budgets)
    inside = [point for point in points if point.within]
    if not budgets or goal is None:
        return ""
    if not inside:
        return f"Nothing meets {asked}."
    pick = max if goal == "max" else min
    best = pick(inside, key=lambda point: (point.mean_worth, -point.cost) if goal == "max" else point.mean_worth)
    spread, unit = spread_words(best), f" {unit}" if unit else ""
    told = best.label.removeprefix(f"{best.name.partition('(')[0]} ")  # in the plot, beside the model
    name = f"{best.name} (s_g/s_c {told})" if "/" in told and told != best.label else best.name
    costs = ", ".join(
        f"{si(best.budgets[b.name], 4)}{f' {b.unit}' if b.unit else ''} {b.title}"
        for b in budgets
        if b.name in best.budgets
    )
    sure = "" if best.probability is None else f", on the front with {percent(best.probability)}"
    seeds = f"n = {len(best.singles)}" if len(best.singles) > 1 else "one run"
    return f"Best {metric} with {asked}: {name}, {number(best.y)}{spread}{unit} at {costs}{sure} ({seeds})."


def spread_words(point: Point) -> str:
    """` ± 0.4`, half of the 95 % interval, from 3 seeds on; the range of 2; nothing of one run."""
    if len(point.singles) < 2:
        return ""
    if len(point.singles) < MIN_FOR_INTERVAL:
        return f" ({number(min(point.singles))} to {number(max(point.singles))})"
    return f" ± {number((point.below + point.above) / 2, 2)}"


def percent(probability: float) -> str:
    """Never certain: as many draws as there are cannot tell 99.9 % from more."""
    return "over 99 %" if probability > 0.99 else "under 1 %" if probability < 0.01 else f"{round(100 * probability)} %"
