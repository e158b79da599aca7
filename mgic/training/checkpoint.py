"""Snapshots of a training on disk: written whole or not at all, the last two kept, a damaged one passed over."""

import hashlib
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

KEPT = 2
State = dict[str, Any]


class Checkpoints:
    """The snapshots of one run, in a folder of its own: `<step>-<first 16 hex digits of the SHA-256>.pt`.

    Args:
        folder: Where they lie; made when the first one is written.
        of: What is trained, and how: a snapshot of anything else is not read.
        saved: Told the name of each that was written.
    """

    def __init__(self, folder: Path, of: str, saved: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder
        self._of = of
        self._saved = saved

    def write(self, step: int, state: State) -> Path:
        """Keep `state`; it is complete on disk under its name, or not there. Older ones but the last are removed.

        Raises:
            OSError: There is no room; what was kept before is untouched.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{os.getpid()}.tmp"
        try:
            torch.save({**state, "of": self._of}, draft)
            with draft.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            path = self._folder / f"{step:010d}-{digest[:16]}.pt"
            os.replace(draft, path)
        except RuntimeError as error:  # how torch.save reports a full disk
            raise OSError(str(error)) from error
        finally:
            draft.unlink(missing_ok=True)
        for old in self._newest_first()[KEPT:]:
            old.unlink(missing_ok=True)
        self._saved(path.name)
        return path

    def read(self, log: Callable[[str], None]) -> State | None:
        """The newest one that is whole; None if there is none. What is passed over is removed.

        Args:
            log: Told of each that is passed over, and why.
        """
        for path in self._newest_first():
            state = _read(path)
            if state is not None and state.pop("of", None) == self._of:
                return state
            fault = "damaged" if state is None else "of another config"
            log(f"checkpoint {path.name} is {fault} and is passed over")
            path.unlink(missing_ok=True)  # or new ones, of lower steps, would make room for it
        return None

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*-*.pt"), reverse=True) if self._folder.is_dir() else []


def _read(path: Path) -> State | None:
    """None if the file is not what was written, to the bit; nothing in it is executed."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not path.stem.endswith(f"-{digest[:16]}"):
            return None
        state: State = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    return state


def random_state(device: torch.device) -> Iterator[tuple[str, Any]]:
    """The state of torch's global generators that a training on `device` draws from."""
    yield "cpu", torch.get_rng_state()
    if device.type == "cuda":
        yield "cuda", torch.cuda.get_rng_state(device)


def set_random_state(states: State, device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
