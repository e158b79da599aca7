"""A repository of somebody else, with a package that brings a network, an experiment and a data set."""

import subprocess
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]

NETS = '''
from typing import Annotated

from pydantic import Field
from torch import nn

from mgic.models import InChannels, NumClasses, register_model

Width = Annotated[int, Field(ge=1, description="Channels")]


@register_model(input_size=(3, 32, 32))
def our_net(*, width: Width = 8, in_channels: InChannels = 3, num_classes: NumClasses = 10) -> nn.Module:
    """A convolution and a head."""
    layers = [nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))
'''
TASKS = '''
from pydantic import BaseModel, Field

from mgic import create
from mgic.experiment import Context, ExperimentConfig, experiment
from mgic.records import View


class Config(ExperimentConfig):
    width: int = Field(8, ge=1, description="Channels")


class Result(BaseModel):
    weights: int = Field(description="Trainable numbers")


@experiment(title="Our weights", views=(View(title="Weights", x="width", y="weights"),))
def our_weights(config: Config, context: Context) -> Result:
    """How many weights our network has."""
    network = create("our_net", width=config.width)
    return Result(weights=sum(weight.numel() for weight in network.parameters()))
'''
DATA = """
import numpy as np

from mgic.data import DATASETS, ImageProvider


def read(folder):
    images = np.random.default_rng(0).integers(0, 255, (64, 1, 16, 16), dtype=np.uint8)
    labels = (images.mean((1, 2, 3)) > 127).astype(np.int64)
    return images, labels, images[:32], labels[:32]


DATASETS.add("our_noise", ImageProvider(
    name="our_noise", title="Noise", shape=(1, 16, 16), classes=2, train=64, test=32, mean=(0.5,), std=(0.25,),
    flip=False, how_to_get="it is made", present=lambda folder: True, read=read, fetch=lambda folder: None,
))
"""
PACKAGE = {"__init__": "from lab_nets import data, nets, tasks", "nets": NETS, "tasks": TASKS, "data": DATA}
# Folders and files that many repositories have, and that are called like parts of the lab or of Python.
THEIRS = ("backend/__init__.py", "worker/__init__.py", "dashboard/__init__.py", "tests/__init__.py", "types.py")


def make_repository(folder: Path) -> Path:
    """Committed, with `lab_nets` in it, and with modules that end whoever takes them for the lab's."""
    for name in THEIRS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f'raise SystemExit("theirs: {name}")\n')
    (folder / "lab_nets").mkdir()
    for name, text in PACKAGE.items():
        (folder / "lab_nets" / f"{name}.py").write_text(text)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    """All that is there; the new commit."""
    git(folder, "add", "--all", ":!.mgic")
    git(folder, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "a step")
    return git(folder, "rev-parse", "HEAD").strip()


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


def make_environment(folder: Path, repository: Path) -> Path:
    """Two packages are installed in it that declare plug-ins, one of them broken; torch is ours. Where they lie."""
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (site / "beside.pth").write_text("\n".join([sysconfig.get_path("purelib"), str(ROOT), str(repository)]))
    (site / "broken_nets.py").write_text("import nothing_of_the_kind\n")
    install(site, "lab-nets", "lab_nets")
    install(site, "broken-nets", "broken_nets")
    return site


def install(site: Path, distribution: str, module: str) -> None:
    """An installed package that declares the module as a plug-in, as pip leaves one."""
    about = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[mgic.plugins]\nours = {module}\n")
