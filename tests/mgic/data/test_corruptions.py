"""What each corruption does to a pixel, by hand, and that it is the same whatever the batch."""

import pytest
import torch

from mgic.data.batches import Batches
from mgic.data.corruptions import Corrupted, blurred, with_less_contrast

CPU = torch.device("cpu")
MEAN, STD = (0.25, 0.5), (0.5, 0.25)


def images(count: int = 6) -> Batches:
    pixels = torch.randint(0, 256, (count, 2, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return Batches(pixels, torch.arange(count), MEAN, STD, False, CPU)


def taken(corruption: str, strength: float, size: int, seed: int = 0) -> torch.Tensor:
    split = Corrupted(images(), MEAN, STD, corruption, strength, seed)
    found = list(split.stream([(slice(start, start + size), None) for start in range(0, 6, size)]))
    assert torch.cat([labels for _, labels in found]).tolist() == list(range(6))
    return torch.cat([samples for samples, _ in found])


@pytest.mark.parametrize("corruption", ["noise", "blur", "contrast"])
def test_the_same_seed_gives_the_same_to_the_bit_and_pixels_stay_between_black_and_white(corruption):
    one = taken(corruption, 0.3, 2)
    assert one.equal(taken(corruption, 0.3, 6)), "whatever the batch"
    assert one.equal(taken(corruption, 0.3, 2, seed=1)) == (corruption != "noise")
    pixels = one * torch.tensor(STD).view(-1, 1, 1) + torch.tensor(MEAN).view(-1, 1, 1)
    assert pixels.min() >= -1e-6
    assert pixels.max() <= 1 + 1e-6
    clean = images().take(slice(None))[0]
    assert not one.allclose(clean)
    assert taken(corruption, 1e-4, 6).allclose(clean, atol=3e-3), "next to nothing changes next to nothing"


def test_noise_has_the_deviation_that_was_asked_for_and_a_stronger_one_is_the_same_noise():
    grey = Batches(torch.full((4, 1, 64, 64), 127, dtype=torch.uint8), torch.arange(4), (0.0,), (1.0,), False, CPU)
    weak, strong = (Corrupted(grey, (0.0,), (1.0,), "noise", s).take(slice(0, 4))[0] - 127 / 255 for s in (0.05, 0.1))
    assert weak.std().item() == pytest.approx(0.05, rel=0.02)
    assert strong.allclose(2 * weak, atol=1e-6)
    assert not weak[0].equal(weak[1])


def test_a_point_becomes_the_kernel_and_a_plain_image_stays():
    point = torch.zeros(1, 1, 21, 21)
    point[0, 0, 10, 10] = 1
    found = blurred(point, 2 / 21)  # two pixels
    assert found.sum().item() == pytest.approx(1)
    ratio = found[0, 0, 10, 12] / found[0, 0, 10, 10]
    assert ratio.item() == pytest.approx(2.718281828**-0.5, rel=1e-5)
    assert blurred(torch.full((1, 3, 8, 6), 0.5), 1.0).allclose(torch.tensor(0.5))


def test_contrast_moves_a_pixel_to_the_mean_of_its_channel():
    pixels = torch.tensor([[[[0.0, 1.0]], [[0.2, 0.4]]]])
    assert with_less_contrast(pixels, 0.5).allclose(torch.tensor([[[[0.25, 0.75]], [[0.25, 0.35]]]]))
