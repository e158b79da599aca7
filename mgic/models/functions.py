"""Functions of the modules that the operator has named, as `package.module:function`.

A name imports nothing: it is looked up among the modules that were imported before anybody asked. A function is a
model if the module itself defines it, it says that it returns a network, and its arguments are options: annotated
and with defaults, as those of a registered model, but that they need no description and no bounds.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import ModuleType
from typing import get_type_hints

from pydantic import PydanticUserError
from torch import nn

from mgic.errors import UnknownName
from mgic.models import OF_A_MODULE, PROVIDERS, Model, build_foreign, first_words, options_of
from mgic.plugins import imported_modules
from mgic.records import ModelInfo, titled

SIDE = 224  # pixels that a network is taken to be made for, unless it has the option img_size


class Functions:
    """Functions as models.

    Args:
        modules: Gives those that the operator has named.
    """

    def __init__(self, modules: Callable[[], Mapping[str, ModuleType]]) -> None:
        self._modules = modules

    def model(self, name: str) -> Model:
        of, _, called = name.partition(OF_A_MODULE)
        modules = self._modules()
        if of not in modules:
            known = f"those named here: {', '.join(modules)}" if modules else "none is named here"
            raise UnknownName(f"no model called {name[:80]!r}: {of[:80]} is no plug-in; {known}")
        function = vars(modules[of]).get(called)
        if not inspect.isfunction(function) or function.__module__ != of:
            raise UnknownName(f"no model called {name[:80]!r}: {of} defines no such function")
        return _model(name, function)

    def infos(self) -> list[ModelInfo]:
        """Of those functions that are models."""
        found = []
        for of, module in self._modules().items():
            for called in vars(module):
                try:
                    found.append(self.model(f"{of}{OF_A_MODULE}{called}").info)
                except UnknownName:
                    continue  # no function, or it makes something else
        return found


@lru_cache(maxsize=1024)  # a class of options takes a millisecond
def _model(name: str, function: Callable[..., nn.Module]) -> Model:
    """Raises `UnknownName` for a function that is no model, and says why."""
    try:
        made = get_type_hints(function).get("return")
        if not (isinstance(made, type) and issubclass(made, nn.Module)):
            raise TypeError("it does not say that it returns an nn.Module")
        options = options_of(name, function, "image classification", described=False)
        defaults = options().model_dump()
        schema = titled(options.model_json_schema())
    except (
        TypeError,
        NameError,
        ValueError,
        PydanticUserError,
    ) as error:  # of annotations that mean nothing, or not what they say
        raise UnknownName(f"no model called {name[:80]!r}: {error}") from error
    size = (defaults["in_channels"], *(defaults.get("img_size", SIDE),) * 2)
    info = ModelInfo(
        name=name,
        summary=first_words(inspect.getdoc(function) or ""),
        options=schema,
        task="image classification",
        input_size=size,
        smallest=size[1:],
        package=name.partition(".")[0].partition(OF_A_MODULE)[0],
    )
    return Model(partial(build_foreign, name, function), options, info)


PROVIDERS.add(OF_A_MODULE, Functions(imported_modules))
