"""An experiment is a function from a Config to a Result. Torch-free on purpose."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, get_type_hints

from pydantic import BaseModel, ConfigDict, Field

from mgic.errors import BadResult, DataMissing
from mgic.records import (
    PROVENANCE,
    Config,
    Cost,
    ExperimentInfo,
    InputRun,
    NetworkCost,
    Queue,
    View,
    check_tables,
    titled,
)
from mgic.registry import Registry, registering, top_level

# Set where configs are read for others to run: what only the machine of a run can say is not asked there.
RUN_ELSEWHERE: ContextVar[bool] = ContextVar("run elsewhere", default=False)


class ExperimentConfig(BaseModel):
    """Base of every Config: nothing unknown, nothing coerced ("5" is no 5), no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def following(cls, asked: Config, inputs: Mapping[str, InputRun]) -> Config:  # noqa: ARG003 - none has any
        """What is asked for, with what follows from the runs that it names.

        Args:
            asked: Fields as they were given.
            inputs: The run that each field of `run_input` names.

        Raises:
            BadConfig: Another thing was asked for than the run has; the problem's pointer is the field.
        """
        return asked


RunId = Annotated[str, Field(min_length=1, max_length=500)]  # of the service; on a command line the folder of a run


def run_input(*of: str, files: tuple[str, ...] = ("model.safetensors",), description: str) -> Any:
    """A field, `RunId | None`, that names a run whose files are wanted: see `Context.input`.

    Args:
        of: The experiments that the run may be of.
        files: Those of its artifacts that are read.
        description: For the form.
    """
    extra: dict[str, Any] = {"input": {"of": list(of), "files": list(files)}}
    return Field(None, description=description, json_schema_extra=extra)


WEIGHTS = "weights"  # the field that names a file of the user's own, and the folder of the data where such files lie


def inputs_of(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By the names of the fields of `run_input` of a config's JSON schema: `of` and `files`."""
    return {name: field["input"] for name, field in schema.get("properties", {}).items() if "input" in field}


def input_file(folders: Mapping[str, Path], field: str, name: str) -> Path:
    """What `Context.input` answers, where the files of each field lie in a folder of their own."""
    path = folders[field] / name
    if not path.is_file():
        what = (
            f"there is no {name} in the folder {field} of the data"
            if field == WEIGHTS
            else f"the run has left no {name}"
        )
        raise DataMissing(f"{field}: {what}")
    return path


class Context(Protocol):
    """What a run may ask of the world around it, be that a terminal or a worker."""

    device: str  # "cpu" or "cuda"
    data_dir: Path
    checkpoints: Path  # a folder that a later attempt at the same run finds again

    def report(self, progress: float, phase: str = "") -> None:
        """Say how far the run is, from 0 to 1. Raises `Cancelled` if it was stopped."""

    def curve(self, name: str, step: int, value: float) -> None:
        """Add a point to a series, such as `train/loss`; a value that is not finite is kept as missing."""

    def log(self, line: str) -> None:
        """A line for whoever reads along."""

    def artifact(self, name: str) -> Path:
        """Where to write a file the run leaves; what is there at the end is kept under that name."""

    def input(self, field: str, name: str) -> Path:
        """A file of the run that the field names, one of the `files` of its `run_input`; or of `WEIGHTS`.

        Raises:
            DataMissing: The run has left no such file.
        """

    def saved(self, name: str) -> None:
        """The file `name` in `checkpoints` is complete."""

    def resumed(self, step: int) -> None:
        """The run goes on after this step; what an earlier attempt drew of curves after it is void."""

    def checkpoint_wanted(self) -> bool:
        """Whether somebody asked for a checkpoint since this was last asked."""

    def stop_wanted(self) -> bool:
        """Whether a training is to end here, by what it was scored so far: a search has better ones."""


@dataclass(frozen=True)
class Estimate:
    """What a config would cost, known before it runs.

    Args:
        cost: Of the network, one forward pass of one sample.
        group_sizes: Effective group sizes, distinct, descending.
        work_macs: Multiply-accumulates of the whole run; seconds are predicted from it.
        batch_pixels: Height x width x batch size of the largest batch.
        networks: Of a run that measures several, each in the order asked for; `cost` is then that of the largest.
    """

    cost: Cost
    group_sizes: tuple[int, ...]
    work_macs: float
    batch_pixels: int
    networks: tuple[NetworkCost, ...] = ()


@dataclass(frozen=True)
class Experiment:
    run: Callable[[Any, Context], BaseModel]
    config: type[ExperimentConfig]
    result: type[BaseModel]
    estimate: Callable[[Any], Estimate] | None
    info: ExperimentInfo


EXPERIMENTS: Registry[Experiment] = Registry("experiment", "mgic.experiments")


def experiment(
    *,
    title: str,
    views: tuple[View, ...],
    version: int = 1,
    queue: Queue = "cpu",
    estimate: Callable[[Any], Estimate] | None = None,
) -> Callable[[Callable[..., BaseModel]], Callable[..., BaseModel]]:
    """Register the decorated function under its own name.

    Args:
        title: Heading of its page.
        views: The plots of its results, first one shown first.
        version: Raise it when the same config would now give another result.
        queue: Who may run it. "cpu" moves to "gpu" for a run whose device is cuda;
            "timing" runs one at a time on a host that does nothing else.
        estimate: The cost of a config, on the meta device, without running it.
            Raises `BadConfig` where the network cannot be built.

    Raises:
        BadResult: A table of the result has no key column, a column stands there twice or has a name that the store
            gives, or a view names a table or a column that is not there.
    """

    def register(run: Callable[..., BaseModel]) -> Callable[..., BaseModel]:
        hints = get_type_hints(run)
        config, result = hints["config"], hints["return"]
        info = ExperimentInfo(
            name=run.__name__,
            title=title,
            summary=" ".join((run.__doc__ or "").split()),
            version=version,
            queue=queue,
            config_schema=titled(config.model_json_schema()),
            result_schema=titled(result.model_json_schema()),
            views=views,
            package=top_level(registering()),
        )
        _check(info)
        EXPERIMENTS.add(run.__name__, Experiment(run, config, result, estimate, info))
        return run

    return register


def _check(info: ExperimentInfo) -> None:
    """What a result's tables promise, when the experiment is declared; a run's own rows are checked when it ends."""
    asked = info.config_schema["properties"]
    fields = [name for name in info.result_schema.get("properties", {}) if name not in info.tables]
    try:
        check_tables(info.result_schema)
    except BadResult as error:
        raise BadResult(f"{info.name}: {error}") from error
    for table in info.tables.values():
        if twice := [name for name in table.columns if name in asked or name in fields]:
            raise BadResult(f"{info.name}: {twice[0]} is a column of the table {table.name} and a field besides")
    if twice := [name for name in fields if name in asked]:
        raise BadResult(f"{info.name}: {twice[0]} is a field of the config and of the result")
    columns = [*asked, *fields, *(name for table in info.tables.values() for name in table.columns)]
    if taken := [name for name in columns if name in PROVENANCE or name.startswith("env_")]:
        raise BadResult(f"{info.name}: {taken[0]} is what the store says of a run; call the field otherwise")
    for view in info.views:
        if view.table is not None and view.table not in info.tables:
            known = ", ".join(info.tables) or "none"
            raise BadResult(f"{info.name}: the view {view.title!r} is of a table {view.table}; there are: {known}")
        drawn = {*asked, *fields, *(info.tables[view.table].columns if view.table else ())}
        unknown = [name for name in view.columns if name not in drawn]
        if unknown and not info.config_schema.get("additionalProperties"):  # else a model may have it as an option
            raise BadResult(f"{info.name}: the view {view.title!r} names {unknown[0]}, which is no column of its rows")
