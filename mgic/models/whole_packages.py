"""Every classifier of timm and torchvision, as `timm/NAME` and `torchvision/NAME`.

A package is imported when a network of it is built, and once for each of its versions and ours, to see what it has. A
network that is registered under a short name, such as torchvision's `resnet50`, is that model whichever way it is
asked for.
"""

import os
from collections.abc import Callable
from contextlib import nullcontext
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from sys import modules
from typing import Annotated, Any

import torch
from pydantic import BaseModel, Field
from torch import nn
from torch.overrides import TorchFunctionMode

from mgic.errors import BadConfig, Problem, UnknownName
from mgic.kept import Kept, cache_folder, fingerprint
from mgic.models import MODELS, PROVIDERS, InChannels, Model, NumClasses, Options, first_words, options_of
from mgic.models.packages import of_timm, of_torchvision
from mgic.records import ModelInfo, titled
from mgic.registry import natural

ImageSize = Annotated[
    int, Field(ge=8, le=4096, description="Height and width of the images that the network is built for, pixels")
]
SIZED: dict[str, Callable[[int], dict[str, Any]]] = {  # torchvision's modules -> how their networks are told a size
    "vision_transformer": lambda side: {"image_size": side},
    "maxvit": lambda side: {"input_size": (side, side)},
}
TWICE = {"googlenet", "inception"}  # torchvision's modules whose networks have further heads for their training
COMPUTED = {"regnet"}  # torchvision's modules that compute with tensors how wide a network is
_FOREIGN = (RuntimeError, ValueError, IndexError, AssertionError, TypeError, ZeroDivisionError)


class Entry(BaseModel):
    """What is kept of a network."""

    module: str  # the last part of its module's name
    summary: str
    input_size: tuple[int, int, int]
    sized: bool  # built for one size of its input, which its constructor takes


Entries = dict[str, Entry]
Build = Callable[[str, str, int, dict[str, Any]], nn.Module]


def timm_entries() -> Entries:
    """Its classifiers; one without a docstring has the first words of its module's."""
    package = import_module("timm.models")
    found = {}
    for name in package.list_models():
        function, told = package.model_entrypoint(name), package.get_pretrained_cfg(name)
        if not told.classifier:
            continue  # it answers with features, whatever num_classes is
        words = first_words(function.__doc__ or "") or first_words(modules[function.__module__].__doc__ or "")
        found[name] = Entry(
            module=function.__module__.rpartition(".")[2],
            summary=words or name,
            input_size=told.input_size,
            sized=told.fixed_input_size,
        )
    return found


def torchvision_entries() -> Entries:
    """Its classifiers; each is made for the smallest images that weights of it are for."""
    package = import_module("torchvision.models")
    found = {}
    for name in package.list_models(package):
        function = package.get_model_builder(name)
        side = min(weights.transforms.keywords["crop_size"] for weights in package.get_model_weights(name))
        module = function.__module__.rpartition(".")[2]
        summary = first_words(function.__doc__ or name)
        found[name] = Entry(module=module, summary=summary, input_size=(3, side, side), sized=module in SIZED)
    return found


def build_timm(name: str, _module: str, in_channels: int, options: dict[str, Any]) -> nn.Module:
    return of_timm(name, in_channels, options)


class _RealNumbers(TorchFunctionMode):
    """Arithmetic with given numbers is done, even where a network is built on the meta device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        return func(*args, **({"device": "cpu"} | given if func in (torch.arange, torch.tensor) else given))


def build_torchvision(name: str, module: str, in_channels: int, options: dict[str, Any]) -> nn.Module:
    side = options.pop("img_size", None)
    size = {} if side is None else SIZED[module](side)
    heads = {"aux_logits": False, "init_weights": True} if module in TWICE else {}
    with _RealNumbers() if module in COMPUTED else nullcontext():
        return of_torchvision(name, in_channels, options | size | heads)


class Package:
    """A package's networks as models.

    Args:
        name: Of the package, and the first part of the models' names.
        entries: What it has; imports it.
        build: Makes a network of name, module, channels of the input and options of the constructor.
    """

    def __init__(self, name: str, entries: Callable[[], Entries], build: Build) -> None:
        self.name = name
        self._find = entries
        self._build = build
        self._entries: Entries | None = None
        self._options: dict[int | None, tuple[type[Options], dict[str, Any]]] = {}

    def model(self, name: str) -> Model:
        short = name.removeprefix(f"{self.name}/")
        if self._registered(short):
            return MODELS[short]
        entry = self.entries.get(short)
        if entry is None:
            near = get_close_matches(short, self.entries, n=1)
            hint = (
                f"did you mean '{self.name}/{near[0]}'?" if near else f"`mgic list models --source {self.name}` has all"
            )
            raise UnknownName(f"no model called {name[:80]!r}; {hint}")
        options, schema = self._options_of(entry)
        return Model(self._maker(short, entry), options, self._info(short, entry, schema))

    def infos(self) -> list[ModelInfo]:
        return [
            MODELS[short].info if self._registered(short) else self._info(short, entry, self._options_of(entry)[1])
            for short, entry in self.entries.items()
        ]

    @property
    def entries(self) -> Entries:
        if self._entries is None:
            kept = Kept(cache_folder(os.environ), fingerprint())
            found = kept.answer(f"networks-{self.name}", Entries, self._find)
            self._entries = {name: found[name] for name in sorted(found, key=natural)}
        return self._entries

    def _registered(self, short: str) -> bool:
        return short in MODELS and MODELS[short].info.package == self.name

    def _info(self, short: str, entry: Entry, schema: dict[str, Any]) -> ModelInfo:
        return ModelInfo(
            name=f"{self.name}/{short}",
            summary=entry.summary,
            options=schema,
            task="image classification",
            input_size=entry.input_size,
            smallest=entry.input_size[1:],
            package=self.name,
        )

    def _options_of(self, entry: Entry) -> tuple[type[Options], dict[str, Any]]:
        """Networks that are built for the same size, or for none, share them: a class for each would take a second."""
        side = entry.input_size[1] if entry.sized else None
        if side not in self._options:
            options = options_of(self.name, self._maker("", entry), "image classification")
            self._options[side] = options, titled(options.model_json_schema())
        return self._options[side]

    def _maker(self, short: str, entry: Entry) -> Callable[..., nn.Module]:
        if entry.sized:
            return partial(self._sized_network, short, entry.module, img_size=entry.input_size[1])
        return partial(self._network, short, entry.module)

    def _network(
        self, short: str, module: str, *, num_classes: NumClasses = 1000, in_channels: InChannels = 3
    ) -> nn.Module:
        return self._built(short, module, in_channels, {"num_classes": num_classes})

    def _sized_network(
        self,
        short: str,
        module: str,
        *,
        img_size: ImageSize = 224,
        num_classes: NumClasses = 1000,
        in_channels: InChannels = 3,
    ) -> nn.Module:
        return self._built(short, module, in_channels, {"num_classes": num_classes, "img_size": img_size})

    def _built(self, short: str, module: str, in_channels: int, options: dict[str, int]) -> nn.Module:
        """Raises `BadConfig` where the package refuses: at the size, where it is another one than it is made for."""
        try:
            return self._build(short, module, in_channels, dict(options))
        except torch.OutOfMemoryError:
            raise
        except _FOREIGN as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            side, made_for = options.get("img_size"), self.entries[short].input_size[1]
            if side in (None, made_for):
                detail = f"{self.name}/{short} cannot be built with these options: {why}"
                raise BadConfig(detail, (Problem("model", "not_possible", detail),)) from error
            detail = f"{self.name}/{short} cannot be built for img_size={side} ({why}); {made_for} is one that can be"
            raise BadConfig(detail, (Problem("img_size", "not_possible", detail),)) from error


PROVIDERS.add("timm", Package("timm", timm_entries, build_timm))
PROVIDERS.add("torchvision", Package("torchvision", torchvision_entries, build_torchvision))
