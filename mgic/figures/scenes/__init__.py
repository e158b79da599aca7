"""What the plots of each page are made of: the page and `mgic figure ADDRESS` draw the same.

A scene is a module with what follows. `asked` are the parameters of an address, `values` the texts of its switches.

- `load(api, asked) -> Data` fetches; it raises `BadConfig` where the address does not name what there is to draw.
- `switches(data) -> tuple[Switch, ...]`, whose options may depend on the data.
- `plots(data, values) -> list[Plot]`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from mgic.client import Client
from mgic.figures.plot import Plot
from mgic.figures.scenes import ablation, latency, reconstructions, run, sweep, tradeoff
from mgic.figures.switches import Switch


class Scene(Protocol):
    def load(self, api: Client, asked: Mapping[str, str]) -> Any: ...
    def switches(self, data: Any) -> tuple[Switch, ...]: ...
    def plots(self, data: Any, values: Mapping[str, str]) -> list[Plot]: ...


# By the page's place in an address.
SCENES: dict[str, Scene] = {
    "ablation": ablation,
    "latency": latency,
    "reconstructions": reconstructions,
    "run": run,
    "sweep": sweep,
    "tradeoff": tradeoff,
}
