"""Values by hand at a few places, and where the points lie."""

import math

import pytest
import torch

from mgic.data.functions import FUNCTIONS, Samples, grid, scattered

CPU = torch.device("cpu")


def value(name: str, x: float, y: float) -> float:
    return FUNCTIONS[name].value(*torch.tensor([[x], [y]], dtype=torch.float64)).item()


@pytest.mark.parametrize(
    ("name", "x", "y", "expected"),
    [
        ("cos_sin", 0.0, math.pi / 40, 1.0),
        ("cos_sin", 1.0, 3 * math.pi / 40, -0.5403023058681398),
        ("zone_plate", 0.5, 0.5, 1.0),
        ("zone_plate", 0.0, math.sqrt(1 / 12), -1.0),  # half a turn
        ("checkerboard", 0.1, 0.1, 1.0),
        ("checkerboard", 0.3, 0.1, -1.0),
        ("checkerboard", 0.3, 0.3, 1.0),
        ("circle_distance", 0.5, 0.5, -0.3),
        ("circle_distance", 0.9, 0.2, 0.2),  # 3-4-5: 0.5 from the middle
        ("franke", 2 / 9, 2 / 9, 0.75 + 0.75 * math.exp(-9 / 49 - 0.3) + 0.5 * math.exp(-6.5) - 0.2 * math.exp(-29)),
    ],
)
def test_values_at_places_worked_out_by_hand(name, x, y, expected):
    assert value(name, x, y) == pytest.approx(expected, abs=1e-12)


def test_the_variance_of_the_papers_function_is_that_of_its_integrals():
    """E[cos^2 x] = 1/2 + sin(2)/4, E[sin^2 20y] = 1/2 - sin(40)/80; E[cos x] = sin 1, E[sin 20y] = (1 - cos 20)/20."""
    square = (0.5 + math.sin(2) / 4) * (0.5 - math.sin(40) / 80)
    mean = math.sin(1) * (1 - math.cos(20)) / 20
    samples = Samples(FUNCTIONS["cos_sin"], grid(400), CPU)
    assert samples.values.double().var(correction=0).item() == pytest.approx(square - mean**2, rel=1e-4)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_finite_and_varies_on_the_whole_square(name):
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    samples = Samples(FUNCTIONS[name], torch.cat((corners, grid(20))), CPU)
    assert samples.values.isfinite().all()
    assert samples.values.var() > 0.001
    assert FUNCTIONS[name].title


def test_a_grid_has_the_middles_of_its_cells_as_a_picture_has_them():
    assert grid(2).tolist() == [[0.25, 0.75], [0.75, 0.75], [0.25, 0.25], [0.75, 0.25]]


def test_scattered_points_lie_in_the_square_and_follow_from_the_generator():
    one, two = (scattered(1000, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == (1000, 2)
    assert one.min() >= 0
    assert one.max() < 1
    assert one.mean(dim=0).tolist() == pytest.approx([0.5, 0.5], abs=0.05)


def test_samples_are_handed_out_as_asked_for():
    samples = Samples(FUNCTIONS["circle_distance"], grid(2), CPU)
    points, values = samples.take(torch.tensor([3, 0]))
    assert points.tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert values.shape == (2, 1)
    assert values[0].item() == pytest.approx(math.hypot(0.25, 0.25) - 0.3)
    moves = samples.draw(torch.Generator())
    assert len(moves) == len(samples) == 4
    (streamed,) = samples.stream([(torch.tensor([3, 0]), moves[:2])])
    assert torch.equal(streamed[0], points)
