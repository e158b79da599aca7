"""Multiply-accumulates that were printed elsewhere, by others, each to the digits that were printed.

torchvision prints them, counted by its maintainers, with the weights it offers. The papers print
them as FLOPs or MACs, one for a multiplication and an addition.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import timm
import torch
import torchvision

from mgic.measure.cost import count_cost

TORCHVISION = [
    "alexnet",
    "vgg16",
    "densenet121",
    "resnet18",
    "resnet50",
    "resnet152",
    "resnext50_32x4d",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "shufflenet_v2_x1_0",
    "squeezenet1_0",
    "mnasnet1_0",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "convnext_tiny",
    "vit_b_16",
    "vit_b_32",
    "vit_l_32",
    "swin_t",
    "swin_s",
    "swin_v2_t",
    "maxvit_t",
]

PAPERS = [  # a network of timm at 224x224, billions as printed, where
    ("resnext50_32x4d", "4.2", "Xie et al., table 1, https://arxiv.org/abs/1611.05431"),
    ("efficientnet_b0", "0.39", "Tan and Le, table 2, https://arxiv.org/abs/1905.11946"),
    ("ghostnet_100", "0.141", "Han et al., table 7, https://arxiv.org/abs/1911.11907"),
    ("rexnet_100", "0.40", "Han et al., https://arxiv.org/abs/2007.00992"),
    ("swin_tiny_patch4_window7_224", "4.5", "Liu et al., table 1, https://arxiv.org/abs/2103.14030"),
    ("swin_small_patch4_window7_224", "8.7", "Liu et al., table 1, https://arxiv.org/abs/2103.14030"),
    ("tnt_s_patch16_224", "5.2", "Han et al., https://arxiv.org/abs/2103.00112"),
    ("levit_128s", "0.305", "Graham et al., https://arxiv.org/abs/2104.01136"),
    ("visformer_tiny", "1.3", "Chen et al., https://arxiv.org/abs/2104.12533"),
    ("resmlp_12_224", "3.0", "Touvron et al., table 1, https://arxiv.org/abs/2105.03404"),
    ("pvt_v2_b0", "0.6", "Wang et al., https://arxiv.org/abs/2106.13797"),
    ("poolformer_s12", "1.8", "Yu et al., https://arxiv.org/abs/2111.11418"),
    ("convnext_tiny", "4.5", "Liu et al., table 1, https://arxiv.org/abs/2201.03545"),
    ("focalnet_tiny_srf", "4.4", "Yang et al., https://arxiv.org/abs/2203.11926"),
    ("davit_tiny", "4.5", "Ding et al., https://arxiv.org/abs/2204.03645"),
    ("efficientformer_l1", "1.3", "Li et al., https://arxiv.org/abs/2206.01191"),
    ("tiny_vit_5m_224", "1.3", "Wu et al., https://arxiv.org/abs/2207.10666"),
    ("convnextv2_atto", "0.55", "Woo et al., https://arxiv.org/abs/2301.00808"),
]

# One of each way to multiply, small ones: plain, grouped, depthwise, dense, of attention, of pooling, of tokens alone.
STANDING = ("alexnet", "resnet18", "resnext50_32x4d", "mobilenet_v2", "squeezenet1_0", "mnasnet1_0", "vit_b_16")
STANDING += ("swin_t", "ghostnet_100", "poolformer_s12", "resmlp_12_224", "levit_128s", "convnextv2_atto")


def of_each_kind(rows: Iterable[tuple[str, ...]]) -> Iterator[Any]:
    for row in rows:
        yield pytest.param(*row, id=row[0], marks=() if row[0] in STANDING else pytest.mark.thorough)


def billions(macs: int, printed: Decimal) -> Decimal:
    """Rounded to as many digits as are printed."""
    return (Decimal(macs) / 10**9).quantize(printed)


@pytest.mark.parametrize("name", list(of_each_kind((name,) for name in TORCHVISION)))
def test_what_torchvision_prints_beside_its_weights(name):
    weights = torchvision.models.get_model_weights(name).DEFAULT
    (side,) = weights.transforms().crop_size
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None)
    printed = Decimal(str(weights.meta["_ops"]))
    assert billions(count_cost(network, (3, side, side)).macs, printed) == printed


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "printed", "source"), list(of_each_kind(PAPERS)))
def test_what_a_paper_prints(name, printed, source):
    with torch.device("meta"):
        network = timm.create_model(name, pretrained=False)
    assert billions(count_cost(network, (3, 224, 224)).macs, Decimal(printed)) == Decimal(printed), source
