"""When a bad loss is seen, and what the means are of."""

import math

import pytest
import torch

from mgic.errors import Diverged
from mgic.training.loss_watch import CUDA_LOOK_EVERY, LossWatch


def watch() -> LossWatch:
    return LossWatch(torch.device("cpu"))


def test_the_mean_is_weighted_by_images_and_starts_anew():
    losses = watch()
    losses.add(torch.tensor(1.0), 3, 1)
    losses.add(torch.tensor(5.0), 1, 2)
    assert losses.mean(2) == 2.0
    losses.add(torch.tensor(7.0), 2, 3)
    assert losses.mean(3) == 7.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_on_a_cpu_the_first_bad_loss_ends_it(bad):
    losses = watch()
    losses.add(torch.tensor(1.0), 4, 1)
    with pytest.raises(Diverged, match="at step 2"):
        losses.add(torch.tensor(bad), 4, 2)


def test_looking_late_still_sees_a_bad_loss_of_before():
    losses = watch()
    losses._every = CUDA_LOOK_EVERY  # as on a GPU
    losses.add(torch.tensor(math.nan), 4, 1)
    for step in range(2, CUDA_LOOK_EVERY):
        losses.add(torch.tensor(1.0), 4, step)
    with pytest.raises(Diverged, match="16 steps up to step 16"):
        losses.add(torch.tensor(1.0), 4, CUDA_LOOK_EVERY)


def test_the_end_of_an_epoch_looks_too():
    losses = watch()
    losses._every = CUDA_LOOK_EVERY
    losses.add(torch.tensor(math.inf), 4, 1)
    with pytest.raises(Diverged):
        losses.mean(1)
