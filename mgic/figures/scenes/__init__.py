"""What the plots of each page are made of: the page and `mgic figure ADDRESS` draw the same.

A scene is a module with what follows. `asked` are the parameters of an address, `values` the texts of its switches.

- `PARAMETERS`, the names of what else stands in the address, such as ids.
- `load(api, asked) -> Data` fetches; it raises `BadConfig` where the address does not name what there is to draw.
- `switches(data) -> tuple[Switch, ...]`, whose options may depend on the data.
- `plots(data, values) -> list[Plot]`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from mgic.client import Client
from mgic.figures.plot import Plot
from mgic.figures.scenes import (
    ablation,
    compare,
    latency,
    model,
    paper,
    reconstructions,
    regressions,
    run,
    sweep,
    tradeoff,
)
from mgic.figures.switches import Switch


class Scene(Protocol):
    @property
    def PARAMETERS(self) -> tuple[str, ...]: ...

    def load(self, api: Client, asked: Mapping[str, str]) -> Any: ...
    def switches(self, data: Any) -> tuple[Switch, ...]: ...
    def plots(self, data: Any, values: Mapping[str, str]) -> list[Plot]: ...


# By the page's place in an address.
SCENES: dict[str, Scene] = {
    "ablation": ablation,
    "compare": compare,
    "latency": latency,
    "model": model,
    "paper": paper,
    "reconstructions": reconstructions,
    "regressions": regressions,
    "run": run,
    "sweep": sweep,
    "tradeoff": tradeoff,
}
