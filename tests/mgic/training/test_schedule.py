"""Steps and rates, counted by hand."""

import pytest

from mgic.training.schedule import poly_rate, step_rate, steps_per_epoch, total_steps


@pytest.mark.parametrize(
    ("images", "batch_size", "steps"),
    [
        (1437, 128, 12),
        (50_000, 128, 391),
        (256, 128, 2),
        (10, 20, 1),
        (257, 128, 2),
        (258, 128, 3),
        (5, 1, 5),
        (1, 8, 1),
    ],
)
def test_a_last_batch_counts_unless_it_is_a_single_image(images, batch_size, steps):
    assert steps_per_epoch(images, batch_size) == steps


def test_max_steps_ends_a_training_early_but_never_makes_it_longer():
    assert total_steps(1437, 128, 3, None) == 36
    assert total_steps(1437, 128, 3, 5) == 5
    assert total_steps(1437, 128, 3, 37) == 36


def test_the_rate_is_divided_by_ten_every_thirty_epochs():
    rates = [step_rate(0.1, epoch, 30) for epoch in (0, 29, 30, 59, 60, 99)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.0001])


def test_a_power_of_what_is_left():
    assert [poly_rate(0.2, step, 100) for step in (0, 50, 99)] == pytest.approx([0.2, 0.2 * 0.5**0.9, 0.2 * 0.01**0.9])
