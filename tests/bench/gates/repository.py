"""A repository of somebody else with changes whose cost is known: it was measured when they were made.

`main` has a small network. Each branch is one commit on it:

- `same`: a comment.
- `slower`, `little`: one convolution more, of so many channels that a pass takes 10 % and 3 % more CPU time.
- `memory`: a wide layer whose result is kept through the pass, so wide that the peak is 10 % higher.

How much dearer a branch is was measured in another way than a gate measures: the networks of both in one process, pass
about pass, and each peak in a process of its own.
"""

import json
import subprocess
import sys
from pathlib import Path

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
SIDE = 112  # pixels: a pass of some milliseconds, so that a convolution more is not mostly its call
CHANNEL_BYTES = 4 * SIDE * SIDE  # of what the wide layer leaves
RATIO = """
import sys, time, json
from statistics import median
import torch
torch.set_num_threads(1)
def built(path):
    space = {}
    exec(open(path).read(), space)
    return space["small"]().eval()
nets = [built(path) for path in sys.argv[1:3]]
images = torch.randn(1, 3, int(sys.argv[-1]), int(sys.argv[-1]))
spent = [0.0, 0.0]
ratios = []
with torch.inference_mode():
    for round in range(26):
        took = [0.0, 0.0]
        for _ in range(4):
            for one in (0, 1, 1, 0):
                begin = time.thread_time()
                nets[one](images)
                took[one] += time.thread_time() - begin
        ratios.append(took[1] / took[0])
print(json.dumps(ratios[2:]))
"""
PEAK = """
import sys
import torch
from mgic.measure.memory import PeakMemory
torch.set_num_threads(1)
space = {}
exec(open(sys.argv[1]).read(), space)
peak = PeakMemory("cpu")
net, images = space["small"]().eval(), torch.randn(1, 3, int(sys.argv[-1]), int(sys.argv[-1]))
peak.begin()
with torch.inference_mode():
    for _ in range(20):
        net(images)
print(peak.peak() - peak.baseline)
"""


def made(folder: Path) -> Path:
    """The repository, made if it is not there; `changes.json` in it says what was measured."""
    if (folder / "changes.json").is_file():
        return folder
    (folder / "shopnet").mkdir(parents=True)
    (folder / "shopnet" / "__init__.py").write_text("")
    (folder / ".gitignore").write_text("changes.json\n")
    _write(folder)
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder, "A small network")
    found = {"slower": _slower(folder, 1.10), "little": _slower(folder, 1.03), "memory": _wider(folder, 1.10)}
    for branch, change in {"same": {}, **found}.items():
        _git(folder, "switch", "-q", "-c", branch, "main")
        _write(folder, more=int(change.get("more", 0)), wide=int(change.get("wide", 0)))
        if branch == "same":
            (folder / "shopnet" / "__init__.py").write_text("# nothing else\n")
        _commit(folder, branch)
    (folder / "changes.json").write_text(json.dumps(found, indent=1))
    return folder


def switch(folder: Path, branch: str) -> None:
    _git(folder, "switch", "-q", branch)


def _write(folder: Path, more: int = 0, wide: int = 0) -> Path:
    path = folder / "shopnet" / "nets.py"
    path.write_text(NETWORK.format(side=SIDE, width=WIDTH, more=more, wide=wide))
    return path


def _slower(folder: Path, aim: float) -> dict[str, float]:
    """The number of channels that brings the CPU time of a pass to the aim, which grows with it."""
    more = round((aim - 1) * 8 * 4 * WIDTH)  # as much as so many of the multiply-accumulates
    gained = max(_ratio(folder, more) - 1, (aim - 1) / 2)
    more = round(more * (aim - 1) / gained)
    return {"more": more, "cpu_time_ratio": _ratio(folder, more)}


def _ratio(folder: Path, more: int) -> float:
    base, head = folder / "base.tmp", folder / "head.tmp"
    base.write_text(NETWORK.format(side=SIDE, width=WIDTH, more=0, wide=0))
    head.write_text(NETWORK.format(side=SIDE, width=WIDTH, more=more, wide=0))
    ratios = sorted(json.loads(_python(RATIO, str(base), str(head), str(SIDE))))
    base.unlink()
    head.unlink()
    return float(ratios[len(ratios) // 2])


def _wider(folder: Path, aim: float) -> dict[str, float]:
    """The number of channels that brings the peak to the aim, from what so many bytes a channel should do."""
    before = _peak(folder, 0)
    wide = round((aim - 1) * before / CHANNEL_BYTES)
    raised = _peak(folder, wide) - before
    wide = round(wide * (aim - 1) * before / max(raised, CHANNEL_BYTES))
    return {"wide": wide, "peak_memory_ratio": _peak(folder, wide) / before, "peak_bytes": before}


def _peak(folder: Path, wide: int) -> int:
    """The median of three processes."""
    path = folder / "peak.tmp"
    path.write_text(NETWORK.format(side=SIDE, width=WIDTH, more=0, wide=wide))
    found = sorted(int(_python(PEAK, str(path), str(SIDE))) for _ in range(3))
    path.unlink()
    return found[1]


def _python(code: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _commit(folder: Path, words: str) -> None:
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", words)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)
