"""Where a run runs, and with what: versions, device and threads."""

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from mgic import __version__


def environment(device: str) -> dict[str, Any]:
    """What a reader needs to know to compare this run with another, or to repeat it."""
    cuda = device.startswith("cuda")
    return {
        "mgic": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "numpy": version("numpy"),
        "platform": platform.platform(),
        "device": _gpu() if cuda else _processor(),
        "cuda": torch.version.cuda if cuda else None,
        "threads": torch.get_num_threads(),
    }


def _gpu() -> str:
    """Asked after a run too, which may have failed because the GPU did."""
    try:
        return torch.cuda.get_device_name()
    except (RuntimeError, AssertionError) as error:
        return f"unknown: {error}".splitlines()[0][:200]


@cache
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
