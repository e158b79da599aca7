"""Does a run that was repeated say the same as it did? By its result, and by what differs of where it was made."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from mgic.statistics import summary
from mgic.statistics.distributions import student

Same = Literal["equal", "within noise", "differs"]

TIMES = ("s", "ms", "x", "MB", "MHz", "cores")  # units of what is measured by a clock, or of the process
RATES = "/s"
NOT_COMPARED = frozenset({"seconds", "resumed", "caution", "reasons", "cpu_reasons"})
MIN_KNOWN = 3  # runs of other seeds from which their spread is known
ALIKE = 0.95
# What of an environment changes numbers, the likeliest cause first.
RANKED = (
    "experiment_version",
    "mgic",
    "device",
    "cuda",
    "torch",
    "torchvision",
    "numpy",
    "threads",
    "python",
    "platform",
)


class Field(NamedTuple):
    """A figure of a result: where it stands, as it was, and as it is now."""

    place: str
    before: Any
    after: Any

    @property
    def relative(self) -> float | None:
        """By how much of the larger one it differs; None for what is no number."""
        numbers = [float(value) for value in (self.before, self.after) if isinstance(value, int | float)]
        if len(numbers) < 2:
            return None
        return abs(numbers[1] - numbers[0]) / max(*map(abs, numbers), 1e-300)


class Replayed(NamedTuple):
    """What came of it.

    Args:
        verdict: `equal` to the bit, `within noise` of runs of other seeds, or it `differs`.
        compared: How many figures were compared; times are not among them.
        different: Those that are not equal.
        why: The verdict's reason, in words.
    """

    verdict: Same
    compared: int
    different: tuple[Field, ...]
    why: str


def replayed(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    schema: Mapping[str, Any],
    metric: str | None,
    known: Sequence[float] = (),
) -> Replayed:
    """Compare two results of one config.

    Args:
        before: As it was stored.
        after: As it is now.
        schema: Of results, with the units of their fields.
        metric: The figure that noise is judged by, such as top1; None: there is none.
        known: This figure in runs that differ in their seed only.
    """
    fields = list(_fields(before, after, schema, schema))
    different = tuple(field for field in fields if field.before != field.after)
    if not fields:
        return Replayed("differs", 0, (), "the result has times and nothing else, which no second run repeats")
    if not different:
        return Replayed("equal", len(fields), (), f"all {len(fields)} figures are equal to the last digit")
    words = f"{len(different)} of {len(fields)} figures differ"
    largest = max((field.relative for field in different if field.relative is not None), default=None)
    words += "" if largest is None else f", by at most {100 * largest:.2g} %"
    of_metric = next((field for field in fields if field.place == metric), None)
    spread = summary(known)
    if of_metric is None or of_metric.relative is None or spread.sd is None or spread.n < MIN_KNOWN:
        return Replayed("differs", len(fields), different, f"{words}; how much other seeds differ is not known here")
    reach = student(spread.n - 1, (1 + ALIKE) / 2) * spread.sd * 2**0.5
    gap = abs(of_metric.after - of_metric.before)
    noise = f"{metric} by {gap:.3g}, where two of {spread.n} runs of other seeds are up to {reach:.3g} apart in 95 %"
    return Replayed("within noise" if gap <= reach else "differs", len(fields), different, f"{words}; {noise}")


def environment_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs of two environments, the likeliest cause of another result first."""
    found = []
    for part in ("source", "subject"):
        was, now = (side.get(part) or {} for side in (before, after))
        if was.get("commit") != now.get("commit") or was.get("dirty") != now.get("dirty"):
            whose = "the lab" if part == "source" else "the code under test"
            found.append(f"{whose}: {_code(was)} -> {_code(now)}")
    found += [
        f"{name}: {before.get(name)} -> {after.get(name)}" for name in RANKED if before.get(name) != after.get(name)
    ]
    return found


def _code(side: Mapping[str, Any]) -> str:
    commit = str(side.get("commit") or "no commit")[:10]
    return f"{commit}, changed since" if side.get("dirty") else commit


def _fields(
    before: Any, after: Any, schema: Mapping[str, Any], whole: Mapping[str, Any], place: str = ""
) -> Iterator[Field]:
    """The figures of both, without times; rows of tables by their number."""
    schema = _followed(schema, whole)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        known = schema.get("properties", {})
        for name in dict.fromkeys([*before, *after]):
            one = known.get(name, {})
            if name not in NOT_COMPARED and not _is_time(_followed(one, whole) | one):
                yield from _fields(before.get(name), after.get(name), one, whole, f"{place}.{name}".removeprefix("."))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (was, now) in enumerate(zip(before, after, strict=True)):
            yield from _fields(was, now, schema.get("items", {}), whole, f"{place}[{number}]")
    else:
        yield Field(place, before, after)


def _followed(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """What `$ref` stands for, or the part of a union that is not null."""
    for one in schema.get("anyOf", ()):
        if one.get("type") != "null":
            return _followed(one, whole)
    reference = schema.get("$ref")
    if reference is None:
        return dict(schema)
    return _followed(whole.get("$defs", {}).get(reference.rpartition("/")[2], {}), whole)


def _is_time(schema: Mapping[str, Any]) -> bool:
    unit = schema.get("unit", "")
    return unit in TIMES or str(unit).endswith(RATES)
