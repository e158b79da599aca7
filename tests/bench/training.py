"""A step of `classification` against the same step as a bare loop, interleaved, one thread."""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.nn import functional

import mgic
from mgic.data import Dataset, load
from mgic.data.batches import train_and_test
from mgic.tasks import Classifying
from mgic.training import Hyperparameters, train
from tests.silent import SilentContext

ROUNDS = 9
STEPS = 24
BATCH = 128


def step_against_bare_loop() -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        data = load("digits", Path(folder))
        for name in ("resnet20", "mgic_resnet20"):
            ratios = [_ours(name, data, Path(folder)) / _bare(name, data) for _ in range(ROUNDS + 1)][1:]
            spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
            print(f"step of classification / bare loop, {name}, batch {BATCH}, 1 thread: "
                  f"{median(ratios):.3f} (median of n={ROUNDS}, {spread})")  # fmt: skip


def _ours(name: str, data: Dataset, folder: Path) -> float:
    """Seconds a step, evaluation left out, as the result reports it."""
    model = mgic.create(name, in_channels=1)
    hyper = Hyperparameters(
        seed=0,
        epochs=1000,
        max_steps=STEPS,
        batch_size=BATCH,
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=1e-4,
        lr_step_epochs=30,
        augment=False,
    )
    split, test = train_and_test(data, torch.device("cpu"))
    trained = train(model, split, test, hyper, Classifying(), SilentContext(folder))
    return trained.seconds / trained.steps


def _bare(name: str, data: Dataset) -> float:
    """The least that a step can be: the same batches, layout, optimizer and loss, and nothing else."""
    model: nn.Module = mgic.create(name, in_channels=1).to(memory_format=torch.channels_last)
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    images = data.train_images.float().sub(data.mean[0]).div(data.std[0])
    images = images.contiguous(memory_format=torch.channels_last)
    labels = data.train_labels.long()
    starts = [(step * BATCH) % (len(images) - BATCH) for step in range(STEPS)]
    begin = time.perf_counter()
    for start in starts:
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(model(images[start : start + BATCH]), labels[start : start + BATCH])
        loss.backward()
        optimizer.step()
    return (time.perf_counter() - begin) / STEPS
