"""What can be chosen of an ablation, and what was: its switches, and the part, margin and levels they name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from mgic.figures.ablation.answer import Answer, Axis, answer, axes, default_level, default_margin
from mgic.figures.ablation.effects import interaction_note, tested
from mgic.figures.ablation.fields import Data, first_axes, first_metric, levels, metrics, varied
from mgic.figures.ablation.part import WITH, Part, fullest, others
from mgic.figures.ablation.reference import references
from mgic.figures.columns import short_title, with_unit
from mgic.figures.switches import Switch, read
from mgic.figures.words import value
from mgic.records import Value
from mgic.statistics.comparison import LEVEL

MEAN, DIFFERENCE = "mean", "difference"
NONE = "none"
LOOKS = ("1", "2", "3", "5", "10", "20")
MOST_MAPS = 12


@dataclass(frozen=True)
class Chosen:
    """What the switches say, of data that have two axes and a metric."""

    part: Part
    values: Mapping[str, str]

    @property
    def margin(self) -> float:
        return float(self.values["margin"])

    @property
    def looks(self) -> int:
        return int(self.values["looks"])

    @property
    def facet(self) -> str:
        return self.values.get("facet", NONE)

    @property
    def caution(self) -> str:
        """Where the two fields act on each other, that the answers are of means; else empty."""
        found = tested(self.part.grid)
        if not self.answers or found.p is None or found.p >= LEVEL:
            return ""
        note = interaction_note(found, self.part.title(self.part.x), self.part.title(self.part.y))
        return f"{note} The answers are of the mean over the other field."

    def level(self, axis: Axis) -> Value | None:
        """The value in question; None where the field has no order."""
        word = self.values.get(_enough(axis))
        return next((one for one in axis.levels if value(one) == word), None)

    @cached_property
    def answers(self) -> list[Answer]:
        """Of both fields, or of the one that has an order."""
        found = []
        for axis in axes(self.part):
            level = self.level(axis)
            one = answer(axis, level, self.margin, self.looks) if level is not None else None
            found += [one] if one else []
        return found


def field_switches(data: Data) -> tuple[Switch, ...]:
    """The result and the two fields of the map: what all other choices depend on."""
    x, y = first_axes(data)
    names = {name: short_title(data.info, name) for name in dict.fromkeys([*varied(data.runs), x, y]) if name}
    shown = {name: with_unit(data.info, name) for name in metrics(data)}
    if not shown or not x:
        return ()
    return (
        Switch("metric", "Result", shown, first_metric(data)),
        Switch("x", "Columns", names, x),
        Switch("y", "Rows", names, y),
    )


def part_switches(data: Data, fields: Mapping[str, str]) -> tuple[Switch, ...]:
    """The fields that are held at a value, and which of them may have a map for each of its values."""
    x, y = fields["x"], fields["y"]
    full, rest = fullest(data, x, y), others(data, x, y)
    found = [
        Switch(
            f"{WITH}{name}",
            short_title(data.info, name),
            {value(one): value(one) for one in of},
            full.get(name, value(of[0])),
        )
        for name, of in rest.items()
    ]
    if rest:
        help_ = "A map for each value of one more field, all in the same colours"
        found.append(
            Switch(
                "facet",
                "Maps by",
                {NONE: NONE} | {name: short_title(data.info, name) for name in rest},
                NONE,
                help=help_,
            )
        )
    return tuple(found)


def question_switches(part: Part) -> tuple[Switch, ...]:
    """What cells show, the margin, and the values in question."""
    words = list(references(part))
    if not words:
        return ()
    least = default_margin(part)
    looks = {one: "once" if one == "1" else f"{one} times" for one in LOOKS}
    help_ = "A smaller gain does not count" + (", percentage points" if part.unit == " points" else "")
    again = "The error of 5 % is shared out between all looks at which seeds are added until it is settled"
    return (
        Switch("cells", "Cells show", {MEAN: "Mean", DIFFERENCE: "Difference"}, MEAN),
        Switch("reference", "Reference", {one: one for one in words}, words[0], help="What differences are to"),
        Switch("margin", "Margin", {}, f"{least:g}", bounds=(least / 10, 10 * least, least / 10), help=help_),
        *(_enough_switch(axis) for axis in axes(part) if default_level(axis) is not None),
        Switch("looks", "Looked at", looks, LOOKS[0], help=again),
    )


def _enough_switch(axis: Axis) -> Switch:
    inner = [value(one) for one in axis.levels[:-1]]
    return Switch(_enough(axis), f"{axis.title} enough?", {one: one for one in inner}, value(default_level(axis)))


def _enough(axis: Axis) -> str:
    return f"enough-{'x' if axis.across else 'y'}"


def part_of(data: Data, values: Mapping[str, str]) -> Part:
    held = {name.removeprefix(WITH): word for name, word in values.items() if name.startswith(WITH)}
    return Part(data, values["metric"], values["x"], values["y"], held)


def facets_of(chosen: Chosen) -> dict[str, Part]:
    """Of each value of the field that maps are by; of that in the switches alone where they are by none."""
    part, name = chosen.part, chosen.facet
    if name not in part.held:
        return {"": part}
    every = levels(part.data.runs, name)
    found = {
        f"{part.title(name)} = {value(one)}": Part(
            part.data, part.metric, part.x, part.y, {**part.held, name: value(one)}
        )
        for one in every
    }
    return {title: one for title, one in found.items() if one.runs}


def all_switches(data: Data) -> tuple[Switch, ...]:
    """By what the address asks for: which there are depends on the fields, and their options on the part."""
    first = field_switches(data)
    if not first:
        return ()
    fields, _ = read(first, data.asked)
    second = part_switches(data, fields)
    held, _ = read(second, data.asked)
    return (*first, *second, *question_switches(part_of(data, fields | held)))
