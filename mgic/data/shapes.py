"""Shapes that hide one another on a textured ground, with exact masks, made by a seed: a set that is always there.

Each form has a colour that is usual for it, and is often of another; the ground is dull, light or dark. Neither the
colour of a pixel nor the form around it alone says all there is to know of its class.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from mgic.data.mask_sets import MASK_SETS, MaskProvider, MaskSet, MasksInMemory
from mgic.data.point_sets import own_generator

SEED = 0
TRAIN, TEST = 800, 200
SIDE = 96  # pixels
COUNT = (2, 5)  # shapes of a picture, at least and at most
RADIUS = (12.0, 30.0)  # pixels
SPREAD = 30.0  # standard deviation of the colour of a shape around the usual one, on the scale 0 to 255
DULL = 20.0  # the same of the colour of the ground around a grey
NOISE = 8.0  # the same of a pixel

Form = Callable[[np.ndarray, np.ndarray], np.ndarray]  # right and up from the middle, in radii -> whether inside

FORMS: dict[str, Form] = {
    "disc": lambda u, v: u * u + v * v <= 1,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) <= 0.8,
    "triangle": lambda u, v: (v >= -0.5) & (abs(u) * 3**0.5 + v <= 1),
    "ring": lambda u, v: (u * u + v * v <= 1) & (u * u + v * v >= 0.3),
    "cross": lambda u, v: (np.minimum(abs(u), abs(v)) <= 0.3) & (np.maximum(abs(u), abs(v)) <= 1),
}
USUAL = np.array([(200, 70, 60), (70, 110, 210), (70, 180, 80), (200, 80, 190), (215, 190, 60)], dtype=np.float64)
COLOURS = ((220, 220, 220), (230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (0, 114, 178))


def read(_data_dir: Path) -> MaskSet:
    """800 pictures to train and 200 to test; each follows from its own number, the others do not matter."""
    train, test = (_shapes(split, count) for split, count in (("train", TRAIN), ("test", TEST)))
    digest = hashlib.sha256()
    for tensor in (train.images, train.masks, test.images, test.masks):
        digest.update(repr(tuple(tensor.shape)).encode() + tensor.numpy().tobytes())
    return MaskSet(train, test, digest.hexdigest()[:16])


def present(_data_dir: Path) -> bool:
    return True


def _shapes(split: str, count: int) -> MasksInMemory:
    images, masks = zip(*(picture(own_generator(SEED, f"{split} {number}")) for number in range(count)), strict=True)
    return MasksInMemory(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks)))


def picture(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(3, side, side) and (side, side), uint8: the later of two shapes hides the earlier one."""
    down, right = np.mgrid[:SIDE, :SIDE] + 0.5
    image = _texture(down, right, rng.normal(rng.uniform(40, 215), DULL, 3), rng)
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    for _ in range(rng.integers(COUNT[0], COUNT[1] + 1)):
        label = int(rng.integers(len(FORMS)))
        middle, radius, angle = rng.uniform(0.1 * SIDE, 0.9 * SIDE, 2), rng.uniform(*RADIUS), rng.uniform(0, 2 * np.pi)
        x, y = (right - middle[1]) / radius, (middle[0] - down) / radius
        u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        inside = list(FORMS.values())[label](u, v)
        colour = rng.normal(USUAL[label], SPREAD)
        image[:, inside] = _texture(down[inside], right[inside], colour, rng)
        mask[inside] = label + 1
    noisy = image + rng.normal(0, NOISE, image.shape)
    return np.rint(noisy).clip(0, 255).astype(np.uint8), mask


def _texture(down: np.ndarray, right: np.ndarray, one: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stripes of that colour and of one not far from it, at pixels of any number of axes: (3, ...)."""
    other = one + rng.uniform(-40, 40, 3)
    angle, length, phase = rng.uniform(0, np.pi), rng.uniform(4, 16), rng.uniform(0, 2 * np.pi)
    wave = 0.5 + 0.5 * np.sin(2 * np.pi / length * (np.cos(angle) * down + np.sin(angle) * right) + phase)
    texture: np.ndarray = one.reshape(3, *[1] * wave.ndim) + np.multiply.outer(other - one, wave)
    return texture


MASK_SETS.add(
    "shapes",
    MaskProvider(
        name="shapes",
        title="Five kinds of shapes on textured ground, made here",
        classes=("ground", *FORMS),
        colours=COLOURS,
        shape=(3, SIDE, SIDE),
        train=TRAIN,
        test=TEST,
        how_to_get="it is made by a seed",
        present=present,
        read=read,
    ),
)
