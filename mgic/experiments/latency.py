"""How long does a network take for one batch, by which engine, and how sure is that?"""

from importlib.metadata import version
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from pydantic import Field

from mgic.errors import BadConfig, Problem
from mgic.experiment import Context, Estimate, experiment
from mgic.inference import Form
from mgic.inference.runtimes import RUNTIMES
from mgic.measure.circumstances import Circumstances, Watch
from mgic.measure.engines import Setup, only_elsewhere
from mgic.measure.latency import WINDOW, WINDOWS, Timing
from mgic.measure.probe import export_fresh, profile_fresh
from mgic.measure.profiling import Profiled, profile_of
from mgic.measure.rounds import (
    Contender,
    Figures,
    Network,
    Turn,
    compares_cpu,
    figures,
    labels,
    measure_in_turns,
    told,
    write_processes,
    write_samples,
)
from mgic.models.weights import WeightsHash, file_hash, weights_file
from mgic.records import Cost, ModelCost, NetworkCost, Profile, View
from mgic.tasks.timing import Config, contenders, costs, networks
from mgic.training import pick_device

STEP_MACS = 3  # a step of training does those of a pass, and once more for the gradients of inputs and of weights

# The fields of a config that a `Setup` has too.
SHARED = {"engine", "mode", "threads", "batch_size", "precision", "memory_format", "seed", "samples", "seconds"}
TOTALS = {"params", "macs", "transfer_macs"}  # of a network's cost, in its row


class Row(Figures, Network, Contender):  # who it is first, then what it costs
    """One network, and its times."""

    rewrites: str = Field(
        description="What was done to its graph for the engine, as align_groups=4: so often; else empty"
    )
    macs_added: int | None = Field(
        description="Multiply-accumulates of a sample that these add to `macs`, by zeros; empty without a graph"
    )


class Result(Circumstances):
    rows: list[Row] = Field(description="One a network, in the order asked for, and then the control")
    engine_version: str = Field(description="Of PyTorch, ONNX Runtime or OpenVINO")
    target: str | None = Field(
        description="Whose form of the networks the engine was given, see `mgic.export_onnx`; empty where it got none"
    )
    gpu: str | None = Field(description="Name of the GPU, if one computed")
    weights_hash: WeightsHash


def estimate(config: Config) -> Estimate:
    """The cost is that of the network with the most parameters; the work is that of all, with the shortest warm-up.

    The control is work too, and so is a profile.
    """
    found = costs(config)
    largest = max(found, key=lambda cost: cost.params)
    of_a_process = (1 + WINDOW * WINDOWS + config.samples) * config.batch_size
    of_a_process *= STEP_MACS if config.mode == "training" else 1
    measured = config.rounds * sum(found[one.place].macs for one in contenders(config))
    profiled = config.profile * sum(cost.macs for cost in found)
    return Estimate(
        cost=Cost(**largest.model_dump(include=set(Cost.model_fields))),
        group_sizes=largest.group_sizes,
        work_macs=float(of_a_process * (measured + profiled)),
        batch_pixels=max(prod(cost.input_size[1:]) for cost in found) * config.batch_size,
        networks=tuple(
            NetworkCost(model=spec, **cost.model_dump(include=TOTALS))
            for spec, cost in zip(config.models, found, strict=True)
        ),
    )


def _bars(title: str, y: str, ends: tuple[str, str] | None, grade: str | None, role: str | None = None) -> View:
    """A bar a network: its figure, with its own interval."""
    low, high = ends or (None, None)
    where, series = ({}, "role") if role is None else ({"role": role}, "engine")
    drawn = {"x": "model", "y": y, "series": series, "low": low, "high": high, "grade": grade}
    return View(title=title, kind="bar", table="rows", where=where, **drawn)


CPU_SPEEDUP = ("cpu_speedup_low", "cpu_speedup_high")


@experiment(
    title="Latency",
    views=(
        _bars("Latency", "median_ms", ("low_ms", "high_ms"), "grade"),
        _bars("CPU time of a pass", "cpu_median_ms", ("cpu_low_ms", "cpu_high_ms"), "cpu_grade"),
        View(
            title="Latency of all passes",
            kind="box",
            table="rows",
            x="model",
            y="p50_ms",
            series="role",
            q1="p25_ms",
            q3="p75_ms",
            low="p5_ms",
            high="p95_ms",
            grade="grade",
        ),
        View(
            title="Latency against MACs",
            kind="scatter",
            table="rows",
            where={"role": "measured"},
            x="macs",
            y="median_ms",
            series="model",
            low="low_ms",
            high="high_ms",
            grade="grade",
            log_x=True,
        ),
        _bars("Speed-up over the first network", "speedup", ("speedup_low", "speedup_high"), "grade"),
        _bars("Speed-up over the first network, by CPU time", "cpu_speedup", CPU_SPEEDUP, "cpu_grade"),
        _bars("Peak memory", "peak_memory_mb", None, None, role="measured"),
    ),
    queue="timing",
    estimate=estimate,
    version=4,
)
def latency(config: Config, context: Context) -> Result:
    """Time passes, or steps of training, of several networks in turns, in a fresh process for each network and round.

    Each process builds its network, warms it up until its times no longer change, and times pass after pass: by
    the clock and by the CPU time that its process took, or by events on a GPU. Leaves every pass as samples.csv, and
    what is known of each process as processes.json. The first network is measured twice, unless `control` is off: by
    how much it differs from itself decides the grade, which says how far the numbers can be trusted. With `profile`
    it leaves too where the time of each network goes, as profile.json, of passes that are none of those.
    """
    device = pick_device(config.device, context).type
    for wanted in (config.engine, config.precision):
        if wrong := only_elsewhere(device, wanted):
            raise BadConfig(wrong, (Problem("device", "not_available", wrong),))
    counted, who, weights = costs(config), contenders(config), weights_file(config, context)
    context.report(0.0, "preparing")
    watch = Watch()
    with TemporaryDirectory(dir=context.artifact("samples.csv").parent, prefix="work-") as folder:
        setups = _setups(config, device, Path(folder), weights)
        forms = _exported(config, setups, Path(folder), context)
        found = _measured(config, setups, Path(folder), context)
        circumstances = watch.end(who, found, device, config.threads)
        profiled = _profiled(config, setups, Path(folder), context) if config.profile else None
    context.report(1.0, "saving")
    write_samples(context.artifact("samples.csv"), who, found)
    write_processes(context.artifact("processes.json"), who, found)
    if profiled is not None:
        context.artifact("profile.json").write_text(profiled.model_dump_json(indent=1) + "\n")
    compare_cpu = compares_cpu(device, config.threads)
    return Result(
        **circumstances.model_dump(),
        rows=[
            _row(contender, counted[contender.place], figures(rounds, found[0], compare_cpu), forms)
            for contender, rounds in zip(who, found, strict=True)
        ],
        engine_version=version(config.engine if config.engine in RUNTIMES else "torch"),
        target=forms[0].target if forms else None,
        gpu=torch.cuda.get_device_name() if device == "cuda" else None,
        weights_hash=file_hash(weights) if weights else None,
    )


def _row(contender: Contender, cost: ModelCost, found: Figures, forms: list[Form]) -> Row:
    form = forms[contender.place] if forms else None
    return Row(
        rewrites=form.done if form else "",
        macs_added=form.macs_added if form else None,
        **contender.model_dump(),
        **found.model_dump(),
        **cost.model_dump(include=TOTALS),
        sample_size=list(cost.input_size),
    )


def _setups(config: Config, device: str, folder: Path, weights: Path | None) -> list[Setup]:
    return [
        Setup(
            model=name,
            options=options,
            input_size=size,
            device=device,
            warm_up_seconds=config.warm_up_seconds,
            onnx=str(folder / f"{number}.onnx"),
            weights=str(weights) if weights and number == 0 else "",
            **config.model_dump(include=SHARED),
        )
        for number, (name, options, size) in enumerate(networks(config))
    ]


def _processes(config: Config) -> int:
    """All that a run starts, but those that export."""
    return len(contenders(config)) * config.rounds + len(config.models) * config.profile


def _exported(config: Config, setups: list[Setup], folder: Path, context: Context) -> list[Form]:
    """The files that the engine is given, one a network; none for an engine that takes none."""
    if config.engine not in RUNTIMES:
        return []
    return [export_fresh(setup, folder, lambda: context.report(0.0, "preparing")) for setup in setups]


def _measured(config: Config, setups: list[Setup], folder: Path, context: Context) -> list[list[Timing]]:
    who = labels(contenders(config))
    in_turns = [setups[contender.place] for contender in contenders(config)]
    total = _processes(config)

    def tell(turn: Turn, timing: Timing) -> None:
        context.log(f"{who[turn.setup]}, round {turn.round + 1} of {config.rounds}: {told(timing)}")

    return measure_in_turns(in_turns, config.rounds, folder, lambda n: context.report(n / total, "measuring"), tell)


def _profiled(config: Config, setups: list[Setup], folder: Path, context: Context) -> Profile:
    found: list[Profiled] = []
    total = _processes(config)

    def tick() -> None:
        context.report((total - len(setups) + len(found)) / total, "profiling")

    for spec, setup in zip(config.models, setups, strict=True):
        one = profile_fresh(setup, folder, tick)
        found.append(one)
        context.log(f"{spec}: {len(one.parts)} parts, together {one.overhead:+.1%} of a pass without their timing")
    return profile_of(setups, config.models, found)
