"""MobileNeXt: what it costs beside the printed figures, and the form of its blocks."""

from math import ceil

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.measure.cost import count_cost, model_cost
from mgic.models import create
from mgic.models.mobilenext import Sandglass

WIDTHS_OF_BLOCKS = [96, 144, *[192] * 3, *[288] * 3, *[384] * 4, *[576] * 4, *[960] * 3, 1280]
STRIDES = [2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("width_mult", "params_m", "macs_m", "printed_params_m", "printed_macs_m"),
    [
        (0.35, 1.914, 75.1, 1.8, 80),
        (0.5, 2.152, 103.3, 2.1, 110),
        (0.75, 2.766, 207.9, 2.5, 210),
        (1.0, 3.535, 311.3, 3.4, 300),
        (1.4, 6.126, 588.3, 6.1, 590),
    ],
)
def test_costs_as_counted_apart_and_near_the_print(width_mult, params_m, macs_m, printed_params_m, printed_macs_m):
    cost = model_cost("mobilenext", {"width_mult": width_mult}, (3, 224, 224))
    assert (round(cost.params / 1e6, 3), round(cost.macs / 1e6, 1)) == (params_m, macs_m)
    assert cost.params / 1e6 == pytest.approx(printed_params_m, rel=0.11)
    assert cost.macs / 1e6 == pytest.approx(printed_macs_m, rel=0.07)


def test_the_blocks_are_those_of_the_table():
    blocks = list(create("mobilenext").blocks)
    convolutions = [[m for m in block.modules() if isinstance(m, nn.Conv2d)] for block in blocks]
    assert [found[-1].out_channels for found in convolutions] == WIDTHS_OF_BLOCKS
    strides = [max(convolution.stride[0] for convolution in found) for found in convolutions]
    assert strides == STRIDES
    # Five rows have several blocks, and each of these begins with one without the first depthwise convolution.
    thin = [place for place, found in enumerate(convolutions) if found[0].groups == 1]
    assert thin == [2, 5, 8, 12, 16]


def test_a_shortcut_stands_where_width_and_resolution_stay_and_nowhere_else():
    blocks = list(create("mobilenext").blocks)
    widths = [32, *WIDTHS_OF_BLOCKS]
    same = [widths[i] == widths[i + 1] and STRIDES[i] == 1 for i in range(20)]
    assert [block.shortcut for block in blocks] == same
    assert same.count(True) == 12
    for block, adds in zip(blocks, same, strict=True):
        nn.init.zeros_([m for m in block.eval().layers if isinstance(m, nn.BatchNorm2d)][-1].weight)
        channels = next(m for m in block.modules() if isinstance(m, nn.Conv2d)).in_channels
        x = torch.rand(1, channels, 4, 4)
        assert torch.equal(block(x), x) if adds else not block(x).any()


def test_the_wide_ends_are_linear_and_the_bottleneck_too():
    block = Sandglass(12, 12, 2)
    kinds = [type(m).__name__ for m in block.layers]
    depthwise, pointwise = ["Conv2d", "BatchNorm2d"], ["Conv2d", "BatchNorm2d"]
    assert kinds == [*depthwise, "ReLU6", *pointwise, *pointwise, "ReLU6", *depthwise]


def test_the_cost_of_a_block_is_that_of_its_docstring():
    cost = count_cost(Sandglass(12, 18, 3, stride=2), (12, 8, 8))
    assert cost.macs == 64 * ((9 + 3) * 12 + 3 * 18) + 16 * 9 * 18
    assert cost.params == (9 + 3) * 12 + 3 * 18 + 9 * 18 + 2 * (12 + 3 + 18 + 18)


def test_a_bottleneck_is_no_thinner_than_a_sixth_of_what_follows():
    for block in create("mobilenext", width_mult=0.35).blocks:
        inner = next(m for m in block.modules() if isinstance(m, nn.Conv2d) and m.groups == 1).out_channels
        out = [m for m in block.modules() if isinstance(m, nn.Conv2d)][-1].out_channels
        assert inner >= 0.9 * out / 6  # rounded to a multiple of 16
    # 576 -> 960 at 1.0x: a sixth of 576 is 96, of 960 it is 160.
    assert create("mobilenext").blocks[16].layers[0].out_channels == ceil(960 / 6)


@pytest.mark.parametrize(("width_mult", "last"), [(0.05, 1280), (0.35, 1280), (1.0, 1280), (1.4, 1792), (8.0, 10240)])
def test_the_last_width_grows_but_does_not_shrink(width_mult, last):
    with torch.device("meta"):
        network = create("mobilenext", width_mult=width_mult, in_channels=1, num_classes=7)
        assert network.eval()(torch.empty(2, 1, 64, 64)).shape == (2, 7)
    assert network.head.in_features == last


@pytest.mark.parametrize("options", [{"width_mult": 0.04}, {"width_mult": "1.0"}, {"identity": 2}])
def test_options_it_cannot_be_built_from_are_refused(options):
    with pytest.raises(BadConfig, match=next(iter(options))):
        create("mobilenext", **options)
