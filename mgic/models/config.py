"""The part of a config that chooses a model: its name, and the model's own options beside it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mgic.errors import BadConfig, Problem, UnknownName
from mgic.experiment import ExperimentConfig
from mgic.models import canonical_name, find, list_models, model_info, resolve_options
from mgic.records import Config, InputRun, Task
from mgic.spec import format_spec, parse_spec


def model_field(default: str = "mgic_resnet20", task: Task | None = None) -> Any:
    """The field `model` of a config; with `task`, only models for it are taken, and offered."""
    extra: dict[str, Any] = {"choices": "models"} | ({"task": task} if task else {})
    return Field(default, description="Network to build", json_schema_extra=extra)


def canonical_spec(spec: str) -> str:
    """In the one way that a spec is written, with the options that are given.

    Raises:
        ValueError: It reads as none, there is no such model, or it does not take these options.
    """
    try:
        name, options = parse_spec(spec)
        resolve_options(name, options)
        return format_spec(canonical_name(name), options)
    except (BadConfig, UnknownName) as error:
        raise ValueError(str(error)) from error


def spec_of(run: InputRun, **from_data: int) -> str:
    """The model of a run, with the options that are not at their defaults; `from_data`: those that the data decide."""
    name = str(run.config["model"])
    defaults = resolve_options(name, {})
    known = run.config | from_data
    given: dict[str, Any] = {option: known[option] for option in defaults if option in known}
    return format_spec(name, {option: value for option, value in given.items() if value != defaults[option]})


class ModelConfig(ExperimentConfig):
    """Base of a config with a model in it; the model's options are fields under their own names.

    After validation every option of the model is there, defaults filled in, so that
    `model_dump()` says with what the model was built. A subclass must not have a field
    that is called like an option of a model.

    Raises:
        ValidationError: An unknown model, or one with an option that is called like a field, located at `model`;
            an option the model does not have, or a value it does not take, located at that option.
    """

    model_config = ConfigDict(extra="allow")

    from_data: ClassVar[frozenset[str]] = frozenset({"in_channels", "num_classes"})
    """Options that the data set decides and no config may give."""

    model: str = model_field()

    @classmethod
    def following(cls, asked: Config, inputs: Mapping[str, InputRun]) -> Config:
        """The model with its options, and the data set where there is one, are those of the run that is named.

        So is the hash of the user's own data: where they were changed since, what was learnt may be tested on by now.
        """
        followed = dict(asked)
        for field, run in inputs.items():
            options = resolve_options(str(run.config["model"]), {}).keys() - cls.from_data
            names = {"model", *options, *({"dataset", "data_hash"} & cls.model_fields.keys())} & run.config.keys()
            for name in sorted(names, key=lambda one: (one != "model", one)):
                if followed.setdefault(name, run.config[name]) != run.config[name]:
                    words = f"follows from {field}: it is {run.config[name]}"
                    raise BadConfig(f"{name} {words}", (Problem(name, "follows", words),))
        return followed

    @field_validator("model")
    @classmethod
    def _canonical(cls, name: str) -> str:
        """One network is stored under one name, whichever it was asked for by."""
        try:
            return canonical_name(name)
        except UnknownName as error:
            raise PydanticCustomError("unknown_name", "{detail}", {"detail": str(error)}) from error

    @model_validator(mode="after")
    def _resolve(self) -> Self:
        given = self._given()
        problems = [
            Problem(option, "from_data", f"{option} follows from the data set and cannot be chosen")
            for option in given
            if option in self.from_data
        ]
        chosen = {option: value for option, value in given.items() if option not in self.from_data}
        resolved: dict[str, Any] = {}
        try:
            self._fits_task()
            own = type(self).model_fields.keys()
            if clash := own & find(self.model).options.model_fields.keys() - self.from_data:
                detail = f"{self.model} has an option {min(clash)}, which is a field of every run here"
                raise BadConfig(detail, (Problem("model", "option_is_field", detail),))
            resolved = resolve_options(self.model, chosen, also=own)
        except BadConfig as error:
            problems.extend(error.problems)
        if problems:
            raise self._located(problems)
        given.clear()
        given.update((option, value) for option, value in resolved.items() if option not in self.from_data)
        return self

    def _fits_task(self) -> None:
        """Raises `BadConfig` for a model that is made for another task than the field `model` names."""
        extra = type(self).model_fields["model"].json_schema_extra
        task = extra.get("task") if isinstance(extra, dict) else None
        of = model_info(self.model).task
        if task is not None and of != task:
            near = [name for name in list_models() if model_info(name).task == task]
            detail = f"{self.model} is a model for {of}, this needs one for {task}, such as {near[0]}"
            raise BadConfig(detail, (Problem("model", "wrong_task", detail),))

    @property
    def options(self) -> dict[str, Any]:
        """All options of the model but those the data set decides."""
        return dict(self._given())

    def _given(self) -> dict[str, Any]:
        given = self.model_extra
        assert given is not None  # extra="allow" makes it a dict, empty or not
        return given

    def _located(self, problems: list[Problem]) -> ValidationError:
        given = {**self.__dict__, **self._given()}
        return ValidationError.from_exception_data(
            type(self).__name__,
            [
                InitErrorDetails(
                    # Braces are pydantic's placeholders; the words go in as a value, whatever is in them.
                    type=PydanticCustomError(problem.code, "{detail}", {"detail": problem.detail}),
                    loc=(problem.pointer,),
                    input=given.get(problem.pointer),
                )
                for problem in problems
            ],
        )
