"""Pictures that are read from their files batch by batch, because no memory holds them all."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import exp, log, sqrt
from pathlib import Path

import torch
from torch import Generator, Tensor

from mgic.data.ahead import ReadAhead
from mgic.data.decoding import pixels, read_rgb
from mgic.data.listing import file_state, named_files, named_folders
from mgic.errors import DataMissing

AREA = (0.08, 1.0)  # share of the picture that a random crop has; Szegedy et al. 2015, section 6
RATIO = (3 / 4, 4 / 3)  # its width over its height
RESIZED = 256 / 224  # shorter side, before the crop in the middle that is tested on

PICTURE = re.compile(r"(?s)[^.].*\.(jpeg|jpg|png)", re.IGNORECASE)
NAMED = 5  # names in an error, at most

Labelled = tuple[Path, int]


@dataclass(frozen=True)
class FolderImages:
    """A data set in files, two lists of (path, label).

    Args:
        side: Height and width that pictures are cut to.
        mean: Of each channel, on the scale 0 to 1; so is `std`.
        hash: First 16 hex digits of the SHA-256 over names and sizes of all files.
        flip: Whether a mirrored picture still shows its class.
        validation: Those that the set itself sets aside to choose by.
    """

    name: str
    train: Sequence[Labelled] = field(repr=False)
    test: Sequence[Labelled] = field(repr=False)
    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    hash: str
    flip: bool = True
    validation: Sequence[Labelled] = field(default=(), repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        return 3, self.side, self.side


def pictures_by_class(folder: Path) -> dict[str, list[Path]]:
    """The pictures right in each folder of `folder`, which is a class; classes and names in the order of the alphabet.

    Folders without a picture are none, and what is hidden, or has another name than a picture, does not count.

    Raises:
        DataMissing: There is none.
    """
    found = {one.name: pictures for one in named_folders(folder) if (pictures := named_files(one, PICTURE))}
    if not found:
        loose = f"; {len(beside)} lie right in it" if (beside := named_files(folder, PICTURE)) else ""
        raise DataMissing(f"no pictures (.jpeg, .jpg, .png) in {folder}/CLASS/, a folder for each class{loose}")
    return found


def labelled(train: Path, test: Path) -> tuple[list[Labelled], list[Labelled]]:
    """The pictures of both splits; a class is numbered by the place of its name among those of the training split.

    Raises:
        DataMissing: A split has no pictures, or the two have classes of other names.
    """
    learnt, tested = pictures_by_class(train), pictures_by_class(test)
    for one, other, strange in ((test, train, tested.keys() - learnt), (train, test, learnt.keys() - tested)):
        if strange:
            raise DataMissing(
                f"{one} has classes that {other} has not: {_some(sorted(strange))}; a class is known by the name of "
                "its folder, so both need the same ones"
            )
    numbers = {name: number for number, name in enumerate(learnt)}
    return _with_labels(learnt, numbers), _with_labels(tested, numbers)


def fingerprint(files: Iterable[Labelled], root: Path) -> str:
    """16 hex digits that change with a name, a label or a size; the pixels are not read.

    Raises:
        DataMissing: A file is absent or empty.
    """
    digest = hashlib.sha256()
    for path, label in files:
        name = os.fsencode(path.relative_to(root))
        digest.update(name + f"\0{label}\0{file_state(path).st_size}\n".encode())
    return digest.hexdigest()[:16]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _with_labels(found: dict[str, list[Path]], numbers: dict[str, int]) -> list[Labelled]:
    return [(path, numbers[name]) for name, pictures in found.items() for path in pictures]


class FolderSplit:
    """Pictures from files, cut and normalised, several being read at once.

    Args:
        files: (path, label) of each.
        images: The set they are of.
        device: Where they are handed out.
        threads: That read and decode; None: one a core, at most 16.
    """

    def __init__(
        self, files: Sequence[Labelled], images: FolderImages, device: torch.device, threads: int | None = None
    ) -> None:
        from torchvision.transforms import functional  # here, since several threads will use it

        self.device = device
        self._transforms = functional
        self._files = files
        self._side = images.side
        self._flip = images.flip
        self._mean = torch.tensor(images.mean).view(-1, 1, 1)
        self._std = torch.tensor(images.std).view(-1, 1, 1)
        self._ahead = ReadAhead(len(files), self._read, threads)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def labels(self) -> Tensor:
        """(count,): the class of each, in their order."""
        return torch.tensor([label for _, label in self._files])

    def draw(self, generator: Generator) -> Tensor:
        """For each picture five numbers from 0 to 1: area, ratio, place down and right of the crop, and mirroring."""
        return torch.rand(len(self), 5, generator=generator)

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The pictures of `index`: cut at random as `moves` says, or else from the middle.

        Shape:
            (batch,) and (batch, 5) -> (batch, 3, side, side) float32, channels last, and (batch,)
        """
        return self._collect(self._ahead.take(index, moves))

    def stream(self, choices: Iterable[tuple[Tensor | slice, Tensor | None]]) -> Iterator[tuple[Tensor, Tensor]]:
        """`take` of each choice in turn, the next few being read meanwhile."""
        return (self._collect(batch) for batch in self._ahead.stream(choices))

    def _read(self, number: int, move: list[float] | None) -> tuple[Tensor, int]:
        path, label = self._files[number]
        picture = read_rgb(path)
        if move is None:
            picture = self._transforms.resize(picture, round(self._side * RESIZED))
            picture = self._transforms.center_crop(picture, [self._side, self._side])
        else:
            box = crop_box(picture.height, picture.width, *move[:4])
            picture = self._transforms.resized_crop(picture, *box, [self._side, self._side])
            if self._flip and move[4] < 0.5:
                picture = self._transforms.hflip(picture)
        return pixels(picture), label

    def _collect(self, batch: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
        pixels, labels = zip(*batch, strict=True)
        images = torch.stack(pixels).float().div_(255).sub_(self._mean).div_(self._std)
        images = images.contiguous(memory_format=torch.channels_last)
        targets = torch.tensor(labels)
        if self.device.type == "cuda":  # from pinned memory the copy goes on beside the computation
            return tuple(x.pin_memory().to(self.device, non_blocking=True) for x in (images, targets))  # type: ignore[return-value]
        return images, targets


def crop_box(
    height: int, width: int, area: float, ratio: float, down: float, right: float
) -> tuple[int, int, int, int]:
    """Top, left, height and width of a crop, from four numbers drawn from 0 to 1.

    As torchvision's RandomResizedCrop, but that a crop which does not fit is cut to the picture instead of drawn anew.
    """
    share = AREA[0] + area * (AREA[1] - AREA[0])
    shape = exp(log(RATIO[0]) + ratio * (log(RATIO[1]) - log(RATIO[0])))
    wide = min(width, max(1, round(sqrt(share * height * width * shape))))
    high = min(height, max(1, round(sqrt(share * height * width / shape))))
    return int(down * (height - high + 1)), int(right * (width - wide + 1)), high, wide
