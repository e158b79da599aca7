"""Pictures to look at feature maps of: no labels, a fixed order, one square size."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mgic.data.decoding import read_rgb
from mgic.data.digits import read as read_digits
from mgic.data.folders import pictures_by_class
from mgic.errors import BadConfig, DataMissing, Problem

Images = Literal["photographs", "imagenet", "digits"]
Named = tuple[str, Callable[[], Image.Image]]

ORDER_SEED = 0  # of the order of sets that come sorted by class: the same pictures for every run
IMAGENET = Path("imagenet", "val")  # under the folder of the data
SKLEARN = {"china": "china.jpg", "flower": "flower.jpg"}
# Those that lie in scikit-image's own package; its others would be downloaded. The first four are those shown.
PHOTOGRAPHS = (
    *("astronaut", "coffee", "chelsea", "china", "flower", "rocket", "retina", "hubble_deep_field"),
    *("immunohistochemistry", "stereo_motorcycle", "camera", "coins", "moon", "brick", "grass", "gravel"),
)
DIGITS = 1437
AVAILABLE: dict[str, int] = {"photographs": len(PHOTOGRAPHS), "digits": DIGITS}  # ImageNet's folder has what it has


@dataclass(frozen=True)
class Pictures:
    """Pictures in memory.

    Args:
        pixels: (count, 3, side, side), uint8; grey ones have three equal channels.
        names: One each, to tell them by.
        hash: First 16 hex digits of the SHA-256 over the shape and the pixels.
    """

    pixels: Tensor
    names: tuple[str, ...]
    hash: str


def load_pictures(name: Images, count: int, side: int, data_dir: Path) -> Pictures:
    """The first `count` of a set, each its largest centred square, resized.

    Args:
        name: "photographs": scikit-image's and scikit-learn's; "imagenet": a folder of folders, one a class;
            "digits": the 8x8 ones.
        count: How many. The order is fixed, so a larger count has all pictures of a smaller one.
        side: Height and width, pixels.
        data_dir: Where data sets lie.

    Raises:
        DataMissing: They are not on this machine, or damaged; the message says how to get them.
        BadConfig: There are fewer.
    """
    if name not in get_args(Images):
        raise _bad("images", "literal_error", f"images={name!r} is none of {', '.join(get_args(Images))}")
    found = {"photographs": _photographs, "imagenet": _imagenet, "digits": _digits}[name](data_dir)
    if count > len(found):
        raise _bad("samples", "too_many", f"samples={count}, but of {name} there are {len(found)}")
    names, arrays = [], []
    for title, read in found[:count]:
        names.append(title)
        arrays.append(_square(read(), side))
    pixels = np.ascontiguousarray(np.stack(arrays).transpose(0, 3, 1, 2))
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    return Pictures(torch.from_numpy(pixels), tuple(names), digest[:16])


def _photographs(_data_dir: Path) -> list[Named]:
    if find_spec("skimage") is None:
        raise DataMissing(
            'the photographs come with scikit-image, which is not installed: pip install "mgic[pictures]"'
        )
    return [(name, partial(_photograph, name)) for name in PHOTOGRAPHS]


def _photograph(name: str) -> Image.Image:
    if name in SKLEARN:
        from sklearn.datasets import load_sample_image

        return Image.fromarray(load_sample_image(SKLEARN[name]))
    found = getattr(import_module("skimage.data"), name)()
    return Image.fromarray(np.asarray(found[0] if isinstance(found, tuple) else found))


def _imagenet(data_dir: Path) -> list[Named]:
    folder = data_dir / IMAGENET
    try:
        paths = [path for pictures in pictures_by_class(folder).values() for path in pictures]
    except DataMissing as error:
        raise DataMissing(
            f"there are no ImageNet images under {folder}: {error}; put the validation images there, one folder a "
            f"class, as in {folder}/n01440764/ILSVRC2012_val_00000293.JPEG"
        ) from error
    order = np.random.default_rng(ORDER_SEED).permutation(len(paths))
    return [(paths[at].stem, partial(read_rgb, paths[at])) for at in order]


def _digits(data_dir: Path) -> list[Named]:
    images, labels, _, _ = read_digits(data_dir)
    order = np.random.default_rng(ORDER_SEED).permutation(len(images))
    return [(f"{labels[at]} (no. {at})", partial(Image.fromarray, images[at, 0])) for at in order]


def _square(image: Image.Image, side: int) -> np.ndarray:
    """(side, side, 3), uint8: the largest centred square, bilinear and smoothed where it shrinks."""
    width, height = image.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    box = (left, top, left + edge, top + edge)
    return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR, box=box))


def _bad(option: str, code: str, detail: str) -> BadConfig:
    return BadConfig(detail, (Problem(option, code, detail),))
