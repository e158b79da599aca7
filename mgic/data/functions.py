"""Functions of two variables to be fitted, on the unit square, and points on them."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from mgic.data.sets import Provider, SetsOf
from mgic.records import Task

Value = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Target(Provider):
    """A function on [0, 1]^2; it has as many samples as are asked for, and its title is its formula.

    Args:
        value: x and y of equal shape to f(x, y) of that shape.
    """

    task: ClassVar[Task] = "function"

    value: Value

    @property
    def sample(self) -> tuple[int, ...]:
        return (2,)

    @property
    def number_of_classes(self) -> int:
        return 0


class Samples:
    """Points of the square and the function's values there, on one device.

    Args:
        target: The function; computed in the precision of `points`, kept in float32.
        points: (count, 2), float64.
        device: Where they are kept, and handed out.
    """

    def __init__(self, target: Target, points: Tensor, device: torch.device) -> None:
        self.device = device
        self.points = points.float().to(device)
        self.values = target.value(points[:, 0], points[:, 1]).float()[:, None].to(device)

    def __len__(self) -> int:
        return len(self.points)

    def draw(self, generator: Generator) -> Tensor:  # noqa: ARG002 - of the protocol
        """A point is never altered: rows of no numbers."""
        return torch.empty(len(self), 0, device=self.device)

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Points and values.

        Shape:
            (batch,) -> (batch, 2) and (batch, 1)
        """
        return self.points[index], self.values[index]

    def stream(self, choices: Iterable[tuple[Tensor | slice, Tensor | None]]) -> Iterator[tuple[Tensor, Tensor]]:
        """`take` of each choice in turn."""
        return (self.take(index, moves) for index, moves in choices)


def scattered(count: int, generator: Generator) -> Tensor:
    """Points drawn evenly over the square: (count, 2), float64, whatever the generator is used for next."""
    return torch.rand(count, 2, dtype=torch.float64, generator=generator)


def grid(side: int) -> Tensor:
    """The middles of side x side equal cells, row by row as a picture has them: from the largest y down, x upward.

    Shape:
        -> (side * side, 2), float64.
    """
    middles = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    y, x = torch.meshgrid(middles.flip(0), middles, indexing="ij")
    return torch.stack((x.flatten(), y.flatten()), dim=1)


def _franke(x: Tensor, y: Tensor) -> Tensor:
    """Franke's test function for the interpolation of scattered data: three hills and a dip."""
    hills = 0.75 * torch.exp(-((9 * x - 2) ** 2 + (9 * y - 2) ** 2) / 4)
    hills = hills + 0.75 * torch.exp(-((9 * x + 1) ** 2) / 49 - (9 * y + 1) / 10)
    hills = hills + 0.5 * torch.exp(-((9 * x - 7) ** 2 + (9 * y - 3) ** 2) / 4)
    return hills - 0.2 * torch.exp(-((9 * x - 4) ** 2) - (9 * y - 7) ** 2)


def _target(name: str, formula: str, value: Value) -> Target:
    get = "it is a formula"
    return Target(name=name, title=formula, how_to_get=get, present=lambda _: True, read=lambda _: value, value=value)


FUNCTIONS = SetsOf(Target)
PAPERS = "cos_sin"  # the one that the paper fits

TARGETS = (
    _target(PAPERS, "cos(x) sin(20y)", lambda x, y: torch.cos(x) * torch.sin(20 * y)),
    _target("franke", "Franke's function", _franke),
    _target("zone_plate", "cos(12 pi (x^2 + y^2))", lambda x, y: torch.cos(12 * math.pi * (x * x + y * y))),
    _target("checkerboard", "4x4 squares of -1 and 1", lambda x, y: 1 - 2 * (((4 * x).floor() + (4 * y).floor()) % 2)),
    _target(
        "circle_distance",
        "distance to a circle of radius 0.3, negative inside",
        lambda x, y: torch.hypot(x - 0.5, y - 0.5) - 0.3,
    ),
)
for _each in TARGETS:
    FUNCTIONS.add(_each.name, _each)
