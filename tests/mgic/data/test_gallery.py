"""What is shown of a reconstruction: small files, one window, the same choice for every run."""

import numpy as np
import pytest
import torch
from PIL import Image

from mgic.data.gallery import Gallery, chosen_channels


def gallery(side: int = 112, error: float = 0.0, samples: int = 4, channels: int = 6, coarsest: int = 8) -> Gallery:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(samples, channels, side, side, generator=generator)
    return Gallery(
        names=tuple(f"picture {number}" for number in range(samples)),
        channels=tuple(range(channels)),
        inputs=torch.randint(0, 256, (samples, 3, 224, 224), generator=generator, dtype=torch.uint8),
        maps=maps,
        reconstructions=maps + error,
        mse=torch.full((samples, channels), error**2, dtype=torch.float64),
        coarsest=torch.randn(samples, coarsest, side, side, generator=generator),
        matrices={"restriction": torch.randn(coarsest, 32, generator=generator)},
    )


@pytest.mark.parametrize(
    ("channels", "chosen"),
    [(32, (2, 8, 13, 18, 24, 29)), (64, (5, 16, 26, 37, 48, 58)), (4, (0, 1, 2, 3)), (1, (0,))],
)
def test_the_channels_are_spread_over_all_of_them(channels, chosen):
    assert chosen_channels(channels) == chosen


def test_the_arrays_come_back_from_a_file_of_under_two_megabytes(tmp_path):
    made = gallery(error=0.25)
    made.save(tmp_path / "gallery.npz", {"maps": tmp_path / "maps.png"})
    assert (tmp_path / "gallery.npz").stat().st_size < 2_000_000
    with np.load(tmp_path / "gallery.npz", allow_pickle=False) as file:
        assert file["maps"].shape == file["reconstructions"].shape == (4, 6, 112, 112)
        assert file["inputs"].shape == (4, 112, 112, 3)
        assert file["coarsest"].shape == (4, 8, 56, 56)
        assert list(file["names"]) == ["picture 0", "picture 1", "picture 2", "picture 3"]
        np.testing.assert_allclose(file["reconstructions"] - file["maps"], 0.25, atol=4e-3)
    with Image.open(tmp_path / "maps.png") as picture:
        assert picture.size == (6 * 112 + 5 * 2, 4 * 112 + 3 * 2)


def test_small_maps_are_enlarged_pixel_by_pixel():
    made = gallery(side=4)
    sheet = made.panels()["maps"]
    assert sheet.shape == (4 * 112 + 3 * 2, 6 * 112 + 5 * 2)
    tile = sheet[:112, :112].reshape(4, 28, 4, 28)
    assert (tile == tile[:, :1, :, :1]).all()
    assert made.arrays()["maps"].shape[-2:] == (4, 4)


def test_a_map_and_what_came_back_have_one_window():
    made = gallery(side=8)
    made.reconstructions = made.maps.clone()
    panels = made.panels()
    np.testing.assert_array_equal(panels["maps"], panels["reconstructions"])
    assert not panels["errors"][:112, :112].any(), "no error is black"


def test_errors_are_drawn_on_a_scale_that_only_the_maps_decide():
    """The grey of an error is its share of the spread of the maps, whatever the other errors are."""
    small, large = gallery(side=8, error=0.1), gallery(side=8, error=0.2)
    spread = small.maps.std().item()
    assert small.panels()["errors"][0, 0] == pytest.approx(255 * 0.1 / spread, abs=1)
    assert large.panels()["errors"][0, 0] == pytest.approx(255 * 0.2 / spread, abs=1)


def test_a_dead_channel_is_drawn_flat():
    made = gallery(side=8)
    made.maps[:, 0] *= 1e-6
    tile = made.panels()["maps"][:112, :112].astype(int)
    assert tile.max() - tile.min() <= 3


def test_the_sign_of_a_weight_can_be_seen():
    made = gallery()
    made.matrices["restriction"] = torch.tensor([[-2.0, 0.0, 1.0]])
    sheet = made.panels()["restriction"]
    third = sheet.shape[1] // 3
    assert [int(sheet[0, third // 2 + part * third]) for part in range(3)] == [0, 128, 191]
