"""Where the numbers of a figure or a table come from, in a sentence: runs, code, data and dates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from mgic.records import DEMO_TAG, Run

MANY = 3  # commits or data sets that are named


def runs_of(data: object) -> list[Run]:
    """Every run inside what a scene has loaded, each once."""
    return list({run.id: run for run in _runs(data)}.values())


def _runs(data: object) -> Iterable[Run]:
    if isinstance(data, Run):
        yield data
    elif isinstance(data, Mapping):
        for one in data.values():
            yield from _runs(one)
    elif isinstance(data, list | tuple):
        for one in data:
            yield from _runs(one)
    elif is_dataclass(data):
        for field in fields(data):
            yield from _runs(getattr(data, field.name))


def provenance(runs: Iterable[Run]) -> str:
    """Of those whose results stand for their configs; empty where there is none.

    `8 runs (classification 2); MGIC Lab at e920f525ea11; data digits (c1187c67); ended 2026-11-28 to 2026-11-29.`
    """
    done = [run for run in runs if run.whole]
    if not done:
        return ""
    days = sorted({f"{run.finished_at:%Y-%m-%d}" for run in done if run.finished_at is not None})
    parts = [
        f"{len(done)} run{'' if len(done) == 1 else 's'} ({_few(_experiment(run) for run in done)})",
        _said("MGIC Lab", (_code(run, "source") for run in done)),
        _said("code under test", (_code(run, "subject") for run in done)),
        _said("data", (_data(run) for run in done)),
        _imported(done),
        f"ended {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "") if days else "",
    ]
    return "; ".join(filter(None, parts)) + "."


def is_demo(runs: Iterable[Run]) -> bool:
    """Whether some of them came with the demo."""
    return any(run.imported and DEMO_TAG in (*run.tags, *run.sweep_tags) for run in runs)


def _imported(done: Sequence[Run]) -> str:
    if not any(run.imported for run in done):
        return ""
    return f"{'demo data, ' if is_demo(done) else ''}measured elsewhere and imported"


def _said(what: str, found: Iterable[str]) -> str:
    words = _few(found)
    return f"{what} {words}" if words else ""


def _few(found: Iterable[str]) -> str:
    """Each once; of many the first and how many more."""
    names = list(dict.fromkeys(filter(None, found)))
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more


def _experiment(run: Run) -> str:
    version = (run.environment or {}).get("experiment_version")
    return f"{run.experiment} {version}" if version is not None else run.experiment


def _code(run: Run, which: str) -> str:
    """The commit, and whether files were changed since; the version where there is no commit."""
    environment = run.environment or {}
    told: dict[str, Any] = environment.get(which) or {}
    commit = told.get("commit")
    if not commit:
        return str(told.get("version") or "")
    if which != "source" and commit == (environment.get("source") or {}).get("commit"):
        return ""  # the lab's own code
    return f"at {str(commit)[:12]}" + (", with uncommitted changes" if told.get("dirty") else "")


def _data(run: Run) -> str:
    name = run.config.get("dataset")
    known = (run.result or {}).get("dataset_hash") or run.config.get("data_hash")
    return f"{name} ({str(known)[:8]})" if name and known else str(name or "")
