"""Holds the working copy against a commit: count, measure, judge."""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mgic.errors import BadConfig, Problem
from mgic.gate.comparison import exact, overall
from mgic.gate.judging import Judged, missing, rows
from mgic.gate.limits import Rules, check_used
from mgic.measure.blocks import Code, Parents
from mgic.measure.files import is_file
from mgic.measure.host import Host
from mgic.origin import source
from mgic.records import (
    MAX_GATE_MODELS,
    Arm,
    Comparison,
    Conditions,
    MetricVerdict,
    ModelFigures,
    SideInfo,
    Source,
)
from mgic.repository import remote_of, repository_of
from mgic.sides.checkout import Base
from mgic.sides.counting import Counted, changed_options, count, one_sided, whole
from mgic.sides.timing import OF_A_GRAPH, Timed, Way, measure

COUNTING = ("torch._dynamo",)  # what a network on shapes alone loads by and by, here once for both sides
WEIGHTS = ".safetensors"  # have no pass to time


@dataclass(frozen=True)
class Asked:
    """What is to be held against the base.

    Args:
        specs: Models; none: all that the code of a side has.
        rules: Limits.
        way: How a pass is made.
        budget_s: For all of it, seconds; 0: nothing is timed.
        allow_gone: Whether a model that the head does not have is told and no more.
        name: What it is a comparison of.
        links: Addresses of the CI run and the pull request, and the branch.
    """

    specs: tuple[str, ...]
    rules: Rules
    way: Way
    budget_s: float
    allow_gone: bool
    name: str | None
    links: Mapping[str, str | None]


def held_against(
    base: Base, sides: tuple[Code, Code], asked: Asked, notes: Sequence[str], tell: Callable[[Timed], None]
) -> Comparison:
    """The verdict.

    Args:
        base: The commit.
        sides: Its code, and the head's.
        asked: What to hold against it.
        notes: To be told first.
        tell: Called after each block.

    Raises:
        BadConfig: Modules that lie elsewhere, or too many models.
        UnknownName: A model that neither side has.
        NotMeasured: A side that cannot be imported.
    """
    began, load = time.monotonic(), Host().load()
    codes: dict[Arm, Code] = {"base": sides[0], "control": sides[0], "head": sides[1]}
    with TemporaryDirectory(prefix="mgic-gate-") as folder:
        seen = _seen(codes, asked, began, Path(folder), tell)
    found = [*seen.one_sided, *_rows(seen, asked)]
    check_used(asked.rules, [row.model for row in found], "limits")
    verdict, words = overall(found, asked.rules)
    head, remote = repository_of(base.root), remote_of(base.root)
    return Comparison(
        created_at=datetime.now(UTC),
        verdict=verdict,
        summary=f"{words} (base {base.commit[:10]}, where it left {base.ref})",
        baseline=base.commit,
        baseline_created_at=None,
        base_source=_source(),
        head_source=_source(),
        rows=tuple(found),
        notes=tuple([*notes, *_notes(base, seen)]),
        name=asked.name,
        base_side=SideInfo(ref=base.ref, commit=base.commit, branch=None, dirty=False, remote=remote),
        head_side=SideInfo(
            ref="head",
            commit=head.commit if head else None,
            branch=asked.links.get("branch") or (head.branch if head else None),
            dirty=head.changed if head else None,
            remote=remote,
        ),
        conditions=_conditions(asked, seen, load, time.monotonic() - began),
        samples=tuple(seen.timed.samples),
        ci_run=asked.links.get("ci_run"),
        pull_request=asked.links.get("pull_request"),
    )


@dataclass(frozen=True)
class Seen:
    """What was counted and timed.

    Args:
        pairs: By spec, base and head of the models that both sides have.
        one_sided: Rows of the others.
        timed: What was timed.
        state: What the process of the head says of itself.
    """

    pairs: Mapping[str, tuple[ModelFigures, ModelFigures]]
    one_sided: Sequence[MetricVerdict]
    timed: Timed
    state: Mapping[str, str]


def _seen(codes: Mapping[Arm, Code], asked: Asked, began: float, folder: Path, tell: Callable[[Timed], None]) -> Seen:
    log = folder / "log"
    with Parents(codes, log) as made:
        if not (asked.specs and all(map(is_file, asked.specs))):
            made.preload(dict.fromkeys(codes, COUNTING))
        first = count("base", made, asked.specs, {})
        loaded: dict[Arm, Sequence[str]] = {"base": first.loaded}
        made.preload(loaded)
        second = count("head", made, asked.specs, {spec: one.input_size for spec, one in first.figures.items()})
        loaded["head"] = second.loaded
        specs = _specs(asked.specs, first, second)
        both = [(first.figures[s], second.figures[s]) for s in specs if s in first.figures and s in second.figures]
        pairs = {head.model: (base, head) for base, head in both}
        runnable = {model: pair for model, pair in pairs.items() if not model.endswith(WEIGHTS)}
        timed = Timed()
        if asked.budget_s and runnable:
            if asked.way.engine in OF_A_GRAPH:
                loaded = {arm: [*names, asked.way.engine] for arm, names in loaded.items()}
            made.preload(loaded)

            def another() -> Parents:
                fresh = Parents(codes, log)
                fresh.preload(loaded)
                return fresh

            timed = measure(runnable, made, another, asked.rules, asked.way, began + asked.budget_s, tell, folder)
        return Seen(pairs, one_sided(specs, first, second, asked.allow_gone), timed, made.state("head"))


def _specs(asked: Sequence[str], first: Counted, second: Counted) -> list[str]:
    """Those that were asked for, or all that a side has; a model that is asked for twice is an error."""
    known = list(asked) or list(
        dict.fromkeys(spec for one in (first, second) for spec in [*one.figures, *one.unknown, *one.bad])
    )
    if not known:
        words = (
            "neither side registers a model or has a function that makes one (with annotated num_classes and "
            "in_channels, and -> nn.Module); name models, or a module by --import"
        )
        raise BadConfig(words, (Problem("models", "missing", words),))
    if len(known) > MAX_GATE_MODELS:
        words = f"{len(known)} models are too many for a gate, which takes {MAX_GATE_MODELS}; name those that matter"
        raise BadConfig(words, (Problem("models", "too_many", words),))
    canonical = [second.figures[spec].model for spec in known if spec in second.figures]
    for spec in canonical:
        if canonical.count(spec) > 1:
            raise BadConfig(f"models: {spec} stands there twice", (Problem("models", "repeated", f"{spec} twice"),))
    return known


def _rows(seen: Seen, asked: Asked) -> list[MetricVerdict]:
    found = []
    for model, (base, head) in seen.pairs.items():
        limits = asked.rules.of(model)
        found += exact(base, head, limits)
        judged = seen.timed.judged.get(model, Judged())
        found += rows(seen.timed.samples, base, head, limits, judged, asked.way.batch_size)
        if model in seen.timed.failed:  # a network that does not run is no pass, whatever its counts are
            found.append(whole(model, "not measured", f"not timed, {seen.timed.failed[model]}"))
        if limits.top1 is not None:
            found.append(missing(base, head, "top1", limits.top1, "no answers to the same samples were given"))
    return found


def _notes(base: Base, seen: Seen) -> list[str]:
    notes = [f"{base.why}: the base is its first parent, {base.commit[:10]}."] if base.why else []
    notes += [words for pair in seen.pairs.values() if (words := changed_options(*pair))]
    return notes


def _source() -> Source:
    told = source()
    return Source(mgic=told["version"], commit=told["commit"], dirty=told["dirty"])


def _conditions(asked: Asked, seen: Seen, load: float | None, elapsed_s: float) -> Conditions:
    facts = Host().facts()
    return Conditions(
        engine=asked.way.engine,
        threads=1,
        batch_size=asked.way.batch_size,
        budget_s=asked.budget_s,
        elapsed_s=elapsed_s,
        blocks=seen.timed.blocks,
        load_before=load,
        load_after=Host().load(),
        cores=facts.cores,
        processor=facts.processor,
        python=seen.state["python"],
        torch=seen.state["torch"],
        hostname=platform.node(),
        remarks=tuple(seen.timed.remarks),
    )
