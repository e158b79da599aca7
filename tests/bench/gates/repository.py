"""A repository of somebody else with changes whose cost is known: it was measured when they were made.

`main` has a small network. Each branch is one commit on it:

- `same`: a comment.
- `slower`, `little`: one convolution more, of so many channels that a pass takes about 10 % and 3 % more CPU time.
- `memory`: a wide layer whose result is kept through the pass, so wide that the peak is about 10 % higher; in batches
  of 4, as half a MiB more is allowed whatever a network needs.

How much dearer each is gets measured when it is made, in another way than by a gate: the networks of both sides in one
process, pass about pass, and each peak in a process of its own.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mgic.statistics import Centre, signed_rank

NETWORK = '''"""A small residual network."""

import torch
from torch import Tensor, nn

WIDTH = {width}
MORE = {more}  # channels of another convolution
WIDE = {wide}  # channels of a layer that is kept


class Small(nn.Module):
    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, WIDTH, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(8))
        self.more = nn.Conv2d(WIDTH, MORE, 3, stride=2, padding=1) if MORE else None
        self.wide = nn.Conv2d(in_channels, WIDE, 1) if WIDE else None
        self.head = nn.Linear(WIDTH, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        kept = self.wide(images) if self.wide else None
        x = torch.relu(self.stem(images))
        for layer in self.layers:
            x = x + torch.relu(layer(x))
        found = self.head(x.mean((2, 3)))
        if self.more:
            found = found + torch.relu(self.more(x)).mean((1, 2, 3))[:, None]
        return found if kept is None else found + kept.mean((1, 2, 3))[:, None]


def small(in_channels: int = 3, num_classes: int = 10, img_size: int = {side}) -> nn.Module:
    """A small residual network."""
    return Small(in_channels, num_classes)
'''
WIDTH = 48  # of its eight layers
MODEL = "shopnet.nets:small"


@dataclass(frozen=True)
class Change:
    more: int = 0
    wide: int = 0


CHANGES: Mapping[str, Change] = MappingProxyType(
    {"slower": Change(more=150), "little": Change(more=20), "memory": Change(wide=6)}
)
BATCHES: Mapping[str, int] = MappingProxyType(
    {"memory": 4}
)  # so large that 10 % is more than the 0.5 MiB that are allowed
SIDE = 112  # pixels: a pass of some milliseconds, so that a convolution more is not mostly its call
RATIO = """
import sys, time, json
import torch
torch.set_num_threads(1)
def built(path):
    space = {}
    exec(open(path).read(), space)
    return space["small"]().eval()
nets = [built(path) for path in sys.argv[1:3]]
images = torch.randn(1, 3, int(sys.argv[-1]), int(sys.argv[-1]))
ratios = []
with torch.inference_mode():
    for round in range(62):
        took = [0.0, 0.0]
        for _ in range(2):
            for one in (0, 1, 1, 0):
                begin = time.thread_time()
                nets[one](images)
                took[one] += time.thread_time() - begin
        ratios.append(took[1] / took[0])
print(json.dumps(ratios[2:]))
"""
PEAK = """
import sys
from concurrent.futures import ThreadPoolExecutor
import torch
from mgic.measure.memory import PeakMemory
torch.set_num_threads(1)
space = {}
exec(open(sys.argv[1]).read(), space)
peak = PeakMemory("cpu", own=True)
net, images = space["small"]().eval(), torch.randn(int(sys.argv[-2]), 3, int(sys.argv[-1]), int(sys.argv[-1]))
def passes(number):
    with torch.inference_mode():
        for _ in range(number):
            net(images)
passes(20)
peak.begin()
with ThreadPoolExecutor(1) as alone:
    alone.submit(passes, 1).result()
print(peak.peak() - peak.baseline)
"""


def made(folder: Path) -> Path:
    """The repository, made if it is not there; `changes.json` in it says what was measured."""
    if (folder / "changes.json").is_file():
        return folder
    (folder / "shopnet").mkdir(parents=True)
    (folder / "shopnet" / "__init__.py").write_text("")
    (folder / ".gitignore").write_text("changes.json\n")
    (folder / "shopnet" / "nets.py").write_text(network())
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder, "A small network")
    _git(folder, "switch", "-q", "-c", "same")
    (folder / "shopnet" / "__init__.py").write_text("# nothing else\n")
    _commit(folder, "A comment")
    for branch, change in CHANGES.items():
        _git(folder, "switch", "-q", "-c", branch, "main")
        (folder / "shopnet" / "nets.py").write_text(network(change))
        _commit(folder, branch)
    measured = {branch: _measured(folder, branch) for branch in CHANGES}
    (folder / "changes.json").write_text(json.dumps({branch: vars(one) for branch, one in measured.items()}, indent=1))
    return folder


def network(change: Change | None = None) -> str:
    more, wide = (change.more, change.wide) if change else (0, 0)
    return NETWORK.format(side=SIDE, width=WIDTH, more=more, wide=wide)


def changes(folder: Path) -> dict[str, Centre]:
    """By branch, how much dearer it is, as a ratio with its interval."""
    return {branch: Centre(**one) for branch, one in json.loads((folder / "changes.json").read_text()).items()}


def switch(folder: Path, branch: str) -> None:
    _git(folder, "switch", "-q", branch)


def _measured(folder: Path, branch: str) -> Centre:
    """Of CPU time over 60 rounds of both networks in turn, of the peak over 8 pairs of processes."""
    sides = [folder / "base.tmp", folder / "head.tmp"]
    for path, change in zip(sides, (None, CHANGES[branch]), strict=True):
        path.write_text(network(change))
    if CHANGES[branch].wide:
        batch = str(BATCHES[branch])
        peaks = [[int(_python(PEAK, str(path), batch, str(SIDE))) for path in sides] for _ in range(8)]
        ratios = [after / before for before, after in peaks]
    else:
        ratios = json.loads(_python(RATIO, *map(str, sides), str(SIDE)))
    for path in sides:
        path.unlink()
    return signed_rank(ratios)


def _python(code: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _commit(folder: Path, words: str) -> None:
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", words)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)
