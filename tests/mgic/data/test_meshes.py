"""Surfaces whose areas and corners are known, and files in every form that occurs."""

import numpy as np
import pytest

from mgic.data.meshes import in_unit_ball, read_off, revolve, sample_surface

SQUARE = "4 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


def area(mesh) -> float:
    vertices, faces = mesh
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


@pytest.mark.parametrize(
    "text",
    [
        f"OFF\n{SQUARE}3 0 1 2\n3 0 2 3\n",
        f"OFF{SQUARE}3 0 1 2\n3 0 2 3\n",  # as some of ModelNet's files
        f"OFF\r\n{SQUARE}3 0 1 2\r\n3 0 2 3\r\n",
        f"OFF # made by hand\n# a square\n{SQUARE}3 0 1 2\n\n3 0 2 3\n",
        f"OFF\n{SQUARE}3 0 1 2 255 0 0\n3 0 2 3 0 255 0\n",
        f"OFF\n{SQUARE.replace('4 2 0', '4 1 0')}4 0 1 2 3\n",
    ],
    ids=["plain", "one line", "windows", "comments", "colours", "a square"],
)
def test_a_file_is_read_in_every_form(text, tmp_path):
    (tmp_path / "a.off").write_bytes(text.encode())
    vertices, faces = read_off(tmp_path / "a.off")
    assert vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert faces.tolist() == [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begin with OFF"),
        ("PLY\n4 2 0\n", "begin with OFF"),
        ("OFF\n", "no counts"),
        (f"OFF\n{SQUARE}3 0 1 2\n", "promises"),
        (f"OFF\n{SQUARE}3 0 1 2\n3 0 2 4\n", "does not have"),
        (f"OFF\n{SQUARE}3 0 1 2\n3 0 -1 2\n", "does not have"),
        (f"OFF\n{SQUARE.replace('1 1 0', '1 nan 0')}3 0 1 2\n3 0 2 3\n", "no number"),
        (f"OFF\n{SQUARE}3 0 1 2\n4 0 2 3\n", "fewer corners"),
        (f"OFF\n{SQUARE}2 0 1 2\n2 0 2 3\n", "three corners"),
        ("OFF\n-4 2 0\n1 2 3 4 5 6 7 8 9\n", "promises"),
        (f"OFF\n{SQUARE}3 0 one 2\n3 0 2 3\n", "no number"),
    ],
)
def test_a_damaged_file_is_refused(text, words, tmp_path):
    (tmp_path / "a.off").write_text(text)
    with pytest.raises(ValueError, match=words):
        read_off(tmp_path / "a.off")


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
