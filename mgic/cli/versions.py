"""`mgic gate --base REF`: the working copy against a commit, both measured here and now."""

import os
import re
import signal
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from mgic.cli.answers import Answers, evaluated
from mgic.cli.files import read_json
from mgic.cli.terminal import say
from mgic.errors import BadConfig, Problem
from mgic.extras import what_lacks
from mgic.gate import Rules, joined, parse_rules, read_rules
from mgic.origin import ci_links
from mgic.records import MODEL_NAME_PATTERN, NAME_PATTERN, Comparison
from mgic.sides.checkout import base_of, changed_since, checked_out
from mgic.sides.evaluating import Weighed
from mgic.sides.preparing import prepared
from mgic.sides.timing import ENGINES, OF_A_GRAPH, Timed, Way
from mgic.sides.verdict import Asked, held_against

BUDGET = "5m"
MAX_BUDGET_S = 6 * 3600
UNITS = {"s": 1, "m": 60, "h": 3600}
DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(s|m|h)?")
KEYS = ("import", "models", "limits", "budget", "install", "engine", "batch-size", "name", "allow-gone")
PROJECT = "pyproject.toml"
TABLE = "[tool.mgic.gate]"
FILES = (".onnx", ".safetensors")


@dataclass(frozen=True)
class Settings:
    """Of `[tool.mgic.gate]`; what the command line says counts more."""

    imports: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)
    budget: str = BUDGET
    install: str | None = None
    engine: str = "eager"
    batch_size: int = 1
    name: str | None = None
    allow_gone: bool = False
    file: Path | None = None


def read_settings(folder: Path) -> Settings:
    """From the nearest pyproject.toml at or above a folder, within its repository.

    Raises:
        BadConfig: The file cannot be read, or the table has what is none of its keys, or of another type.
    """
    for place in (folder, *folder.parents):
        path = place / PROJECT
        if path.is_file():
            return _of_file(path)
        if (place / ".git").exists():
            break
    return Settings()


def _of_file(path: Path) -> Settings:
    try:
        table = tomllib.loads(read_json(PROJECT, path).decode()).get("tool", {}).get("mgic", {}).get("gate", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise _bad(PROJECT, f"{path} cannot be read: {error}") from error
    if not isinstance(table, dict):
        raise _bad(PROJECT, f"{TABLE} should be a table")
    for key in table:
        if key not in KEYS:
            raise _bad(PROJECT, f"{TABLE} has no key {str(key)[:40]!r}; known: {', '.join(KEYS)}")
    plain = Settings()
    return Settings(
        imports=_texts(table, "import"),
        models=_texts(table, "models"),
        rules=read_rules(table.get("limits", {}), f"{TABLE}.limits"),
        budget=_one(table, "budget", str, plain.budget),
        install=_one(table, "install", str, None),
        engine=_one(table, "engine", str, plain.engine),
        batch_size=_one(table, "batch-size", int, plain.batch_size),
        name=_one(table, "name", str, None),
        allow_gone=_one(table, "allow-gone", bool, False),
        file=path,
    )


def _texts(table: dict[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _bad(PROJECT, f"{TABLE} {key}: a list of texts is wanted")
    return tuple(value)


def _one(table: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    value = table.get(key, default)
    if value is not default and type(value) is not kind:
        words = {str: "a text", int: "a whole number", bool: "true or false"}[kind]
        raise _bad(PROJECT, f"{TABLE} {key}: {words} is wanted")
    return value


def parse_budget(text: str, field: str = "--budget") -> float:
    """`90`, `90s`, `5m`, `1h` in seconds; 0 is for nothing timed.

    Raises:
        BadConfig: It is none of these, or more than six hours.
    """
    found = DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * UNITS[found[2] or "s"] if found else -1.0
    if not 0 <= seconds <= MAX_BUDGET_S:
        words = f"a time from 0 to 6h is wanted, such as 90s or 5m, not {text[:40]!r}"
        raise _bad(field, words)
    return seconds


def compare_versions(
    ref: str, settings: Settings, models: Sequence[str], limits: Sequence[str], weights: Sequence[Weighed] = ()
) -> tuple[Comparison, list[Answers]]:
    """Count and measure base and head, and judge; and what both answer with their weights.

    Args:
        ref: A branch, tag or commit.
        settings: From the file, with what the command line said in its place.
        models: Specs of the command line; none: those of the file, or else all.
        limits: Of the command line.
        weights: To be evaluated with both.

    Raises:
        BadConfig, UnknownName, NotFound, NotMeasured: As what it calls.
    """
    budget = parse_budget(settings.budget)
    if settings.engine not in ENGINES:
        raise _bad("--engine", f"one of {', '.join(ENGINES)} is wanted, not {settings.engine[:40]!r}")
    if settings.install is None and settings.engine in OF_A_GRAPH and (why := what_lacks(settings.engine)):
        raise _bad("--engine", why)
    if not 1 <= settings.batch_size <= 4096:
        raise _bad("--batch-size", "a whole number from 1 to 4096 is wanted")
    if settings.name is not None and not re.fullmatch(NAME_PATTERN, settings.name):
        raise _bad("--name", "1 to 120 letters, digits, dots, dashes and underscores are wanted")
    rules = joined(settings.rules, parse_rules(limits, "--fail-on"))
    folder, links = Path.cwd(), ci_links(os.environ)
    base = base_of(ref, folder, os.environ)
    specs = tuple(_file_or_spec(spec) for spec in (models or settings.models))
    asked = Asked(
        specs=specs,
        rules=rules,
        way=Way(settings.engine, settings.batch_size),
        budget_s=budget,
        allow_gone=settings.allow_gone,
        name=settings.name or base.root.name,
        links=links,
    )
    notes = []
    if settings.file is not None and changed_since(base, settings.file) and settings.file.is_relative_to(base.root):
        notes.append(f"{settings.file.name}, which has the limits, is not as it is in the base.")
    with _ended_in_order(), checked_out(base) as checkout:
        files_only = bool(asked.specs) and all(spec.endswith(FILES) for spec in asked.specs)
        arguments = (base.root, checkout, folder.resolve(), settings.imports, settings.install, files_only)
        with prepared(*arguments) as sides:
            found = held_against(base, sides, asked, notes, _tell)
            return found, [evaluated(one, found, sides) for one in weights]


def _file_or_spec(spec: str) -> str:
    """A file by its plain path from here. Raises `BadConfig` for one elsewhere, or with a name that is none here."""
    if not spec.endswith(FILES):
        return spec
    plain = os.path.normpath(spec)
    if not re.fullmatch(MODEL_NAME_PATTERN, plain):
        words = "a file is named by its path from here, with letters, digits, dots, dashes and underscores of ASCII"
        raise _bad("models", f"{words}, not {spec[:80]!r}")
    return plain


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Also of a job that is cancelled, or whose terminal is closed: what was checked out is removed then too."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(timed: Timed) -> None:
    if sys.stderr.isatty() or timed.blocks % 5 == 0:
        open_models = [name for name, judged in timed.judged.items() if not judged.settled]
        say(f"mgic: block {timed.blocks}; {len(open_models)} of {len(timed.judged)} models still open")


def _bad(field: str, words: str) -> BadConfig:
    return BadConfig(f"{field}: {words}", (Problem(field, "validation", words),))
