"""Surfaces of triangles: made by turning a line about an axis, and sampled by points."""

import numpy as np

Mesh = tuple[np.ndarray, np.ndarray]
"""Vertices (count, 3), float64, and triangles (count, 3), three numbers of vertices each."""


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
