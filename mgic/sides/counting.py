"""Which models both versions of the code have, and what is exact of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mgic.errors import BadConfig, NotMeasured, Problem, UnknownName
from mgic.measure.blocks import Parents
from mgic.records import Arm, MetricVerdict, ModelFigures, RowVerdict

ABSENT = "there is no module"  # how an import that finds nothing is told


@dataclass(frozen=True)
class Counted:
    """One version.

    Args:
        figures: By spec as asked for, of models that could be counted.
        unknown: By spec, what says that it has no such model.
        bad: By spec, why it cannot be built or counted.
        loaded: Modules of packages that this took, in their order.
    """

    figures: Mapping[str, ModelFigures]
    unknown: Mapping[str, str]
    bad: Mapping[str, str]
    loaded: Sequence[str]


def count(name: Arm, made: Parents, specs: Sequence[str], sizes: Mapping[str, Sequence[int]]) -> Counted:
    """Ask a version what it has. A base without the module has no model.

    Args:
        name: `base` or `head`.
        made: The processes of both.
        specs: Models; none: all that its own code has.
        sizes: By spec, of one sample; the others are counted at what they are made for.

    Raises:
        BadConfig: Its modules lie outside of its checkout, so that nobody knows which version they are.
        NotMeasured: They cannot be imported.
    """
    job = {"task": "figures", "specs": list(specs), "sizes": {spec: list(size) for spec, size in sizes.items()}}
    try:
        worker, told = made.open(name, job)
    except NotMeasured as error:
        raise NotMeasured(f"the {name} cannot be counted: {error}") from error
    worker.close()
    if "no_import" in told:
        if name == "base" and ABSENT in told["no_import"]:
            return Counted({}, {spec: told["no_import"] for spec in specs}, {}, ())
        raise NotMeasured(f"the {name} cannot be imported: {told['no_import']}")
    if told.get("elsewhere"):
        modules = ", ".join(told["elsewhere"])
        words = (
            f"{modules} is imported from outside of the {name}'s checkout, so that both sides would be the same code; "
            "install it from the checkout (pip install -e .), or let --install prepare an environment a side"
        )
        raise BadConfig(f"--import: {words}", (Problem("--import", "elsewhere", words),))
    by = {kind: {s: one[kind] for s, one in told["models"].items() if kind in one} for kind in ("unknown", "bad")}
    figures = {s: _figures(one) for s, one in told["models"].items() if "figures" in one}
    return Counted(figures, by["unknown"], by["bad"], told["loaded"])


def _figures(told: Mapping[str, Any]) -> ModelFigures:
    return ModelFigures.model_validate(told["figures"], strict=False)


def one_sided(specs: Sequence[str], base: Counted, head: Counted, allow_gone: bool) -> list[MetricVerdict]:
    """Rows of the models that cannot be held against each other.

    Raises:
        UnknownName: Neither side has one of them.
    """
    rows = []
    for spec in specs:
        if spec in base.unknown and spec in head.unknown:
            raise UnknownName(f"neither the base nor the head has it: {head.unknown[spec]}")
        if spec in base.bad or spec in head.bad:
            sides = [f"{name}: {one.bad[spec]}" for name, one in (("base", base), ("head", head)) if spec in one.bad]
            rows.append(whole(spec, "not measured", "; ".join(sides)))
        elif spec not in head.figures:
            rows.append(whole(spec, "shown" if allow_gone else "gone", "the base has it, the head does not"))
        elif spec not in base.figures:
            rows.append(whole(spec, "new", "the head has it, the base does not"))
    return rows


def changed_options(base: ModelFigures, head: ModelFigures) -> str:
    """What says that another network is counted, though it is asked for by the same words; empty where it is not."""
    names = [name for name in {**base.options, **head.options} if base.options.get(name) != head.options.get(name)]
    shown = [f"{name} {_told(base, name)} -> {_told(head, name)}" for name in names[:5]]
    return f"{head.model}: another network is counted: {', '.join(shown)}." if shown else ""


def _told(figures: ModelFigures, option: str) -> str:
    return str(figures.options[option]) if option in figures.options else "none"


def whole(spec: str, verdict: RowVerdict, note: str) -> MetricVerdict:
    """The row of a model as a whole, which has no metric."""
    return MetricVerdict(model=spec, base_model=spec, metric=None, verdict=verdict, note=note[:1000])
