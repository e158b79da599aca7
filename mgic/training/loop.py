"""Train a network, score it after each epoch, and be able to go on after an interruption as if there had been none."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mgic.experiment import Context
from mgic.training.checkpoint import Checkpoints, State, random_state, set_random_state
from mgic.training.hyperparameters import Hyperparameters
from mgic.training.loss_watch import LossWatch
from mgic.training.precision import autocast, check_precision, exact_float32, grad_scaler
from mgic.training.schedule import cosine_rate, poly_rate, step_rate, steps_per_epoch, total_steps
from mgic.training.scoring import Objective, Scored, caution
from mgic.training.seed import generator, seeded
from mgic.training.shard import ALONE, Shard
from mgic.training.split import Split

REPORT_EVERY = 10  # steps between two reports of progress
LOSS_POINTS = 100  # about as many points has the curve of the training loss; at least one an epoch

S = TypeVar("S", bound=Any)


@dataclass(frozen=True)
class Trained(Generic[S]):
    """What a training came to. `seconds` are those of the steps alone, without evaluation."""

    scores: S  # of the test split, after the last step
    steps: int
    epochs: int  # whole passes over the training samples
    images: int  # samples trained on, over all processes
    seconds: float
    resumed: bool = False  # an interrupted attempt was gone on with
    validation: S | None = None  # the scores of the split that was held out, if there is one
    caution: str | None = None  # in words, why its answers are no better than a guess
    began: str = ""  # the hash of the file that it began with the weights of
    stopped: bool = False  # before its end, by a search

    @property
    def speed(self) -> float:
        """Samples a second."""
        return self.images / self.seconds


def train(
    model: nn.Module,
    split: Split,
    test: Split,
    hyper: Hyperparameters,
    objective: Objective[S],
    context: Context,
    checkpoints: Checkpoints | None = None,
    shard: Shard = ALONE,
    validation: Split | None = None,
) -> Trained[S]:
    """Train `model` in place on `split`, and on its device, where images' weights come to lie channels last.

    That layout takes a third off a step of an MGIC network on a CPU (1 thread, 8x8 and 32x32 images).

    Args:
        model: On any device.
        split: To learn from; each process has all of it, and takes its share of every batch.
        test: To be scored on, after every epoch.
        hyper: How.
        objective: Loss and scores.
        context: Told of progress, losses and scores.
        checkpoints: Read before the first step, written after each epoch; None: it cannot be gone on with.
        shard: Which of several processes this one is.
        validation: To be scored on too, where samples are held out to choose by.

    Raises:
        BadConfig: The device does not compute in the precision of the hyperparameters.
        Diverged: A loss or a score is not a finite number.
        Cancelled: The user stopped the run.
    """
    check_precision(hyper.precision, split.device)
    if any(p.dim() == 4 for p in model.parameters()):
        model.to(split.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    else:
        model.to(split.device)
    splits = {"test": test} if validation is None else {"val": validation, "test": test}
    with exact_float32():
        return _Training(model, split, splits, hyper, objective, context, checkpoints, shard).run()


class _Training:
    """One training: what stays fixed, and how far it has come."""

    def __init__(
        self,
        model: nn.Module,
        split: Split,
        scored: Mapping[str, Split],
        hyper: Hyperparameters,
        objective: Objective[Any],
        context: Context,
        checkpoints: Checkpoints | None,
        shard: Shard,
    ) -> None:
        self.model, self.split, self.scored, self.hyper, self.context = model, split, scored, hyper, context
        self.objective, self.checkpoints, self.shard = objective, checkpoints, shard
        self.device = split.device
        self.optimizer = _optimizer(model, hyper)
        self.scaler = grad_scaler(self.device, hyper.precision)
        self.stepped = shard.wrap(model, self.device)
        self.average = (
            AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(hyper.ema), use_buffers=True)  # type: ignore[no-untyped-call]
            if hyper.ema
            else None
        )
        self.watch = LossWatch(self.device)
        self.per_epoch = steps_per_epoch(len(self.split), hyper.batch_size)
        self.last_step = total_steps(len(self.split), hyper.batch_size, hyper.epochs, hyper.max_steps)
        self.epochs = math.ceil(self.last_step / self.per_epoch)  # begun; after each it is scored
        self.window = math.ceil(self.per_epoch / max(1, LOSS_POINTS // self.epochs))
        self.stopped = False  # before its end
        self.better = False  # than a constant answer, after one of them
        self.steps = self.images = 0
        self.seconds = 0.0
        self.since = 0.0  # the clock, where `seconds` was last brought up to date
        self.drawn: State | None = None  # of the generators, where an epoch is gone on with in its middle

    def run(self) -> Trained[Any]:
        resumed = self._resume()
        found = self._score() if self.steps == self.last_step else {}
        while self.steps < self.last_step and not self.stopped:
            epoch = self.steps // self.per_epoch
            self.since = time.perf_counter()
            self._epoch(epoch)
            self._take_time()
            found = self._score()
            self._save()
            self.stopped = self.steps < self.last_step and self.shard.told(self.context.stop_wanted())
        if self.average is not None:
            self.model.load_state_dict(self.average.module.state_dict())
        test, validation = found.get("test"), found.get("val")
        why = caution(test, self.better) if test else None
        if why:
            self.context.log(why)
        if self.stopped:
            self.context.log(f"ended early, after step {self.steps} of {self.last_step}: its search has better ones")
        return Trained(
            scores=test.scores if test else None,
            steps=self.steps,
            epochs=self.steps // self.per_epoch,
            images=self.images,
            seconds=self.seconds,
            resumed=resumed,
            validation=validation.scores if validation else None,
            caution=why,
            stopped=self.stopped,
        )

    def _take_time(self) -> None:
        now = time.perf_counter()
        self.seconds += now - self.since
        self.since = now

    def _score(self) -> dict[str, Scored[Any]]:
        """Only the first process scores; the others wait for it at the next step they take together."""
        if not self.shard.first:
            return {}
        self.context.report(self.steps / self.last_step, "evaluating")
        model = self.model if self.average is None else self.average.module
        found, told = {}, []
        for name, split in self.scored.items():
            found[name] = self.objective.score(model, split, self.hyper.batch_size)
            scores = asdict(found[name].scores)
            for score, value in scores.items():
                self.context.curve(f"{name}/{score}", self.steps, value)
            told.append(f"{name} " + ", ".join(f"{score} {value:.4g}" for score, value in scores.items()))
        self.better = self.better or found["test"].beats_constant(self.epochs)
        speed = f"; {self.images / self.seconds:.0f} samples/s" if self.seconds else ""
        epoch = math.ceil(self.steps / self.per_epoch)
        self.context.log(f"epoch {epoch}, step {self.steps} of {self.last_step}: {'; '.join(told)}{speed}")
        return found

    def _epoch(self, epoch: int) -> None:
        """One pass, or what is left of the last one. It ends in step with the device, so that it can be timed."""
        hyper = self.hyper
        self.model.train()
        order, moves = self._draw(epoch)
        first, last = self.steps % self.per_epoch, min(self.last_step - epoch * self.per_epoch, self.per_epoch)
        with seeded(hyper.seed, "layers", epoch, *self.shard.path):  # for layers that draw, such as dropout
            if self.drawn is not None:
                set_random_state(self.drawn, self.device)
                self.drawn = None
            stream = self.split.stream([self._mine(order, moves, number) for number in range(first, last)])
            for number, (samples, targets) in enumerate(stream, first + 1):
                self._set_rate(epoch)
                self._step(min(hyper.batch_size, len(order) - (number - 1) * hyper.batch_size), samples, targets)
                if number % self.window == 0 or number == last:
                    self.context.curve("train/loss", self.steps, self.shard.mean(self.watch.mean(self.steps)))
                if self.steps % REPORT_EVERY == 1:
                    self.context.report(self.steps / self.last_step, "training")
                if number == last or self.shard.count > 1:  # what others draw they alone know: they wait for the end
                    continue
                if self.context.stop_wanted():  # it is scored here, and no further
                    break
                if self.context.checkpoint_wanted():
                    self._take_time()
                    self._save()

    def _set_rate(self, epoch: int) -> None:
        hyper = self.hyper
        if hyper.schedule == "cosine":
            rate = cosine_rate(hyper.learning_rate, self.steps, self.last_step)
        elif hyper.schedule == "poly":
            rate = poly_rate(hyper.learning_rate, self.steps, self.last_step)
        else:
            rate = step_rate(hyper.learning_rate, epoch, hyper.lr_step_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _draw(self, epoch: int) -> tuple[Tensor, Tensor | None]:
        """The order of the samples and how each is altered: functions of seed and epoch alone."""
        seed, count = self.hyper.seed, len(self.split)
        order = torch.randperm(count, generator=generator(seed, "order", epoch)).to(self.device)
        if not self.hyper.augment:
            return order, None
        return order, self.split.draw(generator(seed, "augmentation", epoch))

    def _mine(self, order: Tensor, moves: Tensor | None, number: int) -> tuple[Tensor, Tensor | None]:
        """The samples of batch `number` that this process takes, and how they are altered."""
        size = self.hyper.batch_size
        whole = order[number * size : (number + 1) * size]
        share = self.shard.of(len(whole))
        drawn = None if moves is None else moves[number * size : (number + 1) * size][share]
        return whole[share], drawn

    def _step(self, batch: int, samples: Tensor, targets: Tensor) -> None:
        with autocast(self.device, self.hyper.precision):
            loss = self.objective.loss(self.stepped(samples), targets)
        self.steps += 1
        self.images += batch
        self.watch.add(loss, len(samples), self.steps)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update_parameters(self.model)

    def _save(self) -> None:
        if self.checkpoints is None or not self.shard.first:
            return
        state = {
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "steps": self.steps,
            "images": self.images,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "better": self.better,
            "average": None if self.average is None else self.average.state_dict(),
            "watch": self.watch.state(),
            "random": dict(random_state(self.device)),
        }
        self.checkpoints.write(self.steps, state)

    def _resume(self) -> bool:
        """Go on from the newest checkpoint, if there is one of this very training."""
        state = None if self.checkpoints is None else self.checkpoints.read(self.context.log)
        if state is None:
            return False
        self._tell_differences(state)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        self.better = state["better"]
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.watch.load(state["watch"])
        self.steps, self.images, self.seconds = state["steps"], state["images"], state["seconds"]
        self.drawn = state["random"] if self.steps % self.per_epoch else None
        self.context.resumed(self.steps)
        self.context.log(f"gone on with after step {self.steps} of {self.last_step}")
        return True

    def _tell_differences(self, state: State) -> None:
        """The same result is promised on the same version of torch with the same number of threads only."""
        for name, now in (("torch", str(torch.__version__)), ("threads", torch.get_num_threads())):
            if state[name] != now:
                self.context.log(f"{name} was {state[name]} and is {now}: the result may differ in its last digits")


def _optimizer(model: nn.Module, hyper: Hyperparameters) -> torch.optim.Optimizer:
    if hyper.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=hyper.learning_rate, weight_decay=hyper.weight_decay)
    return torch.optim.SGD(
        model.parameters(),
        lr=hyper.learning_rate,
        momentum=hyper.momentum,
        weight_decay=hyper.weight_decay,
    )
