"""Models by name: `create` builds one, its options checked against its signature.

One family a file. A function becomes a model by a decorator that says what it reads; its
keyword arguments are its options, each an Annotated type with a Field that gives bounds
and a description, and a default:

    @register_model(input_size=(3, 32, 32))
    def tiny(*, in_channels: InChannels = 3, num_classes: NumClasses = 10) -> nn.Module:
        ...

Every model has the option `in_channels`, and `num_classes` unless it fits a function.

Beside the registered models there are those of a `Provider`, made when they are asked for by a name such as
`timm/convnext_atto`, whose first part says of which. `find` knows all of them; each has one canonical
name, `info.name`, under which it is stored and compared, whatever it was called when it was asked for.
"""

import inspect
import re
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from torch import nn

from mgic.errors import BadConfig, MgicError, Problem, UnknownName
from mgic.records import MODEL_NAME_PATTERN, ModelInfo, ModelsOf, Task, titled
from mgic.registry import LAB, Registry, registering, top_level

InChannels = Annotated[int, Field(ge=1, le=1024, description="Channels of the input, 3 for colour images")]
NumClasses = Annotated[int, Field(ge=1, le=100_000, description="Number of classes to tell apart")]
_SHARED = {"in_channels": InChannels, "num_classes": NumClasses}

Build = TypeVar("Build", bound=Callable[..., nn.Module])
Shape = tuple[int, ...]
MAX_NAME = 200  # characters


class Options(BaseModel):
    """Base of every model's options: nothing unknown, nothing coerced ("5" is no 5), no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Model:
    build: Callable[..., nn.Module]
    options: type[Options]
    info: ModelInfo
    original: "Model | None" = None  # the model that this one is a conversion of


class Provider(Protocol):
    """Models that are made when they are asked for; the first part of their names is its place in `PROVIDERS`."""

    def model(self, name: str) -> Model:
        """By its whole name. Raises `UnknownName`, with the nearest name there is."""

    def infos(self) -> list[ModelInfo]:
        """Those that can be listed; none is built, or imported, for that."""


_NEEDED: dict[Task, set[str]] = {
    "image classification": {"in_channels", "num_classes"},
    "segmentation": {"in_channels", "num_classes"},
    "point cloud": {"in_channels", "num_classes"},
    "function": {"in_channels"},
}
MODELS: Registry[Model] = Registry("model", "mgic.models")
PROVIDERS: Registry[Provider] = Registry("provider of models", "mgic.models")
OF_A_MODULE = ":"  # where the provider of `package.module:function` stands


def register_model(
    *,
    input_size: Shape,
    task: Task = "image classification",
    smallest: Shape | None = None,
    package: str | None = None,
) -> Callable[[Build], Build]:
    """Register the decorated function under its own name; the arguments are those of `add_model`."""

    def register(build: Build) -> Build:
        add_model(build.__name__, build, input_size=input_size, task=task, smallest=smallest, package=package)
        return build

    return register


def register_depths(pattern: str, depths: Iterable[int], *, input_size: Shape) -> Callable[[Build], Build]:
    """Register one function under several names: its first argument is the depth, no option.

    Args:
        pattern: The name, with `{depth}` in it.
        depths: The depths there are.
        input_size: Of one sample, without the batch.
    """

    def register(build: Build) -> Build:
        for depth in depths:
            name = pattern.format(depth=depth)
            add_model(name, partial(build, depth), inspect.getdoc(build), input_size=input_size)
        return build

    return register


def add_model(
    name: str,
    build: Callable[..., nn.Module],
    summary: str | None = None,
    *,
    input_size: Shape,
    task: Task = "image classification",
    smallest: Shape | None = None,
    package: str | None = None,
) -> None:
    """Register `build` under `name`; the decorators end up here.

    Args:
        name: What `create` knows it by.
        build: Its parameters are the options.
        summary: Of which the first paragraph is shown; None takes the docstring.
        input_size: One sample at the resolution the model was made for, (3, 224, 224); costs are
            given for it unless another one is asked for.
        task: What it can be trained for.
        smallest: The smallest sample it is tested on, without the channels; None: a tenth of
            the sides of `input_size`, but at least 16.
        package: Whose code it is; None: the one that registers it.

    Raises:
        TypeError: An option without default or description, or one missing that the task needs.
    """
    options = options_of(name, build, task)
    words = first_words(summary or inspect.getdoc(build) or "")
    if options().model_dump()["in_channels"] != input_size[0]:
        raise TypeError(f"model {name!r}: in_channels is not the first number of input_size={input_size}")
    info = ModelInfo(
        name=name,
        summary=words,
        options=titled(options.model_json_schema()),
        task=task,
        input_size=input_size,
        smallest=tuple(max(16, side // 10) for side in input_size[1:]) if smallest is None else smallest,
        package=package or top_level(registering()),
    )
    outside = top_level(registering()) != LAB
    MODELS.add(name, Model(partial(build_foreign, name, build) if outside else build, options, info))


def build_foreign(name: str, build: Callable[..., nn.Module], **options: Any) -> nn.Module:
    """By somebody else's code; raises `BadConfig` where that fails or makes no network, and says in which line."""
    try:
        network = build(**options)
    except (MgicError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # somebody else's code, in which anything may happen
        raise _not_built(name, f"{_words_of(error)} ({_place_of(error)})") from error
    if not isinstance(network, nn.Module):
        raise _not_built(name, f"what it makes is no network, but of type {type(network).__name__}")
    return network


def _words_of(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".removesuffix(": ")


def _place_of(error: Exception) -> str:
    """The innermost line that is no package's."""
    lines = traceback.extract_tb(error.__traceback__)
    own = [line for line in lines if not {"site-packages", "dist-packages"} & set(Path(line.filename).parts)]
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}"


def _not_built(name: str, why: str) -> BadConfig:
    detail = f"{name} cannot be built: {why}"
    return BadConfig(detail, (Problem("model", "not_built", detail),))


def first_words(text: str) -> str:
    """The first paragraph of a docstring, as one line."""
    return " ".join(text.strip().split("\n\n")[0].split())


def find(name: str) -> Model:
    """A model by any name: a registered one, or one of a provider.

    Nothing is imported that a name says, and nothing built.

    Raises:
        UnknownName: No model of that name.
    """
    if name in MODELS:
        return MODELS[name]
    if len(name) > MAX_NAME or not re.fullmatch(MODEL_NAME_PATTERN, name):
        raise UnknownName(f"no model called {name[:80]!r}; a name is written resnet20 or timm/convnext_atto")
    mark = re.search("[/:]", name)
    by = "" if mark is None else OF_A_MODULE if mark[0] == OF_A_MODULE else name[: mark.start()]
    return PROVIDERS[by].model(name) if by in PROVIDERS else MODELS[name]


def create(name: str, **options: Any) -> nn.Module:
    """Build a model.

    Raises:
        UnknownName: No model of that name.
        BadConfig: An option it does not have, a value outside the option's bounds, or options
            that no network can be built from.

    Examples:
        >>> import mgic
        >>> network = mgic.create("mgic_resnet20", group_size=8, num_classes=100)
        >>> sum(weights.numel() for weights in network.parameters())
        110740
    """
    return find(name).build(**resolve_options(name, options))


def list_models() -> list[str]:
    """The names of all registered models, resnet20 before resnet110.

    Examples:
        >>> import mgic
        >>> "mgic_resnet20" in mgic.list_models()
        True
    """
    return list(MODELS)


def infos_of(source: ModelsOf) -> list[ModelInfo]:
    """What there is of a source; those of a package under the names that they are stored under."""
    registered = [model.info for model in MODELS.values()]
    if source == "registered":
        return registered
    if source != "any":
        return PROVIDERS[source].infos()
    found = registered + [info for provider in PROVIDERS.values() for info in provider.infos()]
    return list({info.name: info for info in found}.values())


def model_info(name: str) -> ModelInfo:
    """What a form needs to know of a model; raises `UnknownName`."""
    return find(name).info


def native_size(name: str, options: Mapping[str, Any]) -> Shape:
    """One sample that the model is made for when it has these options, all of them: `img_size` may be among them."""
    _, *sides = model_info(name).input_size
    return options["in_channels"], *(options.get("img_size", side) for side in sides)


def canonical_name(name: str) -> str:
    """The one name that the model is stored and compared under; raises `UnknownName`."""
    return find(name).info.name


def resolve_options(name: str, options: Mapping[str, Any], *, also: Collection[str] = ()) -> dict[str, Any]:
    """All options of a model: those given, checked, and the defaults of the others.

    Args:
        name: The model.
        options: Option -> value. Nothing is coerced: neither "8" nor True is the integer 8 or 1.
        also: Further names to suggest when an option is misspelt.

    Raises:
        UnknownName: No model of that name.
        BadConfig: `problems` has one entry for each option at fault, `pointer` its name.
    """
    known = find(name).options
    problems = [
        Problem(str(option), "unknown_option", _unknown(name, str(option), [*known.model_fields, *also]))
        for option in options
        if option not in known.model_fields
    ]
    try:
        resolved = known(**{option: options[option] for option in known.model_fields if option in options})
    except ValidationError as error:
        problems += [_problem(name, fault["loc"], fault["type"], fault["msg"]) for fault in error.errors()]
        resolved = None
    if problems or resolved is None:
        raise BadConfig("; ".join(problem.detail for problem in problems), tuple(problems))
    return resolved.model_dump()


def _unknown(name: str, option: str, known: Collection[str]) -> str:
    near = get_close_matches(option, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"{name} has no option {option[:80]!r}; {hint}"


def _problem(name: str, loc: tuple[int | str, ...], code: str, message: str) -> Problem:
    option = str(loc[0])
    hint = ", written such as 8" if code.startswith("int_") else ""
    return Problem(option, code, f"{name}: {option} {message.replace('Input should', 'should', 1)}{hint}")


def options_of(name: str, build: Callable[..., nn.Module], task: Task, *, described: bool = True) -> type[Options]:
    """A strict pydantic model whose fields are the parameters of `build`.

    Args:
        name: Of the model.
        build: Its parameters are annotated and have defaults.
        task: What the model is for.
        described: Whether each has to say what it is; else one that does not is described by its name.

    Raises:
        TypeError: An option without default or description, of a kind that no form or command can give, or one
            missing that the task needs.
    """
    fields: dict[str, Any] = {}
    for option, parameter in inspect.signature(build, eval_str=True).parameters.items():
        if parameter.default is parameter.empty or parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(f"option {option!r} of model {name!r} has no default")
        if parameter.annotation is parameter.empty:
            raise TypeError(f"option {option!r} of model {name!r} does not say of what type it is, such as int")
        if not isinstance(parameter.default, int | float | str | None):
            raise TypeError(f"option {option!r} of model {name!r} is neither a number nor a word")
        annotation = parameter.annotation if described else _described(option, parameter.annotation)
        fields[option] = (annotation, parameter.default)
    model: type[Options] = create_model(f"{name} options", __base__=Options, **fields)
    silent = [option for option, field in model.model_fields.items() if not field.description]
    missing = sorted(_NEEDED[task] - fields.keys())
    if silent:
        raise TypeError(f"model {name!r}: options without description {silent}")
    if missing:
        wanted = ", ".join(f"{option}: int = ..." for option in missing)
        raise TypeError(f"model {name!r} cannot be built for other data: it needs arguments {wanted}")
    model()  # the defaults are type-correct only if this can be built from them
    return model


def _described(option: str, annotation: Any) -> Any:
    if annotation is int and option in _SHARED:
        return _SHARED[option]
    if FieldInfo.from_annotation(annotation).description:
        return annotation
    return Annotated[annotation, Field(description=option.replace("_", " ").capitalize())]
