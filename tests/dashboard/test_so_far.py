"""What is told of a training while it runs."""

from datetime import timedelta

import pytest

from dashboard.runs.sections import so_far
from mgic.records import RunStatus
from tests.dashboard.made import MOMENT, run

RUNNING = {"phase": "training", "started_at": MOMENT, "attempt": 1}


def told(progress: float, config: dict, **more) -> list[str]:
    made = run(1, RunStatus.RUNNING, **config)
    return so_far(made.model_copy(update={**RUNNING, "progress": progress, **more}), MOMENT + timedelta(seconds=10))


def test_a_training_says_its_epoch_and_the_time_that_is_left():
    assert told(0.25, {"epochs": 12}) == ["epoch 4 of 12", "about 30 s left"]
    assert told(0.24, {"epochs": 12})[0] == "epoch 3 of 12"


@pytest.mark.parametrize(
    ("progress", "config", "more", "said"),
    [
        (0.25, {"epochs": 12, "max_steps": 10}, {}, ["about 30 s left"]),  # it may end within an epoch
        (0.25, {"epochs": 12}, {"attempt": 2}, ["epoch 4 of 12"]),  # an earlier attempt did part of it
        (0.001, {"epochs": 12}, {}, ["epoch 1 of 12"]),  # too early to tell
        (0.25, {}, {}, ["about 30 s left"]),
        (1.0, {"epochs": 12}, {"phase": "saving"}, []),
    ],
)
def test_what_cannot_be_told_is_not(progress, config, more, said):
    assert told(progress, config, **more) == said
