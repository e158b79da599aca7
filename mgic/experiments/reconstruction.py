"""How much of a network's first feature maps survives the way down to the coarsest channels and back?"""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator
from torch import Tensor

from mgic.data import DATASETS
from mgic.data.features import (
    SIDE,
    STRIDE,
    WIDTHS,
    Features,
    FirstLayer,
    Layer,
    first_layer,
    layer_of,
    own_convolution,
    own_network,
)
from mgic.data.gallery import COARSEST, SAMPLES, Gallery, chosen_channels
from mgic.data.pictures import AVAILABLE, Images, Pictures, load_pictures
from mgic.errors import BadConfig, Problem
from mgic.experiment import Context, Estimate, experiment
from mgic.layers import Coarsening, plan_levels
from mgic.layers.transfer_operators import TransferOperators
from mgic.measure.cost import count_cost
from mgic.models.config import canonical_spec, spec_of
from mgic.models.weights import Weighted, WeightsHash, load_trained
from mgic.records import Config as Fields
from mgic.records import Cost, InputRun, View
from mgic.training.fields import known
from mgic.training.reconstruct import Fit, Moments, fit, level_errors, matrix, pca_bound, product
from mgic.training.seed import seeded

BATCH = 16  # pictures at a time
OWN_SIDE = 112  # pixels, of pictures for a network trained here, which is made for small ones
DIGIT_SIDE = 8  # pixels; it reads the digits as they are
PANELS = ("inputs", "maps", "coarsest", "reconstructions", "errors", "restriction")


class Config(Weighted):
    """The defaults take what ships; the paper's are `features=resnet50 images=imagenet samples=1024`."""

    features: Literal[Features, "own"] = Field(
        "efficientnet_lite0",
        description="Whose first layer makes the maps: a network trained on ImageNet, or one with weights of your own",
    )
    network: str | None = Field(
        None,
        max_length=2000,
        validate_default=True,
        description="Of features=own: the network, as mgic_resnet20(group_size=8); that of `trained` is known",
    )
    trained_on: Annotated[str, known(DATASETS)] | None = Field(
        None,
        validate_default=True,
        description="Of features=own: the images that it was trained on; those of `trained` are known",
    )
    layer: Layer = Field(
        "convolution",
        description="Its maps as the convolution leaves them, or after the norm and the activation behind it",
    )
    images: Images = Field(
        "photographs",
        description="Pictures to take the maps of: those that come with scikit-image and scikit-learn, "
        "ImageNet's from the data folder, or handwritten digits",
    )
    samples: int = Field(
        16,
        ge=1,
        le=2048,
        validate_default=True,
        description="The first so many of them, in an order that is always the same",
        json_schema_extra={"unit": "images"},
    )
    group_size: int = Field(
        8, ge=1, le=1024, description="Channels per group of R and P", json_schema_extra={"unit": "channels"}
    )
    coarsest_size: int = Field(
        8,
        ge=1,
        le=1024,
        validate_default=True,
        description="Channels to encode on",
        json_schema_extra={"unit": "channels"},
    )
    coarsening: Coarsening = Field("paper", description="When the halving of the channels stops")
    iterations: int = Field(
        10_000,
        ge=1,
        le=100_000,
        description="Of L-BFGS at most; it ends when it has converged",
        json_schema_extra={"unit": "iterations"},
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="The first R and P derive from it; pictures do not")

    @classmethod
    def following(cls, asked: Fields, inputs: Mapping[str, InputRun]) -> Fields:
        """The network is that of the run, and what it was trained on."""
        followed = dict(asked)
        for field, run in inputs.items():
            for name, value in {"network": spec_of(run), "trained_on": str(run.config["dataset"])}.items():
                if followed.setdefault(name, value) != value:
                    raise _bad(name, f"{name} follows from {field}: it is {value}")
        return followed

    @model_validator(mode="before")
    @classmethod
    def _are_own(cls, asked: Any) -> Any:
        """Who gives weights, and does not say of which network, means their own."""
        given = isinstance(asked, dict) and (asked.get("weights") or asked.get("trained"))
        return {"features": "own", **asked} if given else asked

    @field_validator("features")
    @classmethod
    def _have_weights(cls, features: str, info: ValidationInfo) -> str:
        if {"weights", "trained"} <= info.data.keys() and (features == "own") != any(info.data.values()):
            raise ValueError("features=own and the weights of one's own, `trained` or `weights`, go together")
        return features

    @field_validator("network", "trained_on")
    @classmethod
    def _of_own(cls, value: str | None, info: ValidationInfo) -> str | None:
        own = info.data.get("features") == "own"
        if own == (value is None) and "features" in info.data:
            raise ValueError(f"features=own needs {info.field_name}" if own else "goes with features=own only")
        if value is None or info.field_name == "network":
            return value and canonical_spec(value)
        if network := info.data.get("network"):
            own_convolution(network, value)  # there is one, or that is said
        return value

    @field_validator("layer")
    @classmethod
    def _known_layer(cls, layer: str, info: ValidationInfo) -> str:
        if info.data.get("features") == "own" and layer != "convolution":
            raise ValueError("of an own network only layer=convolution is known")
        return layer

    @field_validator("samples")
    @classmethod
    def _there(cls, samples: int, info: ValidationInfo) -> int:
        images = info.data.get("images", "")
        if samples > AVAILABLE.get(images, samples):
            raise ValueError(f"of {images} there are {AVAILABLE[images]}")
        return samples

    @field_validator("coarsest_size")
    @classmethod
    def _coarser(cls, size: int, info: ValidationInfo) -> int:
        if not {"features", "network", "trained_on"} <= info.data.keys():
            return size
        maps = _maps(info.data["features"], info.data["network"], info.data["trained_on"])
        if size >= maps:
            raise ValueError(f"must be less than the {maps} channels of the maps, or nothing is encoded")
        return size

    @property
    def maps(self) -> int:
        """Channels of the feature maps."""
        return _maps(self.features, self.network, self.trained_on)

    @property
    def side(self) -> int:
        """Height and width of the pictures, pixels: what the layer was trained for, or about."""
        if self.features != "own":
            return SIDE
        return DIGIT_SIDE if self.images == "digits" else OWN_SIDE


def _maps(features: str, network: str | None, dataset: str | None) -> int:
    return WIDTHS.get(features) or own_convolution(str(network), str(dataset))[0]


class LevelRow(BaseModel):
    level: int = Field(description="0 is the finest", json_schema_extra={"key": True})
    width: int = Field(description="Channels of the level")
    effective_group_size: int = Field(description="Channels a group of the level's R and P really has")
    restriction_mse: float = Field(
        description="Of the finest maps, decoded from this level by the best full matrix: what R has lost"
    )
    prolongation_mse: float = Field(
        description="Of the finest maps, where the best full matrix encodes to this level: what P cannot express"
    )
    level_pca: float = Field(description="The least that any maps of this width could leave of the finest")


class Result(BaseModel):
    mse: float = Field(
        description="Mean squared error of an element of the feature maps, by a pass over all of them",
        json_schema_extra={"goal": "min"},
    )
    mse_pca: float = Field(description="The least that a linear map through as many channels can reach")
    relative_mse: float = Field(
        description="`mse` over the variance of the maps: the share that is lost", json_schema_extra={"goal": "min"}
    )
    relative_mse_pca: float = Field(description="`mse_pca` over the same")
    variance: float = Field(description="Of an element about the mean of its channel, averaged over the channels")
    params: int = Field(description="Parameters of R and P together", json_schema_extra={"goal": "min"})
    macs: int = Field(
        description="Multiply-accumulates of R and P together, for the maps of one picture",
        json_schema_extra={"goal": "min"},
    )
    maps: int = Field(description="Channels of the feature maps")
    map_side: int = Field(description="Height and width of a feature map", json_schema_extra={"unit": "pixels"})
    levels: list[LevelRow] = Field(description="One row a level, finest first")
    iterations_done: int = Field(description="Of L-BFGS", json_schema_extra={"unit": "iterations"})
    converged: bool = Field(description="Whether it ended because it gained nothing any more")
    seconds: float = Field(description="The fit alone", json_schema_extra={"unit": "s"})
    input_hash: str = Field(description="First 16 hex digits of the SHA-256 over the pictures and the layer's weights")
    weights_hash: WeightsHash


@lru_cache(maxsize=4096)
def _cost(maps: int, group_size: int, coarsest_size: int, coarsening: Coarsening, side: int) -> Cost:
    with torch.device("meta"):
        return count_cost(TransferOperators(maps, group_size, coarsest_size, coarsening), (maps, side, side))


def cost_at(config: Config, side: int) -> Cost:
    """Of the operators on maps of side x side pixels. Raises `BadConfig` for sizes that do not go together."""
    return _cost(config.maps, config.group_size, config.coarsest_size, config.coarsening, side)


def estimate(config: Config) -> Estimate:
    """The fit takes nearly all of it."""
    stride = STRIDE if config.features in WIDTHS else own_convolution(str(config.network), str(config.trained_on))[1]
    side = config.side // stride
    cost = cost_at(config, side)
    levels = plan_levels(config.maps, config.group_size, config.coarsest_size, config.coarsening)
    moments = float(config.samples * side**2 * config.maps**2)
    return Estimate(
        cost=cost,
        group_sizes=tuple(sorted({level.group_size for level in levels[:-1]}, reverse=True)),
        work_macs=moments + config.samples * cost.macs + 6.0 * len(levels) * config.maps**3 * config.iterations,
        batch_pixels=config.side**2 * min(BATCH, config.samples),
    )


@experiment(
    version=2,  # what a level loses is told right where maps have dead or equal channels
    title="Reconstruction from the coarsest channels",
    views=(
        View(title="Error against group size", x="group_size", y="mse", series="coarsest_size", log_x=True, log_y=True),
        View(title="Share of the variance that is lost", x="group_size", y="relative_mse", log_x=True, log_y=True),
        View(title="Error against parameters", kind="scatter", x="params", y="mse", log_x=True, log_y=True),
        View(
            title="What the restrictions down to each level lose",
            table="levels",
            x="level",
            y="restriction_mse",
            series="group_size",
        ),
        View(title="Reconstructions", kind="images", x="group_size", y="reconstructions.png"),
        View(
            title="Absolute errors, white is one standard deviation of the maps",
            kind="images",
            x="group_size",
            y="errors.png",
        ),
    ),
    estimate=estimate,
)
def reconstruction(config: Config, context: Context) -> Result:
    """Encode the first feature maps of a trained network on the coarsest channels and decode them, by R and P alone.

    No convolution blocks and no long skips are between them, so the problem is linear: it is fitted
    until it converges, and the bound of principal components stands beside its error (section 3, Table 1).
    """
    context.report(0.0, "preparing")
    with seeded(config.seed, "weights"):
        operators = TransferOperators(config.maps, config.group_size, config.coarsest_size, config.coarsening)
    layer, weights = _layer(config, context)
    pictures = load_pictures(config.images, config.samples, config.side, context.data_dir)
    moments = moments_of(config, layer, pictures, context)
    ended = fit(operators.double(), moments.second, config.iterations, _teller(config, context))
    mse, gallery = measure(operators, layer, pictures, context)
    context.report(0.98, "saving")
    gallery.save(context.artifact("gallery.npz"), {name: context.artifact(f"{name}.png") for name in PANELS})
    context.log(_words(operators, ended))
    context.report(1.0)
    inputs = hashlib.sha256(f"{pictures.hash} {layer.hash}".encode()).hexdigest()[:16]
    bound, side = pca_bound(moments.second, operators.levels[-1].channels), gallery.maps.shape[-1]
    return Result(
        mse=mse,
        mse_pca=bound,
        relative_mse=mse / moments.variance,
        relative_mse_pca=bound / moments.variance,
        variance=moments.variance,
        params=sum(one.weight.numel() for one in operators.transfers),
        macs=cost_at(config, side).macs,
        maps=config.maps,
        map_side=side,
        levels=_level_rows(operators, moments),
        iterations_done=ended.iterations,
        converged=ended.converged,
        seconds=ended.seconds,
        input_hash=inputs,
        weights_hash=weights,
    )


def _layer(config: Config, context: Context) -> tuple[FirstLayer, str | None]:
    """What makes the maps, and the hash of the file with its weights where that is one's own."""
    if config.features != "own":
        return first_layer(config.features, config.layer, context.data_dir), None
    network = own_network(str(config.network), str(config.trained_on))
    loaded = load_trained(network, config, context)
    return layer_of(network, DATASETS[str(config.trained_on)]), loaded.hash if loaded else None


def moments_of(config: Config, layer: FirstLayer, pictures: Pictures, context: Context) -> Moments:
    """The sums over all feature maps that the fit needs.

    Raises:
        BadConfig: The first layer makes maps without anything in them.
    """
    moments = Moments(config.maps)
    for number, batch in enumerate(batches := torch.split(pictures.pixels, BATCH)):
        moments.add(layer(batch))
        context.report(0.2 * (number + 1) / len(batches), "preparing")
    if not moments.variance > 0:
        raise _bad("images", "the feature maps of these pictures are constant: there is nothing to encode")
    return moments


@torch.no_grad()
def measure(
    operators: TransferOperators, layer: FirstLayer, pictures: Pictures, context: Context
) -> tuple[float, Gallery]:
    """The mean squared error of an element by a pass through the operators, and what is shown of it."""
    total, count = 0.0, 0
    for number, batch in enumerate(batches := torch.split(pictures.pixels, BATCH)):
        maps = layer(batch).double()
        coarsest = operators.restrict(maps)
        back = operators.prolong(coarsest)
        total += float(((back - maps) ** 2).sum())
        count += maps.numel()
        if number == 0:  # the pictures that are shown are the first ones
            gallery = _gallery(operators, pictures, maps, coarsest, back)
        context.report(0.8 + 0.18 * (number + 1) / len(batches), "evaluating")
    return total / count, gallery


def _gallery(operators: TransferOperators, pictures: Pictures, maps: Tensor, coarsest: Tensor, back: Tensor) -> Gallery:
    channels = chosen_channels(maps.shape[1])
    shown, returned = maps[:SAMPLES, channels], back[:SAMPLES, channels]
    restrict, prolong = operators.transfers[: len(operators.restrict)], operators.transfers[len(operators.restrict) :]
    matrices = {"restriction": product(restrict, maps.shape[1])}
    matrices |= {f"restriction_{level}": matrix(one) for level, one in enumerate(restrict)}
    matrices |= {f"prolongation_{level}": matrix(one) for level, one in enumerate(reversed(prolong))}
    return Gallery(
        names=pictures.names[:SAMPLES],
        channels=channels,
        inputs=pictures.pixels[:SAMPLES],
        maps=shown.float(),
        reconstructions=returned.float(),
        mse=((returned - shown) ** 2).mean((2, 3)),
        coarsest=coarsest[:SAMPLES, :COARSEST].float(),
        matrices=matrices,
    )


def _teller(config: Config, context: Context) -> Callable[[int, float], None]:
    def tell(iteration: int, mse: float) -> None:
        context.curve("recon/mse", iteration, mse)
        context.report(0.2 + 0.6 * iteration / config.iterations, "training")

    return tell


def _words(operators: TransferOperators, ended: Fit) -> str:
    widths = " -> ".join(str(level.channels) for level in operators.levels)
    sizes = ", ".join(str(level.group_size) for level in operators.levels[:-1])
    how = "converged" if ended.converged else "stopped"
    return f"{widths} channels in groups of {sizes}; {how} after {ended.iterations} iterations, mse {ended.mse:.6g}"


def _level_rows(operators: TransferOperators, moments: Moments) -> list[LevelRow]:
    return [
        LevelRow(
            level=level.level,
            width=level.channels,
            effective_group_size=level.group_size,
            restriction_mse=found.restriction_mse,
            prolongation_mse=found.prolongation_mse,
            level_pca=found.pca,
        )
        for level, found in zip(operators.levels, level_errors(operators, moments.second), strict=True)
    ]


def _bad(option: str, detail: str) -> BadConfig:
    return BadConfig(detail, (Problem(option, "does_not_fit", detail),))
