"""Small versions of pictures, for walls of them."""

import io

from PIL import Image

from backend.line import Line

MEDIA_TYPES = ("image/png", "image/jpeg")
MAX_PIXELS = 64 * 2**20  # of the picture itself, which is decoded whole
MAX_BYTES = 32 * 2**20  # of its file
one = Line("maker of thumbnails", 8, 30)  # for who reads and decodes: it takes memory, so one at a time


class NoThumbnail(ValueError):
    """The picture is too large, or is none."""


def thumbnail(content: bytes, pixels: int) -> bytes:
    """The picture as PNG, its longer side at most so many pixels; a smaller one keeps its size.

    Raises:
        NoThumbnail: It has more pixels than `MAX_PIXELS`, or cannot be read.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise NoThumbnail(f"{picture.width} x {picture.height} pixels are too many, at most {MAX_PIXELS}")
            small = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
            small.thumbnail((pixels, pixels), Image.Resampling.LANCZOS)
    except NoThumbnail:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise NoThumbnail(f"it cannot be read as a picture: {error}") from error
    out = io.BytesIO()
    small.save(out, "PNG")
    return out.getvalue()
