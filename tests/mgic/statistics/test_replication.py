"""Intervals, gaps and verdicts against tables of Student's t and sums done by hand."""

import math

import pytest

from mgic.statistics import (
    default_margin,
    least_spread,
    prediction_interval,
    replication,
    rounding,
    sampling_variance,
    seeds_needed,
    smallest_gap,
)

T2, T9 = 4.302653, 2.262157  # 97.5 % quantiles of Student's t, 2 and 9 degrees, from a table
CLOSE = [94.2 + off for off in (-0.15, -0.15, -0.05, -0.05, -0.05, 0.05, 0.05, 0.05, 0.15, 0.15)]  # s² = 0.105 / 9


def test_on_the_same_test_set_it_is_the_prediction_interval_of_the_textbook():
    half = T2 * math.sqrt(4 / 3)  # sd = 1
    assert prediction_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - half, 2 + half), abs=1e-5)


def test_other_test_sets_add_their_variance_with_the_quantile_of_what_is_known():
    # s² = 3/4, so the seeds give 3/4 * 4/3 = 1.
    root = math.sqrt(0.75)
    half = math.sqrt(T2**2 + 1.959964**2 * 2)
    assert prediction_interval([5 - root, 5.0, 5 + root], 2.0) == pytest.approx((5 - half, 5 + half), abs=1e-5)


def test_seeds_that_agree_to_the_last_digit_leave_the_error_of_the_test_sets():
    assert prediction_interval([90.0, 90.0, 90.0], 0.09) == pytest.approx((90 - 1.96 * 0.3, 90 + 1.96 * 0.3), abs=1e-4)
    assert prediction_interval([7.0, 7.0, 7.0]) == (7.0, 7.0)


def test_one_seed_leaves_the_interval_open():
    assert prediction_interval([94.0]) is None
    found = replication(94.2, [94.0], percent=True)
    assert (found.verdict, found.prediction, found.smallest_gap) == ("spread unknown", None, None)
    assert found.needs == 2
    assert "one seed says nothing" in found.why


def test_one_seed_is_no_verdict_however_far_off_it_is():
    assert replication(94.2, [10.0], True, "same", 10_000).verdict == "spread unknown"


def test_two_seeds_that_tie_are_no_verdict():
    for seed in (94.0, 94.2, 10.0):
        found = replication(94.2, [seed, seed], True, "same", 10_000)
        assert (found.verdict, found.prediction, found.needs) == ("spread unknown", None, 3)
        assert "seeds that tie" in found.why


def test_seeds_that_tie_have_the_spread_that_their_test_set_may_hide():
    """Of 1,000 samples scores are 0.1 apart, so that the deviation is 0.05; t of 4 degrees is 2.776445."""
    assert least_spread(1000) == pytest.approx(0.05)
    found = replication(94.2, [94.0] * 5, True, "same", 1000)
    half = 2.776445 * 0.05 * math.sqrt(1.2)
    assert found.prediction == pytest.approx((94 - half, 94 + half), abs=1e-6)
    assert (found.verdict, found.needs) == ("reproduced", None)  # 0.2 - 0.05 is less than 0.152
    assert replication(94.3, [94.0] * 5, True, "same", 1000).verdict == "contradicts"


def test_seeds_that_tie_in_a_figure_without_a_known_step_are_no_verdict_at_all():
    found = replication(68.52, [68.5] * 4, True, "same")
    assert (found.verdict, found.needs) == ("spread unknown", 5)


def test_a_spread_above_the_least_one_is_left_as_it_is():
    assert prediction_interval([1.0, 2.0, 3.0], least=0.9) == prediction_interval([1.0, 2.0, 3.0])
    assert prediction_interval([2.0, 2.0, 2.0], least=1.0) == pytest.approx(prediction_interval([1.0, 2.0, 3.0]))


def test_the_sampling_error_of_ten_thousand_images_at_ninety_per_cent_is_three_tenths_of_a_point():
    assert math.sqrt(sampling_variance(90.0, 10_000)) == pytest.approx(0.3, rel=1e-3)


def test_a_test_set_without_an_error_has_the_variance_of_two_more_samples_right_and_two_wrong():
    assert sampling_variance(100.0, 46) == pytest.approx(4 * 96 / 46)  # 2 of 50 are 4 %
    assert sampling_variance(0.0, 46) == pytest.approx(sampling_variance(100.0, 46))
    assert sampling_variance(50.0, 46) == pytest.approx(50 * 50 / 46)
    found = replication(99.9, [100.0, 100.0, 100.0], True, "other", 1000)
    assert found.prediction[1] - 100 > 0.2  # 2 samples' worth on each side


@pytest.mark.parametrize(
    ("printed", "half"),
    [(94.7, 0.05), (93.0, 0.05), (93, 0.5), (480, 0.5), (0.011, 0.0005), (75.25, 0.005), (1e-5, 5e-6)],
)
def test_a_printed_figure_stands_for_all_that_round_to_it(printed, half):
    assert rounding(printed) == pytest.approx(half)


def test_the_margin_is_a_point_or_three_per_cent():
    assert (default_margin(94.2, True), default_margin(0.01, False)) == (1.0, pytest.approx(0.0003))


def test_the_smallest_gap_of_very_many_seeds_is_that_of_two_normal_quantiles():
    assert smallest_gap(1.0, 100_000) == pytest.approx(1.959964 + 0.841621, abs=1e-3)
    assert smallest_gap(0.0, 5, 4.0) == pytest.approx(2 * (1.959964 + 0.841621), abs=1e-5)


def test_seeds_needed_by_hand():
    # 95 % quantiles of 2, 3 and 4 degrees: 2.920, 2.353, 2.132; times sqrt(1 + 1/n): 3.37, 2.63, 2.34
    assert [seeds_needed(1.0, allowed) for allowed in (3.4, 2.7, 2.4)] == [3, 4, 5]
    assert seeds_needed(1.0, 1.6) is None  # 1.645 with infinitely many: the printed figure is one run


def test_ten_close_seeds_reproduce_a_figure():
    found = replication(94.2, CLOSE, percent=True)
    sd = math.sqrt(0.105 / 9)
    half = T9 * sd * math.sqrt(1.1)
    assert found.verdict == "reproduced"
    assert found.prediction == pytest.approx((94.2 - half, 94.2 + half), abs=1e-4)
    assert "margin of 1 point." in found.why
    assert found.smallest_gap == pytest.approx(0.05 + 3.14964 * sd * math.sqrt(1.1), abs=1e-4)


def test_the_equivalence_test_decides_at_the_margin():
    # gap 0, rounding 0.05, and 1.833113 (95 % of 9 degrees) * 0.108 * 1.0488 = 0.2077
    assert replication(94.2, CLOSE, percent=True, margin=0.26).verdict == "reproduced"
    tight = replication(94.2, CLOSE, percent=True, margin=0.25)
    assert tight.verdict == "within noise"
    assert "seeds with this spread would settle it" in tight.why


def test_three_seeds_that_say_little_leave_it_open_and_tell_how_many_would_not():
    found = replication(94.2, [93.5, 94.2, 94.9], percent=True)
    assert found.verdict == "within noise"
    assert "no number of them can settle it" in found.why  # 1.645 * 0.7 is more than 0.95
    assert "margin is 1 point." in found.why


def test_two_seeds_are_said_to_be_too_few():
    found = replication(94.2, [93.8, 94.6], percent=True)
    assert found.verdict == "within noise"
    assert "2 seeds are too few" in found.why


def test_what_is_further_off_than_the_margin_cannot_become_reproduced_by_more_seeds():
    found = replication(96.0, [92.0, 94.0, 96.0], percent=True)
    assert found.verdict == "within noise"
    assert "further off than the margin" in found.why


@pytest.mark.parametrize(("printed", "side"), [(95.4, "lower"), (92.8, "higher")])
def test_a_figure_outside_contradicts_and_the_reason_says_on_which_side_we_are(printed, side):
    found = replication(printed, [94.0, 94.2, 94.4, 94.0, 94.4], percent=True)
    assert found.verdict == "contradicts"
    assert f"points {side} than printed" in found.why
    assert "would have been seen in 4 of 5 tries" in found.why


def test_a_small_gap_that_is_certain_contradicts_though_it_is_within_the_margin():
    assert replication(94.7, CLOSE, percent=True).verdict == "contradicts"  # 0.5 against 0.256 and 0.05


def test_on_other_images_the_same_seeds_cannot_contradict_as_little():
    # 9,422 of 10,004 are 94.182 %: 94.182 * 5.818 / 10,000 * 2 = 0.10958, z * 0.33103 = 0.6488
    found = replication(94.7, CLOSE, percent=True, test_set="other", test_size=10_000)
    assert found.verdict == "within noise"
    assert found.prediction[1] - 94.2 == pytest.approx(math.hypot(T9 * math.sqrt(1.1 * 0.105 / 9), 0.6488), abs=1e-3)


def test_of_other_samples_without_a_known_error_nothing_is_said():
    for seeds in ([0.5, 0.5001, 0.4999], [0.011, 0.0111], [0.5]):
        found = replication(0.011, seeds, percent=False, test_set="other")
        assert (found.verdict, found.prediction, found.needs) == ("other samples", None, None)
        assert "is not known" in found.why


def test_rounding_counts_for_the_printed_figure_where_it_could_contradict_and_against_it_where_it_could_agree():
    seeds = [2.0, 2.0, 2.0]
    of = {"percent": True, "test_size": 10_000}  # a deviation of 0.005: 0.025 to each side
    assert replication(2.04, seeds, **of).verdict == "contradicts"  # 2.035 to 2.045
    assert replication(2.0, [2.04] * 3, **of).verdict == "reproduced"  # 1.95 to 2.05
    assert replication(2.0, [2.04] * 3, **of, margin=0.09).verdict == "within noise"  # 0.04 + 0.05 may be 0.09


def test_a_figure_printed_without_decimals_stands_for_half_a_unit_to_each_side():
    seeds = [92.57, 92.6, 92.63]
    assert replication(93.0, seeds, percent=True).verdict == "contradicts"  # 92.95 to 93.05
    assert replication(93, seeds, percent=True).verdict == "within noise"  # 92.5 to 93.5: 0.9 and the seeds' spread


def test_a_figure_that_is_no_percentage_has_a_margin_relative_to_it():
    assert replication(0.0110, [0.01100, 0.01101, 0.01099], percent=False, margin=0.001).verdict == "reproduced"
    assert replication(1.10, [1.1000, 1.1001, 1.0999], percent=False).verdict == "within noise"  # 0.05 of 0.033


def test_no_value_is_no_verdict():
    with pytest.raises(ValueError, match="no value"):
        replication(94.2, [], percent=True)
