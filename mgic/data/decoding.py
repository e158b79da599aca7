"""What a picture's file says, in bytes of 0 to 255 whatever its pixels are; or why it says nothing."""

import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from mgic.errors import DataMissing

# Files of JPEG's and PNG's names have other formats too, even in ImageNet. Pillow knows more, some by other programs.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
# Pillow's names of pixels with 8 bits a colour, or with fewer, which it spreads over 0 to 255.
EIGHT_BITS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
SIXTEEN_BITS = {"I;16", "I;16L", "I;16B", "I"}  # of a grey PNG, whose white is 65535
KINDS = {
    "I;16": "whole numbers of 16 bits",
    "I": "whole numbers of 32 bits",
    "F": "fractions of 32 bits",
    "P": "places in a palette",
    "RGB": "colours",
}
# What Pillow raises on the bytes of a damaged file, by where it notices.
BROKEN = (
    *(OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, OverflowError),
    *(EOFError, struct.error, zlib.error, Image.DecompressionBombError),
)


def read_rgb(path: Path, wanted: tuple[int, int] | None = None) -> Image.Image:
    """The picture in a file, in colours of 8 bits; what is transparent shows the colour beneath.

    Args:
        path: The file.
        wanted: The height and width that it is needed at: of a JPEG that is more than twice as large half, a quarter or
            an eighth of the pixels a side is read, ten times as fast.

    Raises:
        DataMissing: The file is absent or no picture, or its pixels are of a depth whose white is not known.
    """
    picture, form = _read(path, wanted)
    if form == "PNG" and picture.mode in SIXTEEN_BITS:
        deep = np.asarray(picture).astype(np.uint32)
        picture = Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    if picture.mode not in EIGHT_BITS:
        raise DataMissing(
            f"the pixels of {path} are {_kind(picture)}, and what is white is not said; save it with 8 bits"
        )
    picture.info.pop("transparency", None)  # of a palette, where Pillow would warn that it gets lost
    return picture.convert("RGB")


def read_size(path: Path) -> tuple[int, int]:
    """Height and width, without its pixels. Raises `DataMissing` for a file that is absent or no picture."""
    try:
        with Image.open(path, formats=FORMATS) as opened:
            return opened.height, opened.width
    except BROKEN as error:
        raise _unreadable(path, error) from error


def read_numbers(path: Path, palette: bool = False) -> Image.Image:
    """The one number of 8 bits that each pixel of a mask's file has; with `palette` also its place in a palette.

    Raises:
        DataMissing: The file is absent or no picture, or its pixels are colours or of another depth.
    """
    picture, _ = _read(path)
    if palette and picture.mode == "P":
        return Image.fromarray(np.asarray(picture))
    if picture.mode != "L":
        raise DataMissing(f"the pixels of {path} are {_kind(picture)}; save it with one number of 8 bits a pixel")
    return picture


def pixels(picture: Image.Image) -> Tensor:
    """(channels, height, width), uint8, of a picture in colours or of one number a pixel."""
    return torch.from_numpy(np.atleast_3d(np.array(picture))).permute(2, 0, 1)


def _read(path: Path, wanted: tuple[int, int] | None = None) -> tuple[Image.Image, str | None]:
    try:
        with Image.open(path, formats=FORMATS) as opened:
            if wanted is not None:
                opened.draft(None, (2 * wanted[1], 2 * wanted[0]))
            return opened.copy(), opened.format
    except BROKEN as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataMissing:
    why = f"it is none of {', '.join(FORMATS)}" if isinstance(error, UnidentifiedImageError) else error
    return DataMissing(f"the picture {path} cannot be read: {why}; get it anew")


def _kind(opened: Image.Image) -> str:
    """In words; Pillow's name, where those of the order of the bytes are one kind."""
    mode = "I;16" if opened.mode.startswith("I;16") else opened.mode
    return KINDS.get(mode, f"of the kind {mode}")
