"""A sweep: every view of its experiment."""

from collections.abc import Mapping
from dataclasses import dataclass

from mgic.client import Client
from mgic.figures.plot import Plot
from mgic.figures.sample_size import Sizes
from mgic.figures.scenes.asked import ids
from mgic.figures.switches import Switch
from mgic.figures.views import plots_of, switches_of
from mgic.records import ExperimentInfo, Run, Sweep

PARAMETERS = ("sweep",)


@dataclass(frozen=True)
class Data:
    sweep: Sweep
    info: ExperimentInfo
    runs: list[Run]
    sizes: Sizes


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?sweep=`."""
    (identifier,) = ids(asked, "sweep")
    sweep = api.sweep(identifier)
    sizes = {one.name: one.shape for one in api.datasets()}
    return Data(sweep, api.experiment(sweep.experiment), api.sweep_runs(identifier), sizes)


def switches(data: Data) -> tuple[Switch, ...]:
    return switches_of(data.info, data.runs)


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    return plots_of(data.info, data.runs, values, data.sizes)
