"""What can be run on this machine: `python -P -m mgic.abilities FILE DEVICE DATA_DIR` writes it into a file, as JSON.

It is a process of its own that a worker starts, since it loads torch and imports the plug-ins that the rest of its
command line names, as the processes do that execute runs.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import torch

from mgic import plugins
from mgic.cores import usable_cores
from mgic.data import dataset_info, list_datasets
from mgic.extras import installed_extras
from mgic.measure.engines import Engine, only_elsewhere, what_engine_lacks
from mgic.plugins.code import loaded_files
from mgic.records import Abilities, Record


class Looked(Record):
    """What was found, and the source files of plug-ins that it holds for."""

    able: Abilities
    files: tuple[str, ...]


def lacking(engine: Engine, device: str) -> str:
    """Why an engine cannot be used on this machine with a worker's device, "cpu" or "cuda"; else empty.

    A worker with a GPU computes on its CPU too, where a run asks for that.
    """
    if device == "cpu" and only_elsewhere(device, engine):
        return "it needs a GPU"
    return what_engine_lacks(engine)


def abilities(device: str, data_dir: Path) -> Abilities:
    """What a worker with this device, and data sets in this folder, can do here."""
    missing = {engine: why for engine in get_args(Engine) if (why := lacking(engine, device))}
    infos = [dataset_info(name, data_dir) for name in list_datasets(data_dir)]
    return Abilities(
        engines=tuple(engine for engine in get_args(Engine) if engine not in missing),
        lacking=missing,
        extras=installed_extras(),
        cores=usable_cores(),
        gpus=_gpus() if device == "cuda" else (),
        datasets=tuple(info.name for info in infos if info.present),
        plugins=plugins.found(),
    )


def _gpus() -> tuple[str, ...]:
    return tuple(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))


def main(words: Iterable[str]) -> None:
    file, device, data_dir, *outside = words
    plugins.load_tried(plugins.told(outside))
    looked = Looked(able=abilities(device, Path(data_dir)), files=tuple(map(str, loaded_files())))
    Path(file).write_text(looked.model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
