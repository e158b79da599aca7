"""Intervals against tables of Student's t, and their coverage against simulated runs and test sets."""

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from mgic.statistics import prediction_interval, replication, rounding, sampling_variance

T2, T8 = 4.302653, 2.306004  # 97.5 % quantiles of Student's t, 2 and 8 degrees, from a table


def covered(
    rng: np.random.Generator, seeds: int, spread: float, likeness: float, same_images: bool, trials: int = 2000
) -> float:
    """How often the interval holds one more run, of networks that are 90 % right on average, on 400 images.

    Whether a network is right on an image is decided by the image's difficulty, which all networks share with
    the weight `likeness`, and by luck. `spread`: of the networks' true accuracies, in points.
    """
    size = 400
    images = rng.standard_normal((trials, size))
    others = images if same_images else rng.standard_normal((trials, size))

    def run(difficulty):
        easy = ndtri(0.9 + 0.01 * spread * rng.standard_normal((trials, 1)))
        luck = rng.standard_normal((trials, size))
        return 100 * (math.sqrt(likeness) * difficulty + math.sqrt(1 - likeness) * luck < easy).mean(axis=1)

    ours = np.stack([run(images) for _ in range(seeds)], axis=1)
    held = 0
    for values, new in zip(ours, run(others), strict=True):
        interval = prediction_interval(list(values), sampling_variance(values.mean(), size))
        assert interval is not None
        held += interval[0] <= new <= interval[1]
    return held / trials


def correlation(likeness: float) -> float:
    """Of two networks' being right on an image, in the model of `covered`."""
    points = np.linspace(-8, 8, 4001)
    density = np.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)
    right = ndtr((ndtri(0.9) - math.sqrt(likeness) * points) / math.sqrt(1 - likeness))
    both = float(np.trapezoid(right**2 * density, points))
    return (both - 0.81) / 0.09


def test_without_a_test_set_it_is_the_prediction_interval_of_the_textbook():
    half = T2 * math.sqrt(4 / 3)  # sd = 1
    assert prediction_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - half, 2 + half), abs=1e-5)


def test_the_test_set_adds_its_variance_and_its_certainty():
    # s² = 3/4, so the seeds give 3/4 * 4/3 = 1 and as much is added: 2 (1 + 1)² = 8 degrees, variance 2.
    root = math.sqrt(0.75)
    half = T8 * math.sqrt(2)
    assert prediction_interval([5 - root, 5.0, 5 + root], 1.0) == pytest.approx((5 - half, 5 + half), abs=1e-5)


def test_seeds_that_agree_to_the_last_digit_leave_the_error_of_the_test_set():
    assert prediction_interval([90.0, 90.0, 90.0], 0.09) == pytest.approx((90 - 1.96 * 0.3, 90 + 1.96 * 0.3), abs=1e-4)
    assert prediction_interval([7.0, 7.0, 7.0]) == (7.0, 7.0)


def test_two_seeds_have_one_degree_of_freedom_whatever_the_test_set():
    half = 12.7062 * math.sqrt(2 * 1.5 + 1)  # s² = 2
    assert prediction_interval([1.0, 3.0], 1.0) == pytest.approx((2 - half, 2 + half), abs=1e-3)


def test_one_seed_leaves_the_interval_open():
    assert prediction_interval([94.0], 0.05) is None
    found = replication(94.2, [94.0], percent=True, test_size=10_000)
    assert (found.verdict, found.prediction) == ("within noise", None)
    assert "one seed says nothing" in found.why


def test_the_sampling_error_of_ten_thousand_images_at_ninety_per_cent_is_three_tenths_of_a_point():
    assert math.sqrt(sampling_variance(90.0, 10_000)) == pytest.approx(0.3)
    assert sampling_variance(100.0, 50) == 0


@pytest.mark.parametrize(
    ("printed", "half"),
    [(94.7, 0.05), (93.0, 0.05), (93, 0.5), (480, 0.5), (0.011, 0.0005), (75.25, 0.005), (1e-5, 5e-6)],
)
def test_a_printed_figure_stands_for_all_that_round_to_it(printed, half):
    assert rounding(printed) == pytest.approx(half)


def test_three_close_seeds_reproduce_a_figure_of_table_5():
    # mean 94.2, s² = 0.04: 0.0533 of the seeds, 94.2 * 5.8 / 10^4 = 0.0546 of the images; 8.2 degrees, t = 2.297
    found = replication(94.2, [94.0, 94.2, 94.4], percent=True, test_size=10_000)
    assert found.verdict == "reproduced"
    assert found.prediction == pytest.approx((94.2 - 0.7546, 94.2 + 0.7546), abs=2e-3)


def test_a_figure_in_a_wide_interval_is_not_called_reproduced():
    found = replication(94.2, [92.0, 94.2, 96.4], percent=True, test_size=10_000)
    assert found.verdict == "within noise"
    assert "too wide to tell" in found.why


@pytest.mark.parametrize(("printed", "side"), [(95.4, "lower"), (92.8, "higher")])
def test_a_figure_outside_contradicts_and_the_reason_says_on_which_side_we_are(printed, side):
    found = replication(printed, [94.0, 94.2, 94.4, 94.0, 94.4], percent=True, test_size=10_000)
    assert found.verdict == "contradicts"
    assert f"points {side} than printed" in found.why


def test_rounding_counts_in_favour_of_the_printed_figure():
    seeds = [2.0, 2.0, 2.0]
    assert replication(2.04, seeds, percent=True).verdict == "contradicts"  # 2.035 to 2.045
    assert replication(2.0, [2.04, 2.04, 2.04], percent=True).verdict == "reproduced"  # 1.95 to 2.05


def test_a_figure_printed_without_decimals_stands_for_half_a_unit_to_each_side():
    seeds = [92.55, 92.6, 92.65]  # 92.315 to 92.885
    assert replication(93.0, seeds, percent=True).verdict == "contradicts"  # 92.95 to 93.05
    assert replication(93, seeds, percent=True).verdict == "reproduced"  # 92.5 to 93.5


def test_a_figure_that_is_no_percentage_has_no_sampling_error_and_a_relative_resolution():
    found = replication(0.011, [0.0110, 0.0111, 0.0109], percent=False)
    assert found.verdict == "within noise"  # ± 4.3 * 0.0001 * 1.155 = 0.0005, 3 % are 0.00033
    assert found.prediction == pytest.approx((0.0105032, 0.0114968), abs=1e-6)
    assert replication(0.011, [0.01100, 0.01101, 0.01099], percent=False).verdict == "reproduced"


def test_no_value_is_no_verdict():
    with pytest.raises(ValueError, match="no value"):
        replication(94.2, [], percent=True)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_the_interval_holds_what_it_says_on_other_images(seeds, spread):
    likeness = 0.8
    assert 0.45 < correlation(likeness) < 0.6
    held = covered(np.random.default_rng(seeds), seeds, spread, likeness, same_images=False)
    assert 0.92 < held < 0.98  # 4 standard errors of 2,000 trials are 0.02


def test_it_is_wide_where_the_printed_figure_is_of_the_same_images():
    assert covered(np.random.default_rng(0), 3, 0.5, 0.8, same_images=True) > 0.97


def test_it_is_narrow_where_all_seeds_fail_on_the_same_images_and_the_figure_is_of_others():
    assert 0.80 < covered(np.random.default_rng(0), 30, 0.05, 0.995, same_images=False, trials=500) < 0.92
