"""A repository of somebody else, with a package in `src` that has two networks, and a branch of its own."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.outside import commit, git

NETS = """
from torch import nn


def _network(width: int, num_classes: int, in_channels: int) -> nn.Module:
    layers = [nn.Conv2d(in_channels, width, 3), nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))


def small(*, num_classes: int = 10, in_channels: int = 3, width: int = 8, img_size: int = 32) -> nn.Module:
    return _network(width, num_classes, in_channels)


def large(*, num_classes: int = 10, in_channels: int = 3, img_size: int = 32) -> nn.Module:
    return _network(16, num_classes, in_channels)
"""


class Foreign(NamedTuple):
    """The repository, the folder of its package, and the commit of its branch `main`."""

    root: Path
    package: Path
    main: str

    def write(self, text: str) -> None:
        (self.package / "nets.py").write_text(text)

    def commit(self) -> str:
        return commit(self.root)


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    """On a branch `feature` that is equal to `main`."""
    root = tmp_path / "foreign"
    package = root / "src" / "theirs"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "nets.py").write_text(NETS)
    git(root, "init", "--quiet", "--initial-branch", "main")
    made = commit(root)
    git(root, "checkout", "--quiet", "-b", "feature")
    return Foreign(root, package, made)
