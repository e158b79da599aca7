"""Where the label of each point goes, so that labels cover neither each other nor the points."""

from collections.abc import Sequence

# At a corner first: above and below the point stands the bar of its spread, to its right a step of the best means.
SIDES = ("top right", "bottom right", "top left", "bottom left", "middle right", "middle left", "top center")
# Heights of a plotting area, pixels, and shares of the width that it is thought to have. Labels are clear of each other
# in all of them: where one stands above its point and the next below, more room brings them together.
HEIGHTS, SHARES = (200.0, 270.0, 340.0), (1.0, 1.1, 1.2)
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
    sizes = [(across * share, height) for share in SHARES for height in HEIGHTS]
    pixels = [[(x * wide, (1 - y) * high) for wide, high in sizes] for x, y in (*points, *others)]
    taken = [[(x - 6, y - 6, x + 6, y + 6) for x, y in of_one] for of_one in pixels]
    chosen: list[str | None] = []
    for index, (text, of_one) in enumerate(zip(texts, pixels, strict=False)):
        rest = list(zip(*(taken[:index] + taken[index + 1 :]), strict=True)) or [() for _ in sizes]
        found = None
        for side in SIDES:
            boxes = [_box(x, y, text, side) for x, y in of_one]
            if all(_is_free(*one) for one in zip(boxes, rest, sizes, strict=True)):
                found = side
                taken.append(boxes)
                break
        chosen.append(found)
    return chosen


def _box(x: float, y: float, text: str, side: str) -> Box:
    width = LETTER * len(text)
    left = {"center": x - width / 2, "right": x + GAP, "left": x - GAP - width}[side.split()[1]]
    top = {"top": y - GAP - LINE, "middle": y - LINE / 2, "bottom": y + GAP}[side.split()[0]]
    return left, top, left + width, top + LINE


def _is_free(box: Box, others: Sequence[Box], size: tuple[float, float]) -> bool:
    left, top, right, bottom = box
    inside = left >= -20 and right <= size[0] + 20 and top >= -30 and bottom <= size[1] + 10
    return inside and not any(left < o[2] and o[0] < right and top < o[3] and o[1] < bottom for o in others)
