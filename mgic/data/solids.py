"""Ten kinds of solids as clouds of points, made by a seed: the point set that is always there."""

from pathlib import Path

import numpy as np

from mgic.data.dataset import Arrays
from mgic.data.meshes import Mesh, in_unit_ball, revolve, sample_surface
from mgic.data.point_sets import POINT_SETS, PointProvider, own_generator

TRAIN, TEST = 1000, 500
ROUND = 48  # sides of what stands for a circle
STRETCH = (0.7, 1.3)  # of a solid along each of its axes: every box is another
NOISE = 0.02  # standard deviation, where the solid's radius is 1


def _solids() -> dict[str, Mesh]:
    """One of each kind, a line (distance from the axis, height) turned about the axis."""
    turn = np.linspace(0, np.pi, 25)
    half_circle = np.stack((np.sin(turn), -np.cos(turn)), axis=1)
    ring = np.stack((1 + 0.35 * np.cos(2 * turn), 0.35 * np.sin(2 * turn)), axis=1)
    wall = np.array([(0, -0.7), (1, -0.7), (1, 0.7), (0, 0.7)])
    tip = np.array([(0, -0.7), (1, -0.7), (0, 0.9)])
    return {
        "box": revolve(wall, 4),
        "cone": revolve(tip, ROUND),
        "cylinder": revolve(wall, ROUND),
        "dome": revolve(np.concatenate(([(0, 0)], half_circle[12:])), ROUND),
        "hourglass": revolve(np.array([(0, -1), (0.8, -1), (0, 0), (0.8, 1), (0, 1)]), ROUND),
        "octahedron": revolve(np.array([(0, -1), (1, 0), (0, 1)]), 4),
        "prism": revolve(wall, 3),
        "pyramid": revolve(tip, 4),
        "sphere": revolve(half_circle, ROUND),
        "torus": revolve(ring, ROUND),
    }


SOLIDS = _solids()


def read(_data_dir: Path, points: int, seed: int) -> Arrays:
    """1000 clouds to train and 500 to test, all classes equally often.

    Each solid stands upright, as the furniture of ModelNet does. It is stretched along its axes, turned about the
    vertical one, sampled, made noisy, and fitted into the unit ball.
    """
    train, test = (
        [_cloud(number % len(SOLIDS), points, own_generator(seed, f"{split} {number}")) for number in range(count)]
        for split, count in (("train", TRAIN), ("test", TEST))
    )
    labels = np.arange(max(TRAIN, TEST), dtype=np.int64) % len(SOLIDS)
    return np.stack(train), labels[:TRAIN], np.stack(test), labels[:TEST]


def present(_data_dir: Path) -> bool:
    return True


def _cloud(label: int, points: int, rng: np.random.Generator) -> np.ndarray:
    """(points, 3), float32."""
    vertices, faces = SOLIDS[list(SOLIDS)[label]]
    stretched = vertices * rng.uniform(*STRETCH, size=3)
    surface = in_unit_ball(sample_surface((stretched @ _turn(rng), faces), points, rng))
    return in_unit_ball(surface + rng.normal(0, NOISE, surface.shape)).astype(np.float32)


def _turn(rng: np.random.Generator) -> np.ndarray:
    """A rotation about the vertical axis, all angles alike."""
    angle = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


POINT_SETS.add(
    "solids",
    PointProvider(
        name="solids",
        title="Ten kinds of solids, made here",
        classes=tuple(SOLIDS),
        train=TRAIN,
        test=TEST,
        how_to_get="it is made by a seed",
        present=present,
        read=read,
    ),
)
