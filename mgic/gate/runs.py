"""Which finished training tells how well a model does."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from mgic.errors import BadConfig, Conflict, Problem
from mgic.records import Config, ModelFigures, Outcome, Run, RunStatus, Top1, stopped_early

TRAININGS = ("classification", "point_cloud")  # whose `top1` is that of the model in their config
FROM_DATA = frozenset({"in_channels", "num_classes"})  # options that no config of a training has
NOT_TRAINING = frozenset({"model", "device", "dataset", "epochs", "seed"})  # have a place of their own, or none


class Training(NamedTuple):
    """A run, as a gate sees it.

    Args:
        label: How the caller knows it: `run 1234`, `outcome.json`.
        pointer: Where it stands in the request.
        id: Of the service, where it has one.
        experiment: Its name.
        status: How it stands.
        config: As resolved.
        result: If it succeeded.
        environment: What ran it.
    """

    label: str
    pointer: str
    id: UUID | None
    experiment: str
    status: RunStatus
    config: Config
    result: Mapping[str, Any] | None
    environment: Mapping[str, Any]


def of_run(run: Run, pointer: str) -> Training:
    """A run of the service."""
    label, environment = f"run {run.id}", run.environment or {}
    return Training(label, pointer, run.id, run.experiment, run.status, run.config, run.result, environment)


def of_outcome(outcome: Outcome, label: str, pointer: str) -> Training:
    """A run in a terminal, as `mgic run` prints it."""
    environment = outcome.environment
    experiment = str(environment.get("experiment", ""))
    return Training(label, pointer, None, experiment, outcome.status, outcome.config, outcome.result, environment)


def trained(run: Training, model: ModelFigures) -> bool:
    """Whether it was this model, options and all, that the run trained."""
    options = model.options.items()
    return run.config.get("model") == model.name and all(
        run.config.get(option) == value for option, value in options if option not in FROM_DATA
    )


def with_runs(models: Sequence[ModelFigures], runs: Sequence[Training]) -> tuple[ModelFigures, ...]:
    """The models with the `top1` of the run that trained each; without one where there is no run.

    Raises:
        BadConfig: A run of another experiment, or of none of the models; or two of one model.
        Conflict: A run that has not succeeded, or was ended early.
    """
    found: dict[str, tuple[Training, Top1]] = {}
    for run in runs:
        check_ended(run)
        fitting = [model for model in models if trained(run, model)]
        if not fitting:
            known = ", ".join(model.model for model in models)
            raise _refusal(run, "other_model", f"{run.label} trained {_network(run, models)}, not {known[:300]}")
        for model in fitting:
            if model.model in found:
                other = found[model.model][0].label
                words = f"{run.label} trained {model.model}, and so did {other}: one run a model is wanted"
                raise _refusal(run, "repeated", words)
            found[model.model] = run, _top1(run, model)
    return tuple(
        model.model_copy(update={"top1": found[model.model][1] if model.model in found else None}) for model in models
    )


def check_ended(run: Training) -> None:
    """Raises `BadConfig` for a run of another experiment, `Conflict` for one that has no final accuracy."""
    if run.experiment not in TRAININGS:
        kind = run.experiment[:80] or "no known experiment"
        raise _refusal(run, "no_top1", f"{run.label} is a run of {kind}; one of {' or '.join(TRAININGS)} is wanted")
    if run.status is not RunStatus.SUCCEEDED:
        raise Conflict(f"{run.label} is {run.status}; one that has succeeded is wanted")
    if stopped_early(run.result):
        raise Conflict(f"{run.label} was ended early by its search; one that was trained to its end is wanted")


def _top1(run: Training, model: ModelFigures) -> Top1:
    config, result = run.config, run.result or {}
    elsewhere = NOT_TRAINING | model.options.keys()
    try:
        return Top1(
            value=result["top1"],
            run_id=run.id,
            experiment=run.experiment,
            experiment_version=run.environment.get("experiment_version"),
            dataset=config["dataset"],
            dataset_hash=result["dataset_hash"],
            epochs=config["epochs"],
            seed=config["seed"],
            training={field: value for field, value in config.items() if field not in elsewhere},
        )
    except (KeyError, ValidationError) as error:
        raise _refusal(run, "no_top1", f"{run.label} has no top1, or does not say how it was trained") from error


def _network(run: Training, models: Sequence[ModelFigures]) -> str:
    """The model of the run, with the options that those of its name have, for words."""
    name = str(run.config.get("model"))[:80]
    options = next((model.options for model in models if model.name == name), {})
    chosen = [f"{option}={run.config[option]}" for option in options if option in run.config]
    return f"{name}({','.join(chosen)})"[:300] if chosen else name


def _refusal(run: Training, code: str, words: str) -> BadConfig:
    return BadConfig(words, (Problem(run.pointer, code, words),))
