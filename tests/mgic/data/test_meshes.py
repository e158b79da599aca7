"""Surfaces whose areas and corners are known."""

import numpy as np
import pytest

from mgic.data.meshes import in_unit_ball, revolve, sample_surface


def area(mesh) -> float:
    vertices, faces = mesh
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def test_a_turned_line_is_the_solid_it_should_be():
    """A square prism of edge 1 and height 2: 8 of the sides and 2 of the lids. A sphere is nearly 4 pi."""
    edge = np.sqrt(0.5)
    box = revolve(np.array([(0, 0), (edge, 0), (edge, 2), (0, 2)]), 4)
    assert area(box) == pytest.approx(10)
    turn = np.linspace(0, np.pi, 100)
    assert area(revolve(np.stack((np.sin(turn), -np.cos(turn)), axis=1), 100)) == pytest.approx(4 * np.pi, rel=2e-3)
    octahedron = revolve(np.array([(0, -1), (1, 0), (0, 1)]), 4)
    assert area(octahedron) == pytest.approx(8 * np.sqrt(3) / 4 * 2)


def test_points_lie_on_the_surface_and_evenly():
    """Two triangles, one of three times the area: three quarters of the points; no side of either is preferred."""
    vertices = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 5), (3, 0, 5), (0, 1, 5)], dtype=float)
    mesh = vertices, np.array([(0, 1, 2), (3, 4, 5), (0, 0, 1)])
    points = sample_surface(mesh, 40_000, np.random.default_rng(0))
    above = points[points[:, 2] > 2.5]
    assert set(np.unique(points[:, 2].round(9))) == {0.0, 5.0}
    assert len(above) / len(points) == pytest.approx(0.75, abs=0.01)
    assert above.mean(axis=0) == pytest.approx([1, 1 / 3, 5], abs=0.02)  # the centre of mass
    assert (above[:, 0] / 3 + above[:, 1] <= 1 + 1e-12).all()


def test_a_surface_without_area_is_refused():
    with pytest.raises(ValueError, match="no area"):
        sample_surface((np.zeros((3, 3)), np.array([(0, 1, 2)])), 5, np.random.default_rng(0))


def test_fitted_into_the_unit_ball():
    fitted = in_unit_ball(np.array([(2.0, 3, 3), (4, 3, 3), (3, 3, 7), (3, 3, -1)]))
    assert fitted.tolist() == [[-0.25, 0, 0], [0.25, 0, 0], [0, 0, 1], [0, 0, -1]]
