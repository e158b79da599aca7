"""Pictures of what a network fits: values as a map of colours, clouds of points seen from one side, masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MAP_SIDE = 320  # pixels, at least
STRIP = 36  # pixels below a map, for its colours and limits
TILE = 160  # pixels, of one cloud
MASK_SIDE = 384  # pixels, the width of one mask, at most
TEXT = 12  # pixels
INK, PAPER, WRONG = (40, 40, 40), (255, 255, 255), (178, 24, 43)
SIGNED = np.array([(33, 102, 172), (247, 247, 247), (178, 24, 43)], dtype=np.float64)  # below 0, 0, above
UNSIGNED = np.array([(255, 255, 255), (158, 154, 200), (63, 0, 125)], dtype=np.float64)  # 0 to the most
# Seen from the front, a little from the left and from above: right, up, and towards the viewer.
VIEW = np.array([(0.866, -0.5, 0.0), (-0.171, -0.296, 0.940), (0.470, 0.814, 0.342)])


@dataclass(frozen=True)
class Cloud:
    """points: (count, 3) in the unit ball. wrong: whether the caption is printed as a mistake."""

    points: np.ndarray
    caption: str
    wrong: bool = False


def draw_map(values: np.ndarray, limit: float, caption: str, *, signed: bool = True) -> Image.Image:
    """Values as colours, with a strip that says which colour is what.

    Args:
        values: (height, width), row 0 on top.
        limit: The value of the last colour; what lies beyond has the same.
        caption: What it is.
        signed: Colours from -limit to limit; else from 0.
    """
    low, colours = (-limit, SIGNED) if signed else (0.0, UNSIGNED)
    scale = max(1, -(-MAP_SIDE // max(values.shape)))
    pixels = _coloured((values - low) / (limit - low), colours).repeat(scale, axis=0).repeat(scale, axis=1)
    height, width, _ = pixels.shape
    image = Image.new("RGB", (width, height + STRIP), PAPER)
    image.paste(Image.fromarray(pixels))
    bar = _coloured(np.linspace(0, 1, width)[None].repeat(8, axis=0), colours)
    image.paste(Image.fromarray(bar), (0, height + 6))
    pen = ImageDraw.Draw(image)
    for x, words, anchor in ((0, f"{low:.3g}", "la"), (width // 2, caption, "ma"), (width, f"{limit:.3g}", "ra")):
        pen.text((x, height + 18), words, INK, ImageFont.load_default(TEXT), anchor)
    return image


def draw_clouds(clouds: Sequence[Cloud], columns: int) -> Image.Image:
    """Clouds in rows, in parallel projection; the nearer a point, the darker, and it hides what is behind it."""
    rows = -(-len(clouds) // columns)
    image = Image.new("RGB", (columns * TILE, rows * (TILE + 2 * TEXT)), PAPER)
    pen = ImageDraw.Draw(image)
    for number, cloud in enumerate(clouds):
        row, column = divmod(number, columns)
        left, top = column * TILE, row * (TILE + 2 * TEXT)
        for x, y, depth in project(cloud.points):
            shade = tuple(round(ink + (200 - ink) * (1 - depth)) for ink in INK)
            x, y, dot = left + x * TILE, top + y * TILE, 1.2 + depth
            pen.ellipse((x - dot, y - dot, x + dot, y + dot), shade)
        colour = WRONG if cloud.wrong else INK
        pen.text((left + TILE // 2, top + TILE + 2), cloud.caption, colour, ImageFont.load_default(TEXT), "ma")
    return image


def project(points: np.ndarray) -> np.ndarray:
    """Where points of the unit ball are seen, farthest first.

    Shape:
        (count, 3) -> (count, 3): right and down, and nearness, each from 0 to 1.
    """
    right, up, near = VIEW @ points.T
    seen: np.ndarray = np.stack((right, -up, near), axis=1) * 0.47 + 0.5
    sorted_seen: np.ndarray = seen[np.argsort(near, kind="stable")].clip(0, 1)
    return sorted_seen


def _coloured(shares: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """(height, width) from 0 to 1 -> (height, width, 3), uint8."""
    places = np.linspace(0, 1, len(colours))
    channels = [np.interp(shares.clip(0, 1), places, colours[:, channel]) for channel in range(3)]
    pixels: np.ndarray = np.rint(np.stack(channels, axis=2)).astype(np.uint8)
    return pixels


@dataclass(frozen=True)
class Segmented:
    """image: (height, width, 3), uint8. truth, found: (height, width), labels; one that is of no class is black."""

    image: np.ndarray
    truth: np.ndarray
    found: np.ndarray


def draw_masks(rows: Sequence[Segmented], names: Sequence[str], colours: Sequence[tuple[int, int, int]]) -> Image.Image:
    """A row a picture: as it is, what its pixels are, what they were taken for; below, which colour is which class.

    Args:
        rows: Of one height and width.
        names: Of the classes.
        colours: Of the classes, too.
    """
    if any((row.truth >= len(names)).any() for row in rows):
        names, colours = [*names, "not counted"], [*colours, (0, 0, 0)]
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette[: len(colours)] = colours
    height, width = rows[0].truth.shape
    wide = max(1, MASK_SIDE // width) * width if width <= MASK_SIDE else MASK_SIDE
    high = round(wide * height / width)
    line, gap = 2 * TEXT, 4
    across = 3 * (wide + gap) - gap
    key = _legend(names, colours, across)
    sheet = Image.new("RGB", (across, line + len(rows) * (high + gap) + key.height), PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, words in enumerate(("input", "truth", "prediction")):
        left = column * (wide + gap)
        pen.text((left + wide // 2, 4), words, INK, ImageFont.load_default(TEXT), "ma")
        for number, row in enumerate(rows):
            pixels = (row.image, palette[row.truth], palette[row.found])[column]
            # Colours of classes are not mixed: a mixture would be the colour of a class that is not there.
            method = Image.Resampling.BILINEAR if column == 0 and wide < width else Image.Resampling.NEAREST
            sheet.paste(Image.fromarray(pixels).resize((wide, high), method), (left, line + number * (high + gap)))
    sheet.paste(key, (0, sheet.height - key.height))
    return sheet


def _legend(names: Sequence[str], colours: Sequence[tuple[int, int, int]], width: int) -> Image.Image:
    """A square and a name for each class, in columns of equal width."""
    font = ImageFont.load_default(TEXT)
    room = min(width, round(max(font.getlength(name) for name in names)) + 2 * TEXT + 8)
    columns = max(1, width // room)
    line = round(1.5 * TEXT)
    image = Image.new("RGB", (width, -(-len(names) // columns) * line + 4), PAPER)
    pen = ImageDraw.Draw(image)
    for number, (name, colour) in enumerate(zip(names, colours, strict=True)):
        row, column = divmod(number, columns)
        left, top = column * room, row * line + 4
        pen.rectangle((left, top, left + TEXT, top + TEXT), colour, INK)
        pen.text((left + TEXT + 6, top), name, INK, font, "la")
    return image
