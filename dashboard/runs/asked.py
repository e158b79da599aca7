"""What the list of runs is asked for: the text of the filter box as conditions, what it can be sorted by."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from mgic.errors import BadConfig
from mgic.records import ExperimentInfo, ModelInfo, title_of

NEWEST = "-created_at"
OWN = ("seconds", "created_at")  # of a run itself
CONDITION = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*([!<>=~]+)\s*(.*?)\s*", re.DOTALL)
EXAMPLE = "group_size=8, top1>=90"
KINDS = {"config.": "", "result.": " (result)"}


def conditions(text: str, results: Collection[str], configs: Collection[str]) -> list[str]:
    """`group_size=8, top1>=90` as the service has it: `config.group_size=8` and `result.top1>=90`.

    Args:
        text: Of the box.
        results: Fields of results.
        configs: Of experiments, without the options of models. A name that both have is the config's; with `result.`
            before it, it is the result's.

    Raises:
        BadConfig: A part of it is no condition.
    """
    return [_condition(part, results, configs) for part in _parts(text)]


def _condition(part: str, results: Collection[str], configs: Collection[str]) -> str:
    found = CONDITION.fullmatch(part)
    if found is None or not found[3]:
        raise BadConfig(f"“{part.strip()[:60]}” is no condition; write a field, a sign and a value, such as {EXAMPLE}")
    name, sign, value = found.groups()
    known = name in OWN or name.startswith(tuple(KINDS))
    of = "" if known else "result." if name in results and name not in configs else "config."
    return f"{of}{name}{sign}{value}"


def _parts(text: str) -> Iterator[str]:
    """Between commas and semicolons, but for those in brackets, which a model spec or a list has."""
    depth, part = 0, ""
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter in ",;" and depth <= 0:
            yield from [part] if part.strip() else []
            part = ""
        else:
            part += letter
    yield from [part] if part.strip() else []


def config_fields(infos: Iterable[ExperimentInfo], models: Iterable[ModelInfo]) -> list[str]:
    """Those of the experiments, and the options of models where an experiment takes them."""
    infos = list(infos)
    own = [name for info in infos for name in info.config_schema.get("properties", {})]
    taken = any(info.config_schema.get("additionalProperties") for info in infos)
    options = [name for model in models for name in model.options.get("properties", {})] if taken else []
    return list(dict.fromkeys([*own, *options]))


def scalar_results(infos: Iterable[ExperimentInfo]) -> list[str]:
    """Fields of results that hold one value."""
    found = [name for info in infos for name, one in _results(info).items() if "array" not in _types(one)]
    return list(dict.fromkeys(found))


def sortable(configs: Iterable[str], results: Iterable[str]) -> dict[str, str]:
    """Each order by its word in an address, with what is shown for it."""
    fields = {"seconds": "seconds"} | {f"result.{name}": name for name in results}
    fields |= {f"config.{name}": name for name in configs}
    titles = {word: title_of(name) for word, name in fields.items()}
    said = Counter(titles.values())  # a result and a field of a config may have one title
    titles = {word: f"{title} ({word})" if said[title] > 1 else title for word, title in titles.items()}
    orders = {NEWEST: "newest first", NEWEST[1:]: "oldest first"}
    for word, title in titles.items():
        orders |= {f"-{word}": f"{title} ↓", word: f"{title} ↑"}
    return orders


def name_of_field(word: str) -> str:
    """`config.group_size` and `result.top1` by what people call them."""
    return "time" if word == "seconds" else word.partition(".")[2] if word.startswith(tuple(KINDS)) else word


def _results(info: ExperimentInfo) -> Mapping[str, Any]:
    return info.result_schema.get("properties", {})  # type: ignore[no-any-return]


def _types(field: Mapping[str, Any]) -> set[str]:
    return {str(one.get("type")) for one in (field, *field.get("anyOf", ()))}
