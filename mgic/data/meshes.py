"""Surfaces of triangles: read from OFF files, made by turning a line about an axis, and sampled by points."""

import re
from pathlib import Path

import numpy as np

Mesh = tuple[np.ndarray, np.ndarray]
"""Vertices (count, 3), float64, and triangles (count, 3), three numbers of vertices each."""


def read_off(path: Path) -> Mesh:
    """The surface in a text file of the Object File Format; polygons are cut into triangles, colours passed over.

    ModelNet's files differ from the format in that some have the counts on the line of the word: `OFF490 518 0`.

    Raises:
        ValueError: It is no such file, is cut short, or names vertices that it does not have.
        OSError: It cannot be read.
    """
    text = path.read_text(encoding="ascii", errors="replace").lstrip()
    if not text.startswith("OFF"):
        raise ValueError("does not begin with OFF")
    body = re.sub(r"#.*", "", text[3:]) if "#" in text else text[3:]
    numbers = _numbers(body)
    if len(numbers) < 3:
        raise ValueError("has no counts of vertices and faces")
    vertex_count, face_count = (int(number) for number in numbers[:2])
    first_face = 3 + 3 * vertex_count
    if vertex_count < 3 or face_count < 1 or len(numbers) < first_face + 4 * face_count:
        raise ValueError(f"has not the {vertex_count} vertices and {face_count} faces that it promises")
    vertices, rest = numbers[3:first_face].reshape(-1, 3), numbers[first_face:]
    if len(rest) == 4 * face_count and (rest[::4] == 3).all():
        faces = rest.reshape(-1, 4)[:, 1:].astype(np.int64)
    else:
        faces = _polygons(body, vertex_count, face_count)
    if not np.isfinite(vertices).all() or faces.min() < 0 or faces.max() >= vertex_count:
        raise ValueError("names a vertex that it does not have, or has one that is no number")
    return vertices, faces


def revolve(profile: np.ndarray, sides: int) -> Mesh:
    """A line turned about the z axis in `sides` steps: 4 make a box of a line that 64 make a cylinder of.

    Args:
        profile: (corners, 2): distance from the axis, and height.
        sides: Of the outline seen from above, 3 or more.

    Shape:
        Triangles: 2 * sides for each piece of the line; of those at the axis half have no area.
    """
    angles = 2 * np.pi * np.arange(sides) / sides
    radius, height = profile[:, :1], np.broadcast_to(profile[:, 1:], (len(profile), sides))
    vertices = np.stack((radius * np.cos(angles), radius * np.sin(angles), height), axis=2).reshape(-1, 3)
    here = (np.arange(len(profile) - 1)[:, None] * sides + np.arange(sides)).ravel()
    beside = (np.arange(len(profile) - 1)[:, None] * sides + (np.arange(sides) + 1) % sides).ravel()
    lower = np.stack((here, beside, beside + sides), axis=1)
    upper = np.stack((here, beside + sides, here + sides), axis=1)
    return vertices, np.concatenate((lower, upper))


def sample_surface(mesh: Mesh, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points spread evenly over the surface, each drawn by itself: a triangle by its area, then a place in it.

    Shape:
        -> (count, 3), float64.

    Raises:
        ValueError: The surface has no area.
    """
    vertices, faces = mesh
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    areas = np.cumsum(np.linalg.norm(np.cross(b - a, c - a), axis=1))
    if not 0 < areas[-1] < np.inf:
        raise ValueError("has no area")
    chosen = np.searchsorted(areas, rng.random(count) * areas[-1], side="right").clip(max=len(faces) - 1)
    # The square root spreads evenly what would otherwise crowd at the corner a.
    along, across = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    points: np.ndarray = (1 - along) * a[chosen] + along * (1 - across) * b[chosen] + along * across * c[chosen]
    return points


def in_unit_ball(points: np.ndarray) -> np.ndarray:
    """Moved so that their mean is at the origin, and scaled so that the farthest has distance 1.

    Shape:
        (count, 3), not all at one place -> the same.
    """
    centred = points - points.mean(axis=0)
    fitted: np.ndarray = centred / np.linalg.norm(centred, axis=1).max()
    return fitted


def _numbers(text: str) -> np.ndarray:
    try:
        numbers: np.ndarray = np.fromstring(text, sep=" ")
    except ValueError as error:
        raise ValueError("holds something that is no number") from error
    return numbers


def _polygons(body: str, vertex_count: int, face_count: int) -> np.ndarray:
    """The faces line by line: how many corners, the corners, and perhaps a colour."""
    lines = [line.split() for line in body.splitlines() if line.strip()]
    faces: list[tuple[int, int, int]] = []
    for words in lines[1 + vertex_count :][:face_count]:
        corners = [int(word) for word in words[1 : 1 + int(words[0])]]
        if len(corners) != int(words[0]):
            raise ValueError("has a face with fewer corners than it promises")
        faces += [(corners[0], *corners[at : at + 2]) for at in range(1, len(corners) - 1)]  # type: ignore[misc]
    if not faces:
        raise ValueError("has no face with three corners")
    return np.array(faces, dtype=np.int64)
