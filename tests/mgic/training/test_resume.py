"""A training that was interrupted ends as one that was not, bit for bit; snapshots that are damaged are passed over."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mgic.data import Dataset, load
from mgic.data.batches import train_and_test
from mgic.errors import Cancelled
from mgic.tasks import Classifying
from mgic.training import Checkpoints, Hyperparameters, Trained, seeded, train
from tests.silent import SilentContext

CPU = torch.device("cpu")
HYPER = Hyperparameters(
    seed=3,
    epochs=3,
    max_steps=None,
    batch_size=16,
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=1e-3,
    lr_step_epochs=1,
    augment=True,
)


class Stopped(SilentContext):
    """Is killed when its curve of the training loss reaches a step."""

    def __init__(self, folder: Path, at: int) -> None:
        super().__init__(folder)
        self._at = at

    def curve(self, name: str, step: int, value: float) -> None:
        super().curve(name, step, value)
        if name == "train/loss" and step >= self._at:
            raise Cancelled


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Dataset:
    whole = load("digits", tmp_path_factory.mktemp("data"))
    return replace(whole, train_images=whole.train_images[:250], train_labels=whole.train_labels[:250])


def network() -> nn.Module:
    with seeded(3, "weights"):
        return nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(288, 10)
        )


def digest(model: nn.Module) -> str:
    parts = [tensor.contiguous().numpy().tobytes() for tensor in model.state_dict().values()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def attempt(digits: Dataset, hyper: Hyperparameters, context: SilentContext) -> tuple[Trained, str]:
    model = network()
    checkpoints = Checkpoints(context.checkpoints, repr(hyper), context.saved)
    trained = train(model, *train_and_test(digits, CPU), hyper, Classifying(), context, checkpoints)
    return trained, digest(model)


VARIANTS = {
    "step": HYPER,
    "cosine, with a moving average": replace(HYPER, schedule="cosine", ema=0.9),
    "float16": replace(HYPER, precision="float16"),
    "adam": replace(HYPER, optimizer="adam", learning_rate=1e-3),
}


@pytest.mark.fault
@pytest.mark.parametrize("hyper", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("stop", [20, 33])  # within the second epoch of 16 steps, and just after its end
def test_a_killed_and_resumed_training_ends_with_the_same_weights(digits, tmp_path, hyper, stop):
    whole, expected = attempt(digits, hyper, SilentContext(tmp_path / "whole"))
    with pytest.raises(Cancelled):
        attempt(digits, hyper, Stopped(tmp_path / "cut", stop))
    context = SilentContext(tmp_path / "cut")
    trained, found = attempt(digits, hyper, context)
    assert found == expected
    assert trained.resumed
    assert context.resumed_at == [16 if stop < 32 else 32]
    assert (trained.scores, trained.steps, trained.images) == (whole.scores, whole.steps, whole.images)


def test_it_goes_on_in_the_middle_of_an_epoch_too_and_draws_what_would_have_been_drawn(digits, tmp_path):
    plain = SilentContext(tmp_path / "whole")
    _, expected = attempt(digits, HYPER, plain)
    cut = Stopped(tmp_path / "cut", 23)
    cut.want_at = {5, 21}  # after step 5, and after step 22: the last step of an epoch is not asked about
    with pytest.raises(Cancelled):
        attempt(digits, HYPER, cut)
    again = SilentContext(tmp_path / "cut")
    _, found = attempt(digits, HYPER, again)
    assert again.resumed_at == [22]
    assert found == expected
    for name, points in again.curves.items():
        assert points == [point for point in plain.curves[name] if point[0] > 22]


def test_what_ended_is_scored_again_and_not_trained_again(digits, tmp_path):
    first, expected = attempt(digits, HYPER, SilentContext(tmp_path))
    again = SilentContext(tmp_path)
    second, found = attempt(digits, HYPER, again)
    assert (second.scores, found) == (first.scores, expected)
    assert "train/loss" not in again.curves


def test_a_checkpoint_of_another_config_is_not_used_and_that_is_said(digits, tmp_path):
    attempt(digits, HYPER, SilentContext(tmp_path))
    context = SilentContext(tmp_path)
    trained, _ = attempt(digits, replace(HYPER, learning_rate=0.01), context)
    assert not trained.resumed
    assert any("another config" in line for line in context.lines)


def test_two_are_kept_and_each_is_told(digits, tmp_path):
    context = SilentContext(tmp_path)
    attempt(digits, HYPER, context)
    assert len(context.kept) == 3
    assert sorted(path.name for path in context.checkpoints.iterdir()) == sorted(context.kept[1:])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.fault
@pytest.mark.parametrize("damage", [flip, lambda path: path.write_bytes(path.read_bytes()[:100])], ids=["bit", "cut"])
def test_a_damaged_one_is_passed_over_for_the_one_before(tmp_path, damage):
    lines: list[str] = []
    checkpoints = Checkpoints(tmp_path, "this")
    checkpoints.write(1, {"steps": 1})
    damage(checkpoints.write(2, {"steps": 2}))
    assert checkpoints.read(lines.append) == {"steps": 1}
    assert len(lines) == 1
    assert "damaged" in lines[0]


@pytest.mark.fault
def test_where_all_are_damaged_it_starts_anew_and_nothing_in_them_is_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").write_text, ("x",))

    lines: list[str] = []
    draft = tmp_path / "draft"
    torch.save({"steps": Trap()}, draft)
    name = hashlib.sha256(draft.read_bytes()).hexdigest()[:16]
    draft.rename(tmp_path / f"0000000001-{name}.pt")  # whole, by its name, and yet not to be trusted
    assert Checkpoints(tmp_path, "this").read(lines.append) is None
    assert not (tmp_path / "sprung").exists()


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, "this")
    checkpoints.write(1, {"steps": 1})

    def full(*_):
        raise RuntimeError("PytorchStreamWriter failed writing file: file write failed")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="file write failed"):
        checkpoints.write(2, {"steps": 2})
    assert checkpoints.read(lambda _: None) == {"steps": 1}
    assert len(list(tmp_path.iterdir())) == 1
