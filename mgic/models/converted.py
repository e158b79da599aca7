"""Any network with its blocks spread over a hierarchy of channels, as `mgic/NAME`."""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any, cast

import torch
from pydantic import create_model
from torch import nn

from mgic.conversion import convert
from mgic.errors import BadConfig, Problem, UnknownName
from mgic.models import PROVIDERS, Model, Options, find, native_size
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize
from mgic.records import ConversionReport, ModelInfo, titled

PREFIX = "mgic/"
RULE: dict[str, Any] = {
    "group_size": (GroupSize, 8),
    "coarsest_size": (CoarsestSize, 16),
    "coarsening": (CoarseningRule, "paper"),
}


class Converted:
    """A model of any other name, converted when it is built; its own options stand beside those of the hierarchy."""

    def model(self, name: str) -> Model:
        return _converted(name)

    def infos(self) -> list[ModelInfo]:
        """None: they are as many as all others together, and each is named after one of those."""
        return []


@lru_cache(maxsize=1024)  # a sweep asks for each of its points, and a class of options takes a millisecond
def _converted(name: str) -> Model:
    of = find(name.removeprefix(PREFIX))
    own = of.options.model_fields
    if of.info.name.startswith(PREFIX) or not own.keys().isdisjoint(RULE):
        raise UnknownName(f"no model called {name[:80]!r}: {of.info.name} is MGIC already, and is converted no further")
    options = _with_rule(of)
    info = of.info.model_copy(
        update={
            "name": PREFIX + of.info.name,
            "summary": f"With its blocks over a hierarchy of channels: {of.info.summary}",
            "options": titled(options.model_json_schema()),
            "package": "mgic",
        }
    )
    return Model(partial(_build, of), options, info, of)


def _with_rule(of: Model) -> type[Options]:
    return cast(type[Options], create_model(f"{PREFIX}{of.info.name} options", __base__=of.options, **RULE))


def convert_model(of: Model, options: Mapping[str, Any]) -> tuple[nn.Module, nn.Module, ConversionReport]:
    """The network of another model, itself as its blocks are spread out, and what became of them.

    Args:
        of: The other model.
        options: All of its own, and the three of the hierarchy.

    Raises:
        BadConfig: At `model`, where nothing of it can be converted; at an option of the hierarchy that makes no sense.
    """
    own = {name: value for name, value in options.items() if name not in RULE}
    network = of.build(**own)
    example = torch.zeros(1, *native_size(of.info.name, own))
    try:
        return network, *convert(network, example, **{name: options[name] for name in RULE})
    except BadConfig as error:
        detail = f"{PREFIX}{of.info.name}: {error}"
        problems = tuple(p if p.pointer in RULE else Problem("model", p.code, detail) for p in error.problems)
        raise BadConfig(detail, problems) from error


def _build(of: Model, **options: Any) -> nn.Module:
    return convert_model(of, options)[1]


PROVIDERS.add("mgic", Converted())
