"""How long does a network take for one batch, by which engine, and how sure is that?"""

from collections.abc import Mapping
from importlib.metadata import version
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator

from mgic.cores import usable_cores
from mgic.data import DATASETS
from mgic.errors import BadConfig, Problem
from mgic.experiment import Context, Estimate, experiment
from mgic.inference import Form
from mgic.inference.runtimes import RUNTIMES
from mgic.measure.circumstances import Circumstances, Watch
from mgic.measure.cost import model_totals
from mgic.measure.engines import Engine, MemoryFormat, Precision, Setup, check_engine
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
from mgic.models import model_info, native_size, resolve_options
from mgic.models.config import canonical_spec, spec_of
from mgic.models.weights import Weighted, WeightsHash, file_hash, weights_file
from mgic.records import Config as Fields
from mgic.records import Cost, InputRun, ModelCost, NetworkCost, Profile, View
from mgic.spec import parse_spec
from mgic.training import pick_device

MAX_SIDE = 2**14  # pixels, or points

# The fields of a config that a `Setup` has too.
SHARED = {"engine", "threads", "batch_size", "precision", "memory_format", "seed", "samples", "seconds"}
TOTALS = {"params", "macs", "transfer_macs"}  # of a network's cost, in its row


class Config(Weighted):
    models: list[str] = Field(
        ["resnet20", "mgic_resnet20"],
        min_length=1,
        max_length=16,
        description="Networks, each with its options, as mgic_resnet20(group_size=8,coarsest_size=16); they are "
        "measured in turns, and held against the first one, whose weights `weights` are; the same one may stand there "
        "twice. The network of `trained` comes first",
        json_schema_extra={"choices": "models"},
    )
    engine: Engine = Field(
        "eager",
        description="PyTorch as it is (eager), with norms folded (optimized), compiled by torch.compile (compile), "
        "or on the CPU ONNX Runtime (onnxruntime) or OpenVINO (openvino), which get the form of the network that "
        "`mgic.export_onnx` has for them",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to compute")
    threads: int = Field(1, ge=1, le=1024, description="Of one pass, on the CPU; at most the cores of this machine")
    batch_size: int = Field(1, ge=1, le=4096, description="Samples in a pass", json_schema_extra={"unit": "samples"})
    input_size: list[int] = Field(
        [],
        max_length=3,
        description="Of one sample, as 3,224,224; empty for what each network is made for, or that of `trained` learnt",
    )
    precision: Precision = Field(
        "float32",
        description="Of weights and inputs; with float32, PyTorch lets a GPU's convolutions round to TF32",
    )
    memory_format: MemoryFormat = Field(
        "contiguous", description="Order in memory: channels by pixels, or pixels by channels (channels_last)"
    )
    rounds: int = Field(5, ge=1, le=100, description="Fresh processes for each network; from 3 on there is an interval")
    control: bool = Field(
        True,
        description="Measure the first network a second time, in turns with all others: how much the two differ is the "
        "noise of the machine, and decides the grade",
    )
    samples: int = Field(140, ge=10, le=100_000, description="Passes to time in a round")
    seconds: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="A round ends after so long with fewer passes than `samples`, but not with fewer than 10",
        json_schema_extra={"unit": "s"},
    )
    warm_up_seconds: float = Field(
        5.0,
        gt=0,
        le=600,
        description="The warm-up ends when the medians of three times 10 passes lie within 5 %, or after so long",
        json_schema_extra={"unit": "s"},
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Weights and input derive from it")
    profile: bool = Field(
        False,
        description="After the rounds, time the parts of each network in a process of its own: where its time goes, by "
        "part and level of each MGIC block; for engine=eager only",
    )

    @classmethod
    def following(cls, asked: Fields, inputs: Mapping[str, InputRun]) -> Fields:
        """The network of the run is the first one, and its input is what that was trained on."""
        followed = dict(asked)
        for run in inputs.values():
            provider = DATASETS[str(run.config["dataset"])]
            spec, models = spec_of(run, num_classes=provider.classes), asked.get("models") or []
            if isinstance(models, list):
                followed["models"] = [spec, *(one for one in models if one != spec)]
            if not asked.get("input_size"):
                followed["input_size"] = list(provider.shape)
        return followed

    @field_validator("models")
    @classmethod
    def _known(cls, specs: list[str]) -> list[str]:
        """In the one way that a spec is written."""
        return [canonical_spec(spec) for spec in specs]

    @field_validator("engine")
    @classmethod
    def _installed(cls, engine: Engine) -> Engine:
        try:
            check_engine(engine)
        except BadConfig as error:
            raise ValueError(str(error)) from error
        return engine

    @field_validator("device")
    @classmethod
    def _has_engine(cls, device: str, info: ValidationInfo) -> str:
        if device == "cuda" and info.data.get("engine") in RUNTIMES:
            raise ValueError(f"engine={info.data['engine']} is run on the CPU here; take device=cpu")
        return device

    @field_validator("threads")
    @classmethod
    def _available(cls, threads: int) -> int:
        if threads > usable_cores():
            raise ValueError(f"this machine has {usable_cores()} cores to use")
        return threads

    @field_validator("input_size")
    @classmethod
    def _readable(cls, size: list[int], info: ValidationInfo) -> list[int]:
        if not all(1 <= side <= MAX_SIDE for side in size):
            raise ValueError(f"numbers from 1 to {MAX_SIDE} are wanted")
        for spec in info.data.get("models", []) if size else []:
            native = model_info(parse_spec(spec)[0]).input_size
            if len(native) != len(size):
                raise ValueError(f"{spec} reads {len(native)} numbers, such as {','.join(map(str, native))}")
        return size

    @field_validator("precision")
    @classmethod
    def _exportable(cls, precision: Precision, info: ValidationInfo) -> Precision:
        if precision != "float32" and info.data.get("engine") in RUNTIMES:
            raise ValueError(f"engine={info.data['engine']} is run in float32 only")
        return precision

    @field_validator("profile")
    @classmethod
    def _has_modules(cls, profile: bool, info: ValidationInfo) -> bool:
        engine = info.data.get("engine", "eager")
        if profile and engine != "eager":
            raise ValueError(f"engine={engine} does not run module by module, so that none can be timed; take eager")
        return profile

    @field_validator("memory_format")
    @classmethod
    def _has_pixels(cls, form: MemoryFormat, info: ValidationInfo) -> MemoryFormat:
        if form == "channels_last":
            if info.data.get("engine") in RUNTIMES:
                raise ValueError(f"engine={info.data['engine']} chooses its own order in memory; take contiguous")
            for spec in info.data.get("models", []):
                if len(model_info(parse_spec(spec)[0]).input_size) != 3:
                    raise ValueError(f"{spec} reads no images; channels_last is for them")
        return form


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


def networks(config: Config) -> list[tuple[str, dict[str, Any], tuple[int, ...]]]:
    """Name, all options and sample size of each; `in_channels` follows from the size unless it is given."""
    found = []
    for spec in config.models:
        name, given = parse_spec(spec)
        if config.input_size:
            given = {"in_channels": config.input_size[0], **given}
        options = resolve_options(name, given)
        found.append((name, options, tuple(config.input_size) or native_size(name, options)))
    return found


def contenders(config: Config) -> list[Contender]:
    """The networks in the order asked for, and then the control."""
    asked = [Contender(place=place, role="measured", model=spec) for place, spec in enumerate(config.models)]
    return [*asked, Contender(place=0, role="control", model=config.models[0])] if config.control else asked


def costs(config: Config) -> list[ModelCost]:
    """Raises `BadConfig` at `models` or `input_size` for a network that cannot be built or does not read the input."""
    found = []
    for spec, (name, options, size) in zip(config.models, networks(config), strict=True):
        try:
            found.append(model_totals(name, options, size))
        except BadConfig as error:
            place = "input_size" if any(p.pointer == "input_size" for p in error.problems) else "models"
            detail = f"{spec}: {error}"
            raise BadConfig(detail, (Problem(place, "cannot_run", detail),)) from error
    return found


def estimate(config: Config) -> Estimate:
    """The cost is that of the network with the most parameters; the work is that of all, with the shortest warm-up.

    The control is work too, and so is a profile.
    """
    found = costs(config)
    largest = max(found, key=lambda cost: cost.params)
    of_a_process = (1 + WINDOW * WINDOWS + config.samples) * config.batch_size
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
    version=3,
)
def latency(config: Config, context: Context) -> Result:
    """Time forward passes of several networks in turns, in a fresh process for each network and round.

    Each process builds its network, warms it up until its times no longer change, and times pass after pass: by
    the clock and by the CPU time that its process took, or by events on a GPU. Leaves every pass as samples.csv, and
    what is known of each process as processes.json. The first network is measured twice, unless `control` is off: by
    how much it differs from itself decides the grade, which says how far the numbers can be trusted. With `profile`
    it leaves too where the time of each network goes, as profile.json, of passes that are none of those.
    """
    device = pick_device(config.device, context).type
    if device == "cuda" and config.engine in RUNTIMES:
        detail = f"engine={config.engine} is run on the CPU here; take device=cpu"
        raise BadConfig(detail, (Problem("device", "not_available", detail),))
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
