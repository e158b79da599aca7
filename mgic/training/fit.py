"""The training of a config: its network on its samples, where it computes, and the weights it leaves."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import safetensors.torch
import torch
from pydantic import BaseModel
from torch import nn

from mgic.errors import BadConfig
from mgic.experiment import Context
from mgic.measure.cost import model_totals
from mgic.models import create
from mgic.models.config import ModelConfig
from mgic.records import ModelCost
from mgic.training.checkpoint import Checkpoints
from mgic.training.fields import whole_shares
from mgic.training.hyperparameters import hyperparameters_of
from mgic.training.loop import Trained, train
from mgic.training.processes import FollowerContext, processes
from mgic.training.scoring import Objective
from mgic.training.seed import seeded
from mgic.training.shard import ALONE, Shard
from mgic.training.split import Split

C = TypeVar("C", bound=BaseModel)
R = TypeVar("R")
S = TypeVar("S", bound=Any)


@dataclass(frozen=True)
class Network:
    """A model by name with all its options, and the size of one sample, without the batch."""

    model: str
    options: Mapping[str, object]
    input_size: tuple[int, ...]

    @classmethod
    def of(cls, config: ModelConfig, input_size: tuple[int, ...], from_data: Mapping[str, int]) -> "Network":
        """The one a config names; `from_data` are the options that the data set decides."""
        return cls(config.model, {**config.options, **from_data}, input_size)

    @property
    def cost(self) -> ModelCost:
        """Of one sample."""
        return model_totals(self.model, self.options, self.input_size)

    def build(self, seed: int) -> nn.Module:
        """With the first weights that follow from the seed."""
        with seeded(seed, "weights"):
            return create(self.model, **self.options)


def fit(
    config: ModelConfig,
    network: Network,
    split: Split,
    test: Split,
    objective: Objective[S],
    context: Context,
    data_hash: str = "",
    shard: Shard = ALONE,
    validation: Split | None = None,
    begin: Callable[[nn.Module], str] = lambda _: "",
) -> tuple[nn.Module, Trained[S]]:
    """Build the network of a config and train it, or go on from the checkpoints of an attempt before.

    Args:
        config: With a field for each of `Hyperparameters` that has no default.
        network: What it names.
        split: To learn from.
        test: To be scored on.
        objective: Loss and scores.
        context: Told of progress, losses and scores.
        data_hash: A checkpoint of other data is not gone on with.
        shard: Which of several processes this one is.
        validation: To be scored on too, where samples are held out to choose by.
        begin: Gives the network, in the first process, other weights than it was built with, and says which: a
            checkpoint of a training that began with others is not gone on with.

    Raises:
        BadConfig: A process would get fewer than two samples of a batch, or the device does not compute in the
            precision of the config.
        Diverged: A loss or a score is not a finite number.
        Cancelled: The user stopped the run.
    """
    hyper = hyperparameters_of(config)
    if problems := whole_shares(shard.count, hyper.batch_size, len(split)):
        raise BadConfig(problems[0].detail, tuple(problems))
    model = network.build(hyper.seed)
    began = shard.told(begin(model) if shard.first else "")  # the others get the weights with the first step
    identity = json.dumps([config.model_dump(mode="json"), data_hash, *([began] if began else [])], sort_keys=True)
    checkpoints = Checkpoints(context.checkpoints, identity, context.saved)
    trained = train(model, split, test, hyper, objective, context, checkpoints, shard, validation)
    return model, replace(trained, began=began)


def together(
    work: Callable[[C, Context, Shard, torch.device], R], config: C, context: Context, count: int, device: torch.device
) -> R:
    """`work` in each of `count` processes, and what the first one's comes to; the others have nobody to report to.

    Args:
        work: A function of a module.
        config: Its first argument.
        context: Of the first process.
        count: 1 starts none.
        device: "cpu" or "cuda"; each process is told its own.

    Raises:
        BadConfig: Fewer GPUs than processes are visible here.
    """
    others = (work, config, device.type, context.data_dir, context.checkpoints)
    with processes(count, device, _follow, others) as (shard, own):
        found = work(config, context, shard, own)
    return found


def _follow(
    work: Callable[[C, Context, Shard, torch.device], object],
    config: C,
    kind: str,
    data_dir: Path,
    checkpoints: Path,
    shard: Shard,
    device: torch.device,
) -> None:
    work(config, FollowerContext(kind, data_dir, checkpoints), shard, device)


def pick_device(asked: Literal["auto", "cpu", "cuda"], context: Context) -> torch.device:
    """The device of the config, or where it leaves that open, the one of the context.

    Raises:
        BadConfig: A GPU is asked for, and there is none.
    """
    name = context.device if asked == "auto" else asked
    if name == "cuda" and not torch.cuda.is_available():
        raise BadConfig("device=cuda, but PyTorch finds no GPU here; take device=auto or device=cpu")
    return torch.device(name)


def save_weights(model: nn.Module, config: BaseModel, path: Path) -> None:
    """The state dict, and under `config` in its metadata what the model was built and trained with."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    metadata = {"config": json.dumps(config.model_dump(mode="json"), sort_keys=True)}
    # Not save_file: it reports a full disk as an error of its own, and not as an OSError.
    path.write_bytes(safetensors.torch.save(state, metadata))
