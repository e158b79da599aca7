"""Sweeps too large to be trained for a test: 500 runs over three fields, and ten networks with five seeds each.

Their scores are made up, by a formula and a drawn error; all else is of a training that was measured.
"""

import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

from backend.store import ImportedRun, ImportedSweep, Store
from mgic.records import Config, Value
from tests.conftest import Service

ARCHIVE = Path(__file__).parents[2] / "backend" / "demo.json"
SEEDS: list[Value] = [0, 1, 2, 3, 4]
VARIED: dict[str, list[Value]] = {
    "group_size": [2, 4, 8, 16, 32],
    "coarsest_size": [8, 16, 32, 64, 128],
    "learning_rate": [0.01, 0.02, 0.05, 0.1],
    "seed": SEEDS,
}
MACS = {  # of 32 x 32 pixels
    "resnet20": 40.6e6,
    "mgic_resnet20": 14.2e6,
    "resnet56": 125.5e6,
    "mgic_resnet56": 40.1e6,
    "resnet110": 252.9e6,
    "mgic_resnet110": 79.2e6,
    "mobilenet_v2": 6.3e6,
    "mgic_mobilenet_v3": 4.9e6,
    "ghostnet_100": 3.4e6,
    "mobilenext": 7.1e6,
}


def many(service: Service) -> dict[str, str]:
    """Addresses of pages about the two, which are put into the store of the service."""
    large, ten = imported(
        service,
        ImportedSweep("500 runs over three fields", "classification", [VARIED], list(_of_three_fields())),
        ImportedSweep("Ten networks", "classification", [{"model": [*MACS], "seed": SEEDS}], list(_of_models(MACS))),
    )
    of_each = {"sweep": "sweep", "ablation": "ablation", "compare": "compare", "tradeoff": "tradeoff"}
    addresses = {f"500-{name}": f"/{path}?sweep={large}" for name, path in of_each.items()}
    addresses |= {f"10-{name}": f"/{path}?sweep={ten}" for name, path in of_each.items() if name != "ablation"}
    return addresses | {"500-runs": f"/runs?of={large}"}


def of_models(names: Iterable[str]) -> ImportedSweep:
    """Networks of these names, five seeds each."""
    macs = {name: (number + 1) * 1e7 for number, name in enumerate(names)}
    return ImportedSweep("Named", "classification", [{"model": [*macs], "seed": SEEDS}], list(_of_models(macs)))


def imported(service: Service, *given: ImportedSweep) -> list[str]:
    """Their ids."""
    store = Store.open(f"sqlite:///{service.home / 'mgic.db'}")
    sweeps = store.add_imported(f"test {uuid4().hex}", given, ["many"])
    store.close()
    return [str(sweep.id) for sweep in sweeps]


def _of_three_fields() -> Iterator[ImportedRun]:
    """The score grows with both sizes, less and less, and is best at a rate of 0.05."""
    model, chance = _trained(), random.Random(0)
    for values in product(*VARIED.values()):
        config = dict(zip(VARIED, values, strict=True))
        size, coarsest, rate, _ = values
        top1 = 98 - 6 / size - 12 / coarsest - 1.5 * abs(math.log10(rate / 0.05)) + chance.gauss(0, 0.25)
        macs = 5e5 + 1.1e4 * size + 1500 * coarsest
        yield _run(model, config, top1, macs, chance)


def _of_models(macs: Mapping[str, float]) -> Iterator[ImportedRun]:
    model, chance = _trained(), random.Random(1)
    for name, seed in product(macs, SEEDS):
        top1 = 84 + 5 * math.log10(macs[name] / 3e6) + (0.8 if name.startswith("mgic") else 0) + chance.gauss(0, 0.3)
        yield _run(model, {"model": name, "seed": seed}, top1, macs[name], chance)


def _trained() -> dict[str, Any]:
    (sweep,) = [one for one in json.loads(ARCHIVE.read_text())["sweeps"] if one["experiment"] == "classification"]
    run = next(one for one in sweep["runs"] if one["config"]["model"].startswith("mgic"))
    return run | {"environment": {**sweep["environment"], **run["environment"]}}


def _run(of: Mapping[str, Any], config: Config, top1: float, macs: float, chance: random.Random) -> ImportedRun:
    """Its curve rises to the score in twelve epochs."""
    shared = ("group_size", "coarsest_size", "coarsening")
    plain = not str(config.get("model", "mgic")).startswith("mgic")
    own = {name: one for name, one in of["config"].items() if not (plain and name in shared)}
    result = of["result"] | {"top1": top1, "balanced_accuracy": top1, "test_loss": 3 - top1 / 35}
    result |= {"macs": int(macs), "params": int(macs / 14), "transfer_macs": 0 if plain else int(macs / 30)}
    rise = [(step, top1 - 60 * math.exp(-step / 60) + chance.gauss(0, 0.2)) for step in range(23, 277, 23)]
    fall = [(step, 2.3 * math.exp(-step / 80) + chance.uniform(0, 0.1)) for step in range(4, 277, 8)]
    return ImportedRun(
        requested=config,
        config=own | config,
        version=of["version"],
        queue=of["queue"],
        device=of["device"],
        work_macs=of["work_macs"],
        result=result,
        environment=of["environment"],
        seconds=of["seconds"],
        curves={"test/top1": rise, "train/loss": fall},
    )
