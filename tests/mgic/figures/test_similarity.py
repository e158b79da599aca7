"""PSNR and SSIM against scikit-image, which the dashboard does not need."""

from math import inf

import numpy as np
import pytest

from mgic.figures.similarity import psnr, span, ssim


@pytest.mark.parametrize("noise", [0.01, 0.3, 3.0])
def test_they_are_those_of_scikit_image(noise):
    metrics = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(0)
    map_ = np.cumsum(rng.normal(size=(40, 33)), axis=1) - 7
    other = map_ + noise * rng.normal(size=map_.shape)
    expected = metrics.structural_similarity(map_, other, data_range=span(map_), win_size=7)
    assert ssim(map_, other) == pytest.approx(expected, rel=1e-9)
    mse = float(((map_ - other) ** 2).mean())
    expected = metrics.peak_signal_noise_ratio(map_, other, data_range=span(map_))
    assert psnr(mse, span(map_)) == pytest.approx(expected, rel=1e-9)


def test_where_they_are_not_defined():
    map_ = np.arange(64.0).reshape(8, 8)
    assert ssim(map_, map_) == pytest.approx(1)
    assert ssim(map_[:6], map_[:6]) is None, "smaller than a window"
    assert ssim(np.ones((8, 8)), map_) is None, "no range"
    assert psnr(1.0, 0.0) is None
    assert psnr(0.0, 1.0) == inf
    assert psnr(0.01, 10.0) == pytest.approx(40)
