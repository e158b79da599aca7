"""Two processes train as one that averages the gradients of two halves; and none outlives the other."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mgic.errors import BadConfig, Diverged
from mgic.tasks import Classifying
from mgic.training import Hyperparameters, Shard, generator, seeded, train
from mgic.training.processes import FollowerContext, Lost, processes
from tests.cases import thorough
from tests.conftest import gone, wait_for
from tests.silent import SilentContext

CPU = torch.device("cpu")
HYPER = Hyperparameters(
    seed=1,
    epochs=2,
    max_steps=None,
    batch_size=12,
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=1e-3,
    lr_step_epochs=1,
    augment=True,
)


class Numbers:
    """32 samples of 6 numbers in float64; to alter one is to add its own draw to it."""

    device = CPU

    def __init__(self) -> None:
        self.x = torch.randn(32, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        self.y = (self.x.sum(1) > 0).long()

    def __len__(self) -> int:
        return len(self.x)

    def draw(self, generator: torch.Generator) -> Tensor:
        return torch.randn(32, 1, dtype=torch.float64, generator=generator)

    def take(self, index, moves=None):
        return self.x[index] + (0 if moves is None else moves), self.y[index]

    def stream(self, choices):
        return (self.take(index, moves) for index, moves in choices)


def network() -> nn.Module:
    with seeded(1, "weights"):
        return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)).double()


def fit(context, hyper: Hyperparameters, shard: Shard, device: torch.device) -> nn.Module:
    model = network()
    assert shard.told(shard.rank) == 0, "what the first one says"
    train(model, Numbers(), Numbers(), hyper, Classifying(), context, shard=shard)
    return model


def follow(hyper: Hyperparameters, shard: Shard, device: torch.device) -> None:
    fit(FollowerContext("cpu", Path(), Path()), hyper, shard, device)


def follow_and_die(shard: Shard, device: torch.device) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def follow_and_diverge(shard: Shard, device: torch.device) -> None:
    raise Diverged("here")


def two_halves_by_hand(hyper: Hyperparameters) -> tuple[nn.Module, list[float]]:
    """One process: both halves through the model with batch statistics of their own, the gradients averaged.

    The running statistics are the first half's. The losses of the steps are those of both halves.
    """
    model, numbers, losses = network(), Numbers(), []
    optimizer = torch.optim.SGD(model.parameters(), hyper.learning_rate, 0.9, weight_decay=1e-3)
    for epoch in range(hyper.epochs):
        optimizer.param_groups[0]["lr"] = hyper.learning_rate / 10**epoch
        order = torch.randperm(32, generator=generator(1, "order", epoch))
        moves = numbers.draw(generator(1, "augmentation", epoch))
        for rows in torch.arange(32).split(12):
            optimizer.zero_grad()
            half, loss = len(rows) // 2, 0.0
            for part in (rows[half:], rows[:half]):
                kept = {key: value.clone() for key, value in model[1].named_buffers()}
                x, y = numbers.take(order[part], moves[part])
                part_loss = functional.cross_entropy(model(x), y) / 2
                part_loss.backward()
                loss += part_loss.item()
                if part is not rows[:half] and len(part) and part[0] != rows[0]:
                    for key, value in model[1].named_buffers():
                        value.copy_(kept[key])
            optimizer.step()
            losses.append(loss)
    return model, losses


def test_two_processes_equal_one_that_averages_the_gradients_of_two_halves(tmp_path):
    context = SilentContext(tmp_path)
    with processes(2, CPU, follow, (HYPER,)) as (shard, device):
        together = fit(context, HYPER, shard, device)
    alone, losses = two_halves_by_hand(HYPER)
    for (name, ours), theirs in zip(together.state_dict().items(), alone.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9, msg=name)
    assert [step for step, _ in context.curves["test/top1"]] == [3, 6]
    assert context.curves["train/loss"] == [
        (step, pytest.approx(loss, abs=1e-9)) for step, loss in enumerate(losses, 1)
    ]


def test_one_process_starts_none():
    with processes(1, CPU, partial(pytest.fail, "started"), ()) as (shard, device):
        assert (shard.count, shard.first, device) == (1, True, CPU)


@pytest.mark.parametrize(("work", "error"), [(follow_and_die, Lost), *thorough((follow_and_diverge, Diverged))])
def test_a_follower_that_ends_ends_the_training(tmp_path, work, error):
    threads = torch.get_num_threads()
    with pytest.raises(error), processes(2, CPU, work, ()) as (shard, device):
        fit(SilentContext(tmp_path), HYPER, shard, device)
    assert torch.get_num_threads() == threads


def follow_and_tell(path: Path, shard: Shard, device: torch.device) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(60)


@pytest.mark.thorough
def test_followers_end_with_the_first_however_that_ends(tmp_path):
    path = tmp_path / "pid"

    def interrupted() -> None:
        with processes(2, CPU, follow_and_tell, (path,)):
            wait_for(lambda: path.exists() and path.read_text(), 30, "the follower")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert gone(int(path.read_text()))


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(BadConfig, match="processes=2, but 1 GPUs"), processes(2, torch.device("cuda"), follow, ()):
        pytest.fail("started")


@pytest.mark.parametrize(("batch", "shares"), [(12, [6, 6]), (7, [3, 4]), (1, [0, 1])])
def test_shares_are_even_and_leave_nothing_out(batch, shares):
    parts = [range(batch)[Shard(rank, 2).of(batch)] for rank in range(2)]
    assert [len(part) for part in parts] == shares
    assert [*parts[0], *parts[1]] == list(range(batch))
