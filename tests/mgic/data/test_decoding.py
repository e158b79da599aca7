"""One grey, 100 of 255, in every depth and kind of pixel: read as 100, or refused by name."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mgic.data.decoding import read_numbers, read_rgb
from mgic.errors import DataMissing

GREY = np.full((16, 16), 100, np.uint8)


def encoded(image: Image.Image, form: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def png(depth: int, kind: int, pixel: bytes, side: int = 16) -> bytes:
    """A PNG written by hand: `pixel` is as many bytes as all of a row's equal pixels need at least; kinds are PNG's."""
    row = (pixel * side)[: len(pixel) * side * (1 if depth >= 8 else depth) // (1 if depth >= 8 else 8)]

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0)
    data = zlib.compress((b"\0" + row) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def palette() -> Image.Image:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, 100, 100, 100])
    return image


SIXTEEN = struct.pack(">H", 100 * 257)
HUNDRED = {
    "grey": encoded(Image.fromarray(GREY), "PNG"),
    "grey of 16 bits": encoded(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"),
    "grey of 16 bits, by hand": png(16, 0, SIXTEEN),
    "grey of 16 bits with alpha": png(16, 4, SIXTEEN + b"\0\0"),
    "colours of 16 bits": png(16, 2, SIXTEEN * 3),
    "colours of 16 bits with alpha": png(16, 6, SIXTEEN * 3 + b"\x12\x34"),
    "grey with alpha": png(8, 4, bytes((100, 0))),
    "a palette": encoded(palette(), "PNG"),
    "a palette of a GIF": encoded(palette(), "GIF"),
    "a palette with alpha": encoded(palette(), "PNG", transparency=bytes((0, 128))),
    "the first of two": encoded(palette(), "PNG", save_all=True, append_images=[Image.new("L", (16, 16), 7)]),
    "a phone's two": encoded(Image.fromarray(GREY), "MPO", save_all=True, append_images=[Image.new("L", (16, 16), 7)]),
    "all transparent": encoded(Image.new("RGBA", (16, 16), (100, 100, 100, 0)), "PNG"),
    "four inks": encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 155)), "JPEG", quality=95),
    "four inks, a TIFF": encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 155)), "TIFF"),
    "a JPEG of grey": encoded(Image.fromarray(GREY), "JPEG", quality=95),
    "a JPEG of steps": encoded(Image.new("RGB", (16, 16), (100,) * 3), "JPEG", quality=95, progressive=True),
    "a bitmap": encoded(Image.fromarray(GREY), "BMP"),
    "WebP": encoded(Image.new("RGB", (16, 16), (100,) * 3), "WEBP", lossless=True),
}


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "a.JPEG"


@pytest.mark.parametrize("kind", HUNDRED)
def test_every_kind_of_pixel_is_read_on_one_scale(file, kind):
    file.write_bytes(HUNDRED[kind])
    found = read_rgb(file)
    assert found.mode == "RGB"
    assert np.asarray(found).mean() == pytest.approx(100, abs=1)


@pytest.mark.parametrize(
    ("depth", "value", "seen"), [(1, 0b1111_1111, 255), (2, 0b0101_0101, 85), (4, 0b0110_0110, 102)]
)
def test_fewer_bits_are_spread_over_the_byte(file, depth, value, seen):
    """Of 2 bits 1 is a third of white, of 4 bits 6 is two fifths."""
    file.write_bytes(png(depth, 0, bytes((value,))))
    assert np.unique(np.asarray(read_rgb(file))).tolist() == [seen]


def test_sixteen_bits_are_rounded_and_not_cut_off(file):
    deep = np.array([[0, 128, 129, 65535, 65406, 25700 + 200]], np.uint16)
    file.write_bytes(encoded(Image.fromarray(deep), "PNG"))
    assert np.asarray(read_rgb(file))[0, :, 0].tolist() == [0, 0, 1, 255, 254, 101]  # of 257 each, to the nearest


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (GREY.astype(np.int32) * 257, "whole numbers of 32 bits"),
        (GREY.astype(np.uint16) * 257, "whole numbers of 16 bits"),
        (GREY.astype(np.float32) / 255, "fractions of 32 bits"),
    ],
)
def test_a_depth_whose_white_is_not_known_is_refused_by_name(file, pixels, words):
    file.write_bytes(encoded(Image.fromarray(pixels), "TIFF"))
    with pytest.raises(DataMissing, match=rf"pixels of .*a\.JPEG are {words}.*save it with 8 bits"):
        read_rgb(file)


def test_colours_by_lightness_are_refused_by_name(file):
    file.write_bytes(encoded(Image.new("LAB", (16, 16), (100, 0, 0)), "TIFF"))
    with pytest.raises(DataMissing, match="of the kind LAB"):
        read_rgb(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "none of BMP, GIF, JPEG"),
        (b"<html>Access denied</html>", "none of BMP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "none of BMP"),  # which Pillow would run a program for
        (HUNDRED["a JPEG of grey"][:-40], "Truncated"),
        (HUNDRED["colours of 16 bits"][:60], "a.JPEG cannot be read"),
        (HUNDRED["grey"].replace(b"IHDR", b"IHDX"), "a.JPEG cannot be read"),
    ],
)
def test_what_is_no_whole_picture_is_refused(file, content, words):
    file.write_bytes(content)
    with pytest.raises(DataMissing, match=words):
        read_rgb(file)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DataMissing, match=r"b\.png cannot be read"):
        read_rgb(tmp_path / "b.png")


def test_a_mask_has_the_numbers_of_its_file(file):
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    file.write_bytes(encoded(Image.fromarray(labels), "PNG"))
    assert np.array_equal(np.asarray(read_numbers(file)), labels)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (palette(), "places in a palette"),
        (Image.new("RGB", (16, 16), (7, 7, 7)), "colours"),
        (Image.fromarray(GREY.astype(np.uint16)), "whole numbers of 16 bits"),
        (Image.new("LA", (16, 16), (7, 255)), "of the kind LA"),
        (Image.new("1", (16, 16), 1), "of the kind 1"),
    ],
)
def test_a_mask_of_another_kind_is_refused_by_name(file, image, words):
    file.write_bytes(encoded(image, "PNG"))
    with pytest.raises(DataMissing, match=rf"{words}; save it with one number of 8 bits"):
        read_numbers(file)
