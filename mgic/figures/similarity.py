"""How alike two maps are: PSNR and SSIM over the range of the original."""

from math import inf, log10

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SIDE = 7  # pixels of the square window of SSIM
K1, K2 = 0.01, 0.03


def span(original: np.ndarray) -> float:
    """What PSNR and SSIM call the data range: of the whole original map, largest minus smallest value."""
    return float(original.max()) - float(original.min())


def psnr(mse: float, data_range: float) -> float | None:
    """Decibels; infinite for no error, None for a map without a range."""
    if data_range <= 0:
        return None
    return 10 * log10(data_range**2 / mse) if mse > 0 else inf


def ssim(original: np.ndarray, other: np.ndarray) -> float | None:
    """Mean structural similarity of two maps, 1 where they are equal; None where a map is too small or constant.

    Every window of `SIDE` x `SIDE` pixels that lies inside counts the same; variances are of samples (n - 1).
    Source: Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861, with a uniform window.
    """
    data_range = span(original)
    if min(original.shape) < SIDE or data_range <= 0:
        return None
    x, y = original.astype(np.float64), other.astype(np.float64)
    mean_x, mean_y = _means(x), _means(y)
    unbiased = SIDE**2 / (SIDE**2 - 1)
    var_x, var_y = ((_means(one * one) - mean * mean) * unbiased for one, mean in ((x, mean_x), (y, mean_y)))
    covariance = (_means(x * y) - mean_x * mean_y) * unbiased
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    alike = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((alike / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean())


def _means(values: np.ndarray) -> np.ndarray:
    rows = sliding_window_view(values, SIDE, axis=0).mean(-1)
    found: np.ndarray = sliding_window_view(rows, SIDE, axis=1).mean(-1)
    return found
