"""Any network with its blocks spread over a hierarchy of channels, as `mgic/NAME`."""

from functools import partial
from typing import Any, cast

import torch
from pydantic import create_model
from torch import nn

from mgic.conversion import convert
from mgic.errors import UnknownName
from mgic.models import PROVIDERS, Model, Options, find, native_size
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize
from mgic.records import ModelInfo

PREFIX = "mgic/"
RULE: dict[str, Any] = {
    "group_size": (GroupSize, 8),
    "coarsest_size": (CoarsestSize, 16),
    "coarsening": (CoarseningRule, "paper"),
}


class Converted:
    """A model of any other name, converted when it is built; its own options stand beside those of the hierarchy."""

    def model(self, name: str) -> Model:
        of = find(name.removeprefix(PREFIX))
        own = of.options.model_fields
        if of.info.name.startswith(PREFIX) or not own.keys().isdisjoint(RULE):
            raise UnknownName(
                f"no model called {name[:80]!r}: {of.info.name} is MGIC already, and is converted no further"
            )
        options = _with_rule(of)
        info = of.info.model_copy(
            update={
                "name": PREFIX + of.info.name,
                "summary": f"With its blocks over a hierarchy of channels: {of.info.summary}",
                "options": options.model_json_schema(),
                "package": "mgic",
            }
        )
        return Model(partial(_build, of), options, info)

    def infos(self) -> list[ModelInfo]:
        """None: they are as many as all others together, and each is named after one of those."""
        return []


def _with_rule(of: Model) -> type[Options]:
    return cast(type[Options], create_model(f"{PREFIX}{of.info.name} options", __base__=of.options, **RULE))


def _build(of: Model, **options: Any) -> nn.Module:
    own = {name: value for name, value in options.items() if name not in RULE}
    network = of.build(**own)
    example = torch.zeros(1, *native_size(of.info.name, own))
    return convert(network, example, **{name: options[name] for name in RULE})[0]


PROVIDERS.add("mgic", Converted())
