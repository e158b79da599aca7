"""Weights from a file, a user's own or those of a trained run: checked before they are read, and put into a network.

The file is in the safetensors format, which holds numbers and no code; a pickle is refused, whatever it is called.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import safetensors
import torch
from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from torch import nn

from mgic.errors import BadCheckpoint, Problem
from mgic.experiment import WEIGHTS, Context, ExperimentConfig, RunId, input_file, run_input

MODEL_FILE = "model.safetensors"  # what a training leaves
SUFFIX = ".safetensors"
MAX_HEADER = 2**24  # bytes; some 100,000 tensors
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # of torch.save, new and old
NAMED = 3  # layers in an error, at most
UNCOUNTED = "num_batches_tracked"  # of a norm: files older than it do without

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}", re.ASCII)

WeightsHash = Annotated[
    str | None,
    Field(description="First 16 hex digits of the SHA-256 of the file that the weights were read from; empty if none"),
]


def _plain(name: str | None) -> str | None:
    """The name without the ending of the file."""
    if name is not None and (not _NAME.fullmatch(name) or ".." in name):
        raise ValueError(
            f"must be the name of a file in the folder {WEIGHTS} of the data: letters, digits and . _ + -, and no path"
        )
    return name.removesuffix(SUFFIX) if name is not None else None


class Weighted(ExperimentConfig):
    """The part of a config that says which weights a network has: those of a file, of a trained run, or neither."""

    weights: Annotated[str | None, AfterValidator(_plain)] = Field(
        None,
        max_length=200,
        description=f"Weights of your own: NAME of {WEIGHTS}/NAME{SUFFIX} in the data folder; in `mgic run` its path",
    )
    trained: RunId | None = run_input(
        "classification", files=(MODEL_FILE,), description="A trained run, whose network and weights are taken"
    )

    @field_validator("trained")
    @classmethod
    def _from_one_place(cls, run: str | None, info: ValidationInfo) -> str | None:
        if run is not None and info.data.get("weights") is not None:
            raise ValueError("weights and trained cannot be given together")
        return run

    @property
    def from_file(self) -> bool:
        return self.weights is not None or self.trained is not None


@dataclass(frozen=True)
class Loaded:
    """What was read: the hash of the file, and the layers that other classes made start anew."""

    hash: str
    anew: tuple[str, ...] = ()


def load_trained(
    network: nn.Module, config: Weighted, context: Context, *, other_classes: bool = False
) -> Loaded | None:
    """Put the weights that a config names into a network, which is of the right shape; None if it names none.

    Args:
        network: On any device; changed in place.
        config: What names them.
        context: Where the files are found.
        other_classes: A last layer of another number of classes keeps what it has, and the context's log says so.

    Raises:
        BadCheckpoint: It is damaged or no safetensors file, or does not fit the network; at `weights` or `trained`.
        DataMissing: It is not there.
    """
    path = weights_file(config, context)
    if path is None:
        return None
    loaded = load(network, path, _field(config), other_classes=other_classes)
    if loaded.anew:
        context.log(f"the weights are of other classes: {_some(loaded.anew)} begin anew")
    return loaded


def weights_file(config: Weighted, context: Context) -> Path | None:
    """Where the weights that a config names lie; None if it names none.

    Raises:
        DataMissing: Nowhere.
        BadCheckpoint: It is a link that leads out of the folder.
    """
    if config.trained is not None:
        return context.input("trained", MODEL_FILE)
    if config.weights is None:
        return None
    return _in_its_folder(context.input(WEIGHTS, config.weights + SUFFIX))


def own_file(data_dir: Path, name: str) -> Path:
    """The file of that name, of which all is known to be right but whether it fits a network.

    Raises:
        BadCheckpoint: See `load_trained`.
        DataMissing: It is not there.
    """
    path = _in_its_folder(input_file({WEIGHTS: data_dir / WEIGHTS}, WEIGHTS, name + SUFFIX))
    _check_size(path, WEIGHTS)
    try:
        with safetensors.safe_open(path, "pt"):
            return path
    except (safetensors.SafetensorError, OSError) as error:
        raise _bad(WEIGHTS, f"{path.name} is no whole safetensors file: {_first_line(error)}") from error


def _in_its_folder(path: Path) -> Path:
    if path.resolve().parent != path.parent.resolve():
        raise _bad(WEIGHTS, f"{path.name} is a link out of its folder")
    return path


def _field(config: Weighted) -> str:
    return WEIGHTS if config.trained is None else "trained"


def load(network: nn.Module, path: Path, field: str = WEIGHTS, *, other_classes: bool = False) -> Loaded:
    """Put the weights of a file into a network of the same layers and shapes; whatever precision they are in.

    Args:
        network: Changed in place, but only if all fits.
        path: Of the file.
        field: What errors are told of.
        other_classes: A last layer of another number of classes keeps what it has.

    Raises:
        BadCheckpoint: See `load_trained`.
    """
    own = network.state_dict()
    _check_size(path, field)
    try:
        with safetensors.safe_open(path, "pt") as file:
            there = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            anew = _compare({name: tuple(one.shape) for name, one in own.items()}, there, field)
            if anew and not other_classes:
                raise _bad(field, _of_classes(own, there, anew))
            read = {name: file.get_tensor(name) for name in there if name not in anew}
    except (safetensors.SafetensorError, RuntimeError, ValueError, OSError) as error:
        raise _bad(field, f"{path.name} is no whole safetensors file: {_first_line(error)}") from error
    for name, one in read.items():
        if one.is_floating_point() != own[name].is_floating_point():
            raise _bad(field, f"{name} is of {_word(one.dtype)} in the file, and of {_word(own[name].dtype)} here")
        if one.is_floating_point() and not one.float().isfinite().all():
            raise _bad(field, f"{name} has values that are no finite numbers")
    network.load_state_dict(read, strict=False)
    return Loaded(file_hash(path), tuple(sorted(anew)))


def file_hash(path: Path) -> str:
    """As it stands in results."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _check_size(path: Path, field: str) -> None:
    """The first 8 bytes say how long the header is; a huge one would be read into memory."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
        size = path.stat().st_size
    except OSError as error:
        raise _bad(field, f"{path.name} cannot be read: {error.strerror}") from error
    length = int.from_bytes(start, "little")
    if start.startswith(PICKLES):
        raise _bad(field, f"{path.name} is a pickle, which can hold any code and is never read; save it as safetensors")
    if length > size - 8:
        raise _bad(field, f"{path.name} is no whole safetensors file: its header would be longer than the file")
    if length > MAX_HEADER:
        raise _bad(field, f"{path.name} has a header of {length:,} bytes, at most {MAX_HEADER:,} are read")


def _compare(own: Mapping[str, Any], there: Mapping[str, Any], field: str) -> set[str]:
    """The layers whose number of classes alone differs. Raises `BadCheckpoint` where anything else does."""
    missing = [name for name in own if name not in there and not name.endswith(UNCOUNTED)]
    strange = [name for name in there if name not in own]
    other = [name for name in own if name in there and own[name] != there[name]]
    if other and not missing and not strange and _only_classes(own, there, other):
        return set(other)
    shapes = [f"{name} is {_size(there[name])} there and {_size(own[name])} here" for name in other]
    found = [
        f"{what}: {_some(names)}"
        for what, names in (("missing", missing), ("not of this network", strange), ("of another shape", shapes))
        if names
    ]
    if found:
        raise _bad(field, f"the weights do not fit the network; {'; '.join(found)}")
    return set()


def _only_classes(own: Mapping[str, Any], there: Mapping[str, Any], other: Iterable[str]) -> bool:
    """Whether all differ alike, and in the first number only, as the weight and the bias of the last layer do."""
    ends = {(own[name][:1], there[name][:1]) for name in other}
    return len(ends) == 1 and all(own[name] and there[name] and own[name][1:] == there[name][1:] for name in other)


def _of_classes(own: Mapping[str, Any], there: Mapping[str, Any], anew: Iterable[str]) -> str:
    name = min(anew)
    return (
        f"the weights are of {there[name][0]} classes, and the network here has {own[name].shape[0]} ({name}); a "
        "`classification` may begin with them, and then its last layer learns anew"
    )


def _some(names: Iterable[str]) -> str:
    whole = list(names)
    more = f" and {len(whole) - NAMED} more" if len(whole) > NAMED else ""
    return ", ".join(name[:100] for name in islice(whole, NAMED)) + more


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _bad(field: str, words: str) -> BadCheckpoint:
    return BadCheckpoint(f"{field}: {words}", (Problem(field, "bad_checkpoint", words),))
