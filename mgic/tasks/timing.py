"""What is timed, and how: the fields of the experiment `latency`, the networks they name and what these cost."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from mgic.cores import usable_cores
from mgic.data import DATASETS
from mgic.errors import BadConfig, Problem
from mgic.experiment import RUN_ELSEWHERE
from mgic.inference.runtimes import RUNTIMES
from mgic.measure.cost import model_totals
from mgic.measure.engines import TRAINABLE, Engine, MemoryFormat, Mode, Precision, only_elsewhere, what_engine_lacks
from mgic.measure.rounds import Contender
from mgic.models import model_info, native_size, resolve_options
from mgic.models.config import canonical_spec, spec_of
from mgic.models.weights import Weighted
from mgic.records import Config as Fields
from mgic.records import InputRun, ModelCost
from mgic.spec import parse_spec

MAX_SIDE = 2**14  # pixels, or points


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
        "as one CUDA graph (cudagraph), or on the CPU by ONNX Runtime (onnxruntime) or OpenVINO (openvino), which get "
        "the form of the network that `mgic.export_onnx` has for them",
        json_schema_extra={"ability": "engines"},
    )
    mode: Mode = Field(
        "inference",
        description="Whether a pass is a forward pass (inference), or a step of training: forward, backward and an "
        "update by SGD with momentum, of the mean square of what the network gives; with engine eager or compile",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to compute")
    threads: int = Field(
        1,
        ge=1,
        le=1024,
        description="Of one pass, on the CPU; at most the cores of the machine",
        json_schema_extra={"ability": "cores"},
    )
    batch_size: int = Field(1, ge=1, le=4096, description="Samples in a pass", json_schema_extra={"unit": "samples"})
    input_size: list[int] = Field(
        [],
        max_length=3,
        description="Of one sample, as 3,224,224; empty for what each network is made for, or that of `trained` learnt",
    )
    precision: Precision = Field(
        "float32",
        description="Of weights and inputs, in training of convolutions and products alone. On a GPU, float32 lets "
        "convolutions round to TF32, as PyTorch does by itself, tf32 products too, and ieee_float32 nothing",
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
        if not RUN_ELSEWHERE.get() and (why := what_engine_lacks(engine)):
            raise ValueError(f"engine={engine}: {why}")
        return engine

    @field_validator("mode")
    @classmethod
    def _trainable(cls, mode: Mode, info: ValidationInfo) -> Mode:
        engine = info.data.get("engine", "eager")
        if mode == "training" and engine not in TRAINABLE:
            raise ValueError(f"engine={engine} computes no gradients; take {' or '.join(TRAINABLE)}")
        return mode

    @field_validator("device")
    @classmethod
    def _has_engine(cls, device: str, info: ValidationInfo) -> str:
        if device != "auto" and (wrong := only_elsewhere(device, info.data.get("engine", "eager"))):
            raise ValueError(wrong)
        return device

    @field_validator("threads")
    @classmethod
    def _available(cls, threads: int) -> int:
        if not RUN_ELSEWHERE.get() and threads > usable_cores():
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
        if (device := info.data.get("device", "auto")) != "auto" and (wrong := only_elsewhere(device, precision)):
            raise ValueError(wrong)
        return precision

    @field_validator("profile")
    @classmethod
    def _has_modules(cls, profile: bool, info: ValidationInfo) -> bool:
        engine = info.data.get("engine", "eager")
        if profile and info.data.get("mode") == "training":
            raise ValueError("a profile is of forward passes; take mode=inference")
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
