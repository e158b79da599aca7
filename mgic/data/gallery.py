"""What is shown of a reconstruction: the same few samples and channels for every run, as arrays and as PNGs.

`gallery.npz` holds, for n samples and k channels, maps of height x width pixels:

    names            (n,) text           titles of the samples
    channels         (k,) integers       numbers of the channels
    inputs           (n, h, w, 3) uint8  the pictures, no larger than `TILE`
    maps             (n, k, height, width) float16, and `reconstructions` the same
    mse              (n, k) float64      of each whole map, before rounding
    coarsest         (n, m, h, w) float16, the first m of the coarsest channels, no larger than `COARSEST_SIDE`
    restriction_j, prolongation_j   float32 matrices of each level, and `restriction`, the product of all R
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn import functional

SAMPLES = 4
CHANNELS = 6
COARSEST = 8  # channels, of the coarsest ones
COARSEST_SIDE = 56  # pixels; the maps themselves are kept whole
TILE = 112  # pixels of a tile in a PNG, at least
FLAT = 1e-3  # of the standard deviation of all maps: one with a smaller range is drawn flat, it is a dead channel
GAP = 2  # white pixels between tiles
ERROR_WINDOW = 1.0  # times the standard deviation of the maps shown: black to white in errors.png, for every run


@dataclass
class Gallery:
    """Filled while the maps pass by.

    Args:
        inputs: (samples, 3, side, side), uint8.
        maps: (samples, channels, height, width), float32; so are `reconstructions`.
        mse: (samples, channels), float64.
        coarsest: (samples, at most `COARSEST`, height, width), float32.
        matrices: By name.
    """

    names: tuple[str, ...]
    channels: tuple[int, ...]
    inputs: Tensor
    maps: Tensor
    reconstructions: Tensor
    mse: Tensor
    coarsest: Tensor
    matrices: dict[str, Tensor]

    def arrays(self) -> dict[str, np.ndarray]:
        """What `gallery.npz` holds."""
        return {
            "names": np.array(self.names),
            "channels": np.array(self.channels),
            "inputs": _shrunk(self.inputs.float(), TILE).round().byte().permute(0, 2, 3, 1).numpy(),
            "maps": self.maps.half().numpy(),
            "reconstructions": self.reconstructions.half().numpy(),
            "mse": self.mse.numpy(),
            "coarsest": _shrunk(self.coarsest, COARSEST_SIDE).half().numpy(),
            **{name: one.float().numpy() for name, one in self.matrices.items()},
        }

    def save(self, npz: Path, pictures: dict[str, Path]) -> None:
        """Write the arrays, and under each name of `pictures` that `panels` knows its PNG."""
        packed = io.BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **self.arrays())
        npz.write_bytes(packed.getvalue())
        panels = self.panels()
        for name, path in pictures.items():
            drawn = io.BytesIO()
            Image.fromarray(panels[name]).save(drawn, "PNG")
            path.write_bytes(drawn.getvalue())

    def panels(self) -> dict[str, np.ndarray]:
        """By name, (height, width) or (height, width, 3): a row a sample, a column a channel; the inputs in one row.

        A map and its reconstruction have one window, that of the map; all errors have one,
        which depends on the maps only, so that runs over the same maps can be compared.
        """
        low, high = self.maps.amin((2, 3), keepdim=True), self.maps.amax((2, 3), keepdim=True)
        spread = self.maps.std().clamp_min(1e-12)
        span = (high - low).clamp_min(FLAT * spread)
        errors = (self.reconstructions - self.maps).abs() / (ERROR_WINDOW * spread)
        lowest, highest = self.coarsest.amin((2, 3), keepdim=True), self.coarsest.amax((2, 3), keepdim=True)
        return {
            "inputs": _sheet(_shrunk(self.inputs.float(), TILE).unsqueeze(0) / 255),
            "maps": _sheet(((self.maps - low) / span).unsqueeze(2)),
            "reconstructions": _sheet(((self.reconstructions - low) / span).unsqueeze(2)),
            "errors": _sheet(errors.unsqueeze(2)),
            "coarsest": _sheet(((self.coarsest - lowest) / (highest - lowest).clamp_min(1e-12)).unsqueeze(2)),
            "restriction": _sheet(_signed(self.matrices["restriction"])[None, None, None]),
        }


def chosen_channels(channels: int) -> tuple[int, ...]:
    """`CHANNELS` of them, equally far apart, each in the middle of its share; all where there are no more."""
    count = min(CHANNELS, channels)
    return tuple((2 * number + 1) * channels // (2 * count) for number in range(count))


def _signed(weights: Tensor) -> Tensor:
    """0 is middle grey, the largest weight white or black."""
    return 0.5 + 0.5 * weights.float() / weights.abs().max().clamp_min(1e-12)


def _shrunk(images: Tensor, side: int) -> Tensor:
    """Means over areas, where they are larger than that."""
    height, width = images.shape[-2:]
    size = (min(height, side), min(width, side))
    return images if size == (height, width) else functional.adaptive_avg_pool2d(images, size)


def _sheet(tiles: Tensor) -> np.ndarray:
    """(rows, columns, 1 or 3, height, width), 0 to 1, as one picture (height', width') or (height', width', 3), uint8.

    Small tiles are enlarged by a whole factor, pixel by pixel.
    """
    factor = max(1, TILE // max(tiles.shape[-2:]))
    large = tiles.clamp(0, 1).repeat_interleave(factor, -1).repeat_interleave(factor, -2)
    spaced = functional.pad(large, (0, GAP, 0, GAP), value=1.0)
    rows, columns, colours, height, width = spaced.shape
    sheet = spaced.permute(0, 3, 1, 4, 2).reshape(rows * height, columns * width, colours)[:-GAP, :-GAP]
    pixels: np.ndarray = (255 * sheet).round().byte().numpy()
    return pixels[..., 0] if colours == 1 else pixels
