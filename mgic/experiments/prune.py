"""How well does a network classify after it was pruned to a budget of multiply-accumulates?"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Self

import torch
from pydantic import BaseModel, Field, model_validator
from torch import nn

from mgic.data import DATASETS
from mgic.errors import BadConfig, Problem
from mgic.experiment import Context, Estimate, experiment
from mgic.experiments import classification
from mgic.measure.cost import count_cost
from mgic.models import create
from mgic.models.config import model_field
from mgic.models.weights import WeightsHash, load_trained
from mgic.records import Config as Asked
from mgic.records import InputRun, View
from mgic.tasks.classification import Scores
from mgic.tasks.learning import Caution, Data, DatasetHash, NoBetter, scores_of, validated
from mgic.tasks.learning import estimate as estimate_learning
from mgic.training import (
    Hyperparameters,
    Objective,
    Trained,
    derive,
    hyperparameters_of,
    pick_device,
    save_weights,
    train,
)
from mgic.training.channel_groups import grouped_convolution, load_pruned, save_structure, torch_pruning, widths
from mgic.training.estimate import BACKWARD
from mgic.training.phase import Phase, phases
from mgic.training.pruning import Method, Scope, scale_penalty
from mgic.training.pruning.anew import anew
from mgic.training.pruning.removal import BY_LAYER, SEARCHED, TAYLOR_BATCHES, Pruning, check_budget, remove_channels
from mgic.training.schedule import total_steps


class Config(classification.Config):
    """The defaults train as `classification` does; length and rate of the fine-tuning are Li et al.'s for CIFAR-10."""

    model: str = model_field("resnet20", task="image classification")
    processes: int = Field(1, ge=1, le=1, description="A network that is pruned is trained by one process")
    max_steps: int | None = Field(
        None,
        ge=1,
        le=10**7,
        description="Stop the training after so many steps, and the fine-tuning too; empty for no such limit",
        json_schema_extra={"unit": "steps"},
    )
    method: Method = Field(
        "l1",
        description="What makes a channel important: the absolute weights of its filter (l1), its BatchNorm's part in "
        "the loss (taylor_bn), its BatchNorm's scale, kept small while training (bn_sparsity), all its weights "
        "(group_l2), the next layer's output (thinet), that output's regression on the channels (cp), what the last "
        "responses need of it (nisp); or what a layer keeps, found by an actor-critic (amc), or by an evolution over "
        "networks whose weights another network makes, the best one then trained anew (metapruning)",
    )
    macs_ratio: float = Field(
        0.5, ge=0.01, lt=1, description="Multiply-accumulates that may be left, as a share of the whole network's"
    )
    scope: Scope = Field(
        "local", description="The same share of every layer (local), or the least important of all layers (global)"
    )
    iterations: int = Field(
        1, ge=1, le=100, description="Removals on the way to the budget, each ranks the channels that are left"
    )
    sparsity: float = Field(1e-4, ge=0, le=1, description="Weight of the sum of BatchNorm scales (bn_sparsity only)")
    calibration_images: int = Field(
        1024,
        ge=2,
        le=10**6,
        description="Training images that thinet, cp and nisp look at, and by which amc and metapruning judge, where "
        "none are held out; all where there are no more",
        json_schema_extra={"unit": "images"},
    )
    search_trials: int = Field(400, ge=1, le=10**5, description="Networks that are tried (amc and metapruning only)")
    search_epochs: int = Field(
        25,
        ge=1,
        le=1000,
        description="Passes over the training images in which the network that makes weights is trained (metapruning "
        "only)",
        json_schema_extra={"unit": "epochs"},
    )
    finetune_epochs: int = Field(
        40,
        ge=1,
        le=1000,
        description="Passes over the training images after pruning; metapruning takes `epochs`",
        json_schema_extra={"unit": "epochs"},
    )
    finetune_learning_rate: float = Field(
        0.001,
        gt=0,
        le=1000,
        description="Of SGD, in the first epoch after pruning; it falls as in training; metapruning takes "
        "`learning_rate`",
    )

    @property
    def pruning(self) -> Pruning:
        return Pruning(
            method=self.method,
            macs_ratio=self.macs_ratio,
            scope=self.scope,
            iterations=self.iterations,
            images=self.calibration_images,
            trials=self.search_trials,
            batch_size=self.batch_size,
            seed=self.seed,
        )

    @classmethod
    def following(cls, asked: Asked, inputs: Mapping[str, InputRun]) -> Asked:
        """Where the run has held images out, or this one is to, they are the same: the others have been learnt."""
        followed = super().following(asked, inputs)
        for field, run in inputs.items():
            if not (run.config.get("validation_share") or followed.get("validation_share")):
                continue
            for name in ("validation_share", "seed"):
                value = run.config.get(name, 0)
                if followed.setdefault(name, value) != value:
                    words = f"{name} follows from {field}, by which images were held out: it is {value}"
                    raise BadConfig(words, (Problem(name, "follows", words),))
        return followed

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        problems = []
        if self.method in (*BY_LAYER, *SEARCHED) and self.scope == "global":
            detail = f"{self.method} compares no channels of unlike layers: scope has to be local"
            problems.append(Problem("scope", "not_comparable", detail))
        if self.method in SEARCHED and self.iterations > 1:
            problems.append(Problem("iterations", "at_once", f"{self.method} goes to the budget at once: iterations=1"))
        if self.method == "bn_sparsity" and self.from_file:
            detail = "bn_sparsity needs a training of its own, in which the scales of norms are kept small"
            problems.append(Problem("weights" if self.trained is None else "trained", "trained_otherwise", detail))
        if problems:
            raise self._located(problems)
        return self

    @model_validator(mode="after")
    def _can_be_pruned(self) -> Self:
        name, _ = _known(self)
        if name is not None:
            detail = (
                f"{self.model} cannot be pruned: its convolution {name} is grouped, and without single channels its "
                "groups would differ in size"
            )
            raise self._located([Problem("model", "grouped", detail)])
        return self


class Result(BaseModel):
    top1: float = Field(
        description="Test images whose class is the first answer, after fine-tuning",
        json_schema_extra={"unit": "%", "goal": "max"},
    )
    top5: float = Field(
        description="Test images whose class is among the first five answers, after fine-tuning; 100 by definition "
        "up to five classes",
        json_schema_extra={"unit": "%", "goal": "max"},
    )
    test_loss: float = Field(
        description="Mean cross-entropy of the test images, after fine-tuning",
        json_schema_extra={"unit": "nats", "goal": "min"},
    )
    val_top1: float | None = validated("top1", unit="%", goal="max")
    val_top5: float | None = validated("top5", unit="%", goal="max")
    val_loss: float | None = validated("test_loss", unit="nats", goal="min")
    top1_before: float = Field(
        description="`top1` of the whole network, trained; nothing of it is in what metapruning leaves",
        json_schema_extra={"unit": "%"},
    )
    top1_pruned: float = Field(
        description="`top1` once pruned, before fine-tuning; of metapruning with the weights that were made for it",
        json_schema_extra={"unit": "%", "goal": "max"},
    )
    params: int = Field(description="Trainable parameters once pruned", json_schema_extra={"goal": "min"})
    macs: int = Field(description="Multiply-accumulates of one image once pruned", json_schema_extra={"goal": "min"})
    transfer_macs: int = Field(description="Share of R and P in `macs`: 0, for networks with them are not pruned")
    params_before: int = Field(description="Trainable parameters of the whole network")
    macs_before: int = Field(description="Multiply-accumulates of one image of the whole network")
    macs_ratio_reached: float = Field(description="`macs` / `macs_before`, at most `macs_ratio`")
    channels_removed: int = Field(description="Filters that are gone, of all convolutions and linear layers")
    seconds: float = Field(
        description="Training and fine-tuning, without evaluation, pruning and what a search trains",
        json_schema_extra={"unit": "s"},
    )
    steps: int = Field(description="Batches trained on before pruning; 0 where weights are those of a file or a run")
    finetune_steps: int = Field(
        description="Batches trained on after pruning; of metapruning from fresh weights, as the whole network is"
    )
    resumed: bool = Field(description="Whether an interrupted attempt was gone on with")
    no_better_than_guessing: NoBetter
    caution: Caution
    dataset_hash: DatasetHash
    weights_hash: WeightsHash = None


def estimate(config: Config) -> Estimate:
    """The cost is the whole network's; the work is that of training, ranking and fine-tuning."""
    training = estimate_learning(config)
    macs = float(training.cost.macs)
    tuning = estimate_learning(tuning_of(config))
    made = estimate_learning(config.model_copy(update={"epochs": config.search_epochs})).work_macs / macs
    images, layers = config.iterations * config.calibration_images, _known(config)[1]
    passes = {
        "taylor_bn": (1 + BACKWARD) * config.iterations * TAYLOR_BATCHES * config.batch_size,
        "thinet": images * layers,
        "cp": 2 * images * layers,
        "nisp": images,
        "amc": config.macs_ratio * config.search_trials * images,
        "metapruning": made + 2 * config.macs_ratio * config.search_trials * images,
    }
    pruned = config.macs_ratio * (tuning.work_macs + macs * DATASETS[config.dataset].test)  # tested before it, too
    work = macs * DATASETS[config.dataset].test if config.from_file else training.work_macs
    return replace(training, work_macs=work + macs * passes.get(config.method, 0) + pruned)


def tuning_of(config: Config) -> Config:
    """With the length of the training after pruning."""
    if config.method == "metapruning":
        return config
    return config.model_copy(update={"epochs": config.finetune_epochs, "learning_rate": config.finetune_learning_rate})


@experiment(
    title="Pruning to a budget",
    views=(
        View(
            title="Accuracy against MACs",
            kind="scatter",
            x="macs",
            y="top1",
            series="method",
            log_x=True,
            chosen_by="val_top1",
        ),
        View(title="Accuracy against the budget", x="macs_ratio", y="top1", series="method", chosen_by="val_top1"),
        View(title="Accuracy before fine-tuning", x="macs_ratio", y="top1_pruned", series="method"),
        View(
            title="Accuracy against parameters",
            kind="scatter",
            x="params",
            y="top1",
            series="method",
            log_x=True,
            chosen_by="val_top1",
        ),
    ),
    version=2,
    estimate=estimate,
)
def prune(config: Config, context: Context) -> Result:
    """Train a network, take its least important channels out until it fits a budget, train on, and test it.

    With weights of a file or of a trained run nothing is trained before channels go.
    The budget is a share of the multiply-accumulates. Channels that are added to each other go together; where a
    shortcut pads channels, they stay, so that CIFAR ResNets are pruned inside their blocks. Leaves the weights as
    model.safetensors and the channels of each layer before and after as structure.json.
    """
    torch_pruning()
    device = pick_device(config.device, context)
    context.report(0.0, "preparing")
    data = config.read(context.data_dir, device).held_out(config.validation_share, config.seed)
    model, size = config.network.build(config.seed), DATASETS[config.dataset].shape
    loaded = load_trained(model, config, context)
    before, widths_before = count_cost(model, size), widths(model)
    penalised = check_budget(model, size, config.model, config.pruning)
    first, making, pruning, last = _phases(context, config, len(data.train))
    objective = config.objective(data)
    learn = partial(train, split=data.train, test=data.test, objective=objective, validation=data.validation)
    if loaded is None:
        with scale_penalty(model.to(device), penalised, config.sparsity):
            kept = first.checkpoints_of(config, data.hash)
            trained = learn(model, hyper=hyperparameters_of(config), context=first, checkpoints=kept)
    else:
        scored = objective.score(model.to(device), data.test, config.batch_size)
        trained = Trained(scored.scores, steps=0, epochs=0, images=0, seconds=0.0)
    of = [data.hash, *([loaded.hash] if loaded else [])]
    top1_pruned = _pruned(model, data, config, objective, learn, of, making, pruning)
    kept = last.checkpoints_of(config, *of, widths(model))
    if first.was_over and kept.read(context.log) is None:
        last.resumed(0)
    tuned = learn(model, hyper=_tuning(config), context=last, checkpoints=kept)
    context.report(1.0, "saving")
    after, widths_after = count_cost(model, size), widths(model)
    save_weights(model, config, context.artifact("model.safetensors"))
    save_structure(config.model, size, widths_before, widths_after, context.artifact("structure.json"))
    return Result(
        **scores_of(tuned),
        top1_before=trained.scores.top1,
        top1_pruned=top1_pruned,
        params=after.params,
        macs=after.macs,
        transfer_macs=after.transfer_macs,
        params_before=before.params,
        macs_before=before.macs,
        macs_ratio_reached=after.macs / before.macs,
        channels_removed=sum(widths_before[name][1] - outputs for name, (_, outputs) in widths_after.items()),
        seconds=trained.seconds + tuned.seconds,
        steps=trained.steps,
        finetune_steps=tuned.steps,
        resumed=trained.resumed,
        no_better_than_guessing=tuned.caution is not None,
        caution=tuned.caution,
        dataset_hash=data.hash,
        weights_hash=loaded.hash if loaded else None,
    )


def _tuning(config: Config) -> Hyperparameters:
    """As the training, but in another order, and with a length and a learning rate of its own."""
    return replace(hyperparameters_of(tuning_of(config)), seed=derive(config.seed, "fine-tuning"))


def _phases(context: Context, config: Config, images: int) -> list[Phase]:
    """The training, of no steps where a trained network is pruned, that of `metapruning`, pruning, and fine-tuning."""
    epochs = {
        "training": 0 if config.from_file else config.epochs,
        "making-weights": config.search_epochs if config.method == "metapruning" else 0,
        "pruning": 0,
        "fine-tuning": tuning_of(config).epochs,
    }
    steps = {name: total_steps(images, config.batch_size, count, config.max_steps) for name, count in epochs.items()}
    return phases(context, list(steps.items()))


def _pruned(
    model: nn.Module,
    data: Data,
    config: Config,
    objective: Objective[Scores],
    learn: Callable[..., object],
    of: Sequence[str],
    making: Phase,
    pruning: Phase,
) -> float:
    """Take channels out of the model in place, unless an attempt before has: top-1 then."""
    kept = pruning.checkpoints_of(config, *of)
    if (known := kept.read(pruning.log)) is not None:
        load_pruned(model, known["model"])
        return float(known["top1"])
    judged = data.train if data.validation is None else data.validation

    def going_on() -> None:
        pruning.report(0.0, "pruning")

    if config.method == "metapruning":

        def learn_making(network: nn.Module) -> None:
            seed = derive(config.seed, "making-weights")
            hyper = replace(hyperparameters_of(config), seed=seed, epochs=config.search_epochs)
            learn(network, hyper=hyper, context=making, checkpoints=making.checkpoints_of(config, *of))

        fresh, pruned = anew(config.network, learn_making, data.train, judged, config.pruning, going_on)
        load_pruned(model, fresh.state_dict())
    else:
        remove_channels(model, data.train, judged, config.network.input_size, config.pruning, going_on)
        pruned = model
    scores = objective.score(pruned.to(data.train.device), data.test, config.batch_size).scores
    pruning.log(f"test top-1 {scores.top1:.2f} %, loss {scores.loss:.4f}")
    kept.write(0, {"model": model.state_dict(), "top1": scores.top1})
    return scores.top1


def _known(config: Config) -> tuple[str | None, int]:
    """What `grouped_convolution` finds in the network, and how many convolutions it has."""
    return _looked_at(config.model, json.dumps(config.options, sort_keys=True))


@lru_cache(maxsize=4096)
def _looked_at(model: str, options: str) -> tuple[str | None, int]:
    """Nothing, and 0, of one that cannot be built, which `estimate` refuses."""
    try:
        with torch.device("meta"):
            network = create(model, **json.loads(options))
    except BadConfig:
        return None, 0
    return grouped_convolution(network), sum(isinstance(layer, nn.Conv2d) for layer in network.modules())
