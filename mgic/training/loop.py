"""Train a classifier with SGD, and score it after each epoch."""

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mgic.experiment import Context
from mgic.training.evaluation import Scores, evaluate
from mgic.training.loss_watch import LossWatch
from mgic.training.part import Part
from mgic.training.precision import autocast
from mgic.training.schedule import step_rate, steps_per_epoch, total_steps
from mgic.training.seed import generator, seeded

REPORT_EVERY = 10  # steps between two reports of progress
LOSS_POINTS = 100  # about as many points has the curve of the training loss; at least one an epoch


@dataclass(frozen=True)
class Settings:
    """How to train: the arguments of SGD and how long. `max_steps` ends it early, within an epoch too."""

    seed: int
    epochs: int
    max_steps: int | None
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    lr_step_epochs: int
    augment: bool


@dataclass(frozen=True)
class Trained:
    """What a training came to. `seconds` are those of the steps alone, without evaluation."""

    scores: Scores
    steps: int
    epochs: int  # whole passes over the training images
    images: int
    seconds: float


def train(model: nn.Module, part: Part, test: Part, settings: Settings, context: Context) -> Trained:
    """Train `model` in place on `part`, and on its device, where the weights come to lie channels last.

    That layout takes a third off a step of an MGIC network on a CPU (1 thread, 8x8 and 32x32 images).

    Raises:
        Diverged: A loss is not a finite number.
        Cancelled: The user stopped the run.
    """
    model.to(part.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return _Training(model, part, test, settings, context).run()


class _Training:
    """One training: what stays fixed, and how far it has come."""

    def __init__(self, model: nn.Module, part: Part, test: Part, settings: Settings, context: Context) -> None:
        self.model, self.part, self.test, self.settings, self.context = model, part, test, settings, context
        self.device = part.device
        self.optimizer = torch.optim.SGD(
            model.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self.watch = LossWatch(self.device)
        self.per_epoch = steps_per_epoch(len(self.part), settings.batch_size)
        self.last_step = total_steps(len(self.part), settings.batch_size, settings.epochs, settings.max_steps)
        self.window = math.ceil(self.per_epoch / max(1, LOSS_POINTS // math.ceil(self.last_step / self.per_epoch)))
        self.steps = self.images = 0
        self.seconds = 0.0

    def run(self) -> Trained:
        while True:
            epoch = self.steps // self.per_epoch
            start = time.perf_counter()
            self._epoch(epoch)
            self.seconds += time.perf_counter() - start
            self.context.report(self.steps / self.last_step, "evaluating")
            scores = evaluate(self.model, self.test, self.settings.batch_size)
            self.context.curve("val/top1", self.steps, scores.top1)
            self.context.curve("val/loss", self.steps, scores.loss)
            self.context.log(
                f"epoch {epoch + 1}, step {self.steps} of {self.last_step}: test top-1 {scores.top1:.2f} %, "
                f"loss {scores.loss:.4f}; {self.images / self.seconds:.0f} images/s"
            )
            if self.steps == self.last_step:
                return Trained(scores, self.steps, self.steps // self.per_epoch, self.images, self.seconds)

    def _epoch(self, epoch: int) -> None:
        """One pass, or what is left of the last one. It ends in step with the device, so that it can be timed."""
        settings = self.settings
        rate = step_rate(settings.learning_rate, epoch, settings.lr_step_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        order, moves = self._draw(epoch)
        last = min(self.last_step - self.steps, self.per_epoch)
        with seeded(settings.seed, "layers", epoch):  # for layers that draw, such as dropout
            for number in range(1, last + 1):
                batch = slice((number - 1) * settings.batch_size, number * settings.batch_size)
                self._step(order[batch], None if moves is None else moves[batch])
                if number % self.window == 0 or number == last:
                    self.context.curve("train/loss", self.steps, self.watch.mean(self.steps))
                if self.steps % REPORT_EVERY == 1:
                    self.context.report(self.steps / self.last_step, "training")

    def _draw(self, epoch: int) -> tuple[Tensor, Tensor | None]:
        """The order of the images and how each is altered: functions of seed and epoch alone."""
        seed, count = self.settings.seed, len(self.part)
        order = torch.randperm(count, generator=generator(seed, "order", epoch)).to(self.device)
        if not self.settings.augment:
            return order, None
        return order, self.part.draw(generator(seed, "augmentation", epoch))

    def _step(self, index: Tensor, moves: Tensor | None) -> None:
        images, labels = self.part.take(index, moves)
        with autocast(self.device):
            loss = functional.cross_entropy(self.model(images), labels)
        self.steps += 1
        self.images += len(index)
        self.watch.add(loss, len(index), self.steps)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
