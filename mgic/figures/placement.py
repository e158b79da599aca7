"""Where the label of each point goes, so that labels cover neither each other nor the points."""

from collections.abc import Sequence

# At a corner first: above and below the point stands the bar of its spread, to its right a step of the best means.
SIDES = ("top right", "bottom right", "top left", "bottom left", "middle right", "middle left", "top center")
HEIGHT = 200.0  # pixels of the plotting area of a small plot: where it is higher, what was clear is further apart
LETTER, LINE, GAP = 6.6, 15.0, 9.0

Box = tuple[float, float, float, float]  # left, top, right, bottom


def place(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    across: float,
    others: Sequence[tuple[float, float]] = (),
) -> list[str | None]:
    """A plotly text position for each point, first come first served; None where no side is free.

    Args:
        points: x and y as shares of the plotting area, 0 to 1, y upwards.
        texts: The labels.
        across: Pixels that the plotting area is wide, at least.
        others: Points without a label, which are not to be covered.
    """
    pixels = [(x * across, (1 - y) * HEIGHT) for x, y in (*points, *others)]
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in pixels]
    chosen: list[str | None] = []
    for index, (text, (x, y)) in enumerate(zip(texts, pixels, strict=False)):
        rest = taken[:index] + taken[index + 1 :]
        free = [(side, box) for side in SIDES if _is_free(box := _box(x, y, text, side), rest, across)]
        chosen.append(free[0][0] if free else None)
        if free:
            taken.append(free[0][1])
    return chosen


def _box(x: float, y: float, text: str, side: str) -> Box:
    width = LETTER * len(text)
    left = {"center": x - width / 2, "right": x + GAP, "left": x - GAP - width}[side.split()[1]]
    top = {"top": y - GAP - LINE, "middle": y - LINE / 2, "bottom": y + GAP}[side.split()[0]]
    return left, top, left + width, top + LINE


def _is_free(box: Box, others: Sequence[Box], across: float) -> bool:
    left, top, right, bottom = box
    inside = left >= -20 and right <= across + 20 and top >= -30 and bottom <= HEIGHT + 10
    return inside and not any(left < o[2] and o[0] < right and top < o[3] and o[1] < bottom for o in others)
