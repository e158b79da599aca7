"""Slimmable ResNet-50: a width is a slice of the weights, with norms of its own."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from mgic.errors import BadConfig
from mgic.measure.cost import count_cost
from mgic.models import create
from mgic.models.bottleneck_skeleton import bottleneck_stages, plain_unit, put_together
from mgic.models.slimmable_resnet import SlimConv, SlimLinear, SwitchNorm


def test_a_convolution_uses_the_first_filters_and_channels():
    conv = SlimConv(8, 12, 3, 2, 1, bias=False)
    conv.share = 0.25
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(conv(x), functional.conv2d(x, conv.weight[:3, :4], stride=2, padding=1))
    assert count_cost(conv, (4, 6, 6)).macs == 9 * 4 * 3 * 9


def test_a_linear_layer_uses_the_first_columns():
    linear = SlimLinear(8, 5)
    x = torch.randn(2, 3)
    assert torch.equal(linear(x), functional.linear(x, linear.weight[:, :3], linear.bias))
    assert count_cost(linear, (3,)).macs == 3 * 5


def test_a_norm_keeps_statistics_for_each_width():
    norm = SwitchNorm((2, 4)).train()
    norm.active = 0
    norm(torch.randn(8, 2, 3, 3) + 5)
    assert norm.norms[0].running_mean.mean() > 0.3
    assert not norm.norms[1].running_mean.any()


def plain_half(slim: nn.Module) -> nn.Module:
    """A ResNet-50 of half width with the slices of `slim` that it runs with at half width."""
    plain = put_together(plain_unit(3, 32, 7, 2), bottleneck_stages(32, plain_unit), nn.Linear(1024, 4))
    convs = [m for m in slim.modules() if isinstance(m, SlimConv)]
    norms = [m.norms[1] for m in slim.modules() if isinstance(m, SwitchNorm)]
    with torch.no_grad():
        for mine, its in zip((m for m in plain.modules() if isinstance(m, nn.Conv2d)), convs, strict=True):
            mine.weight.copy_(its.weight[: mine.out_channels, : mine.in_channels])
        for mine, its in zip((m for m in plain.modules() if isinstance(m, nn.BatchNorm2d)), norms, strict=True):
            mine.load_state_dict(its.state_dict())
        plain.head.weight.copy_(slim.layers.head.weight[:, :1024])
        plain.head.bias.copy_(slim.layers.head.bias)
    return plain


def test_at_half_width_it_is_a_resnet50_of_half_its_first_channels():
    slim = create("slimmable_resnet50", width=0.5, num_classes=4)
    for module in slim.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight)
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(slim.eval()(x), plain_half(slim).eval()(x), rtol=1e-4, atol=1e-5)


def test_switching_back_gives_the_same_result_again():
    slim = create("slimmable_resnet50", max_width=0.5, width=0.5, num_classes=4).eval()
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        first = slim(x)
        slim.switch_width(0.25)
        assert slim.width == 0.25
        assert not torch.equal(slim(x), first)
        slim.switch_width(0.5)
        assert torch.equal(slim(x), first)


@pytest.mark.parametrize(
    ("max_width", "width", "params", "macs"),
    [
        (1.0, 0.25, 25_636_712, 278_085_632),
        (1.0, 0.5, 25_636_712, 1_052_311_552),
        (1.0, 0.75, 25_636_712, 2_322_677_760),
        (1.0, 1.0, 25_636_712, 4_089_184_256),
        (0.5, 0.5, 6_930_920, 1_052_311_552),
    ],
)
def test_costs_are_those_of_the_docstring(max_width, width, params, macs):
    with torch.device("meta"):
        network = create("slimmable_resnet50", max_width=max_width, width=width)
    cost = count_cost(network, (3, 224, 224))
    assert (cost.params, cost.macs) == (params, macs)


def test_the_norms_of_the_other_widths_are_what_resnet50_does_not_have():
    """ResNet-50's norms have 53 120 weights and biases at full width."""
    assert 25_636_712 - 25_557_032 == 53_120 * (0.25 + 0.5 + 0.75)


def test_a_width_beyond_the_widest_is_refused():
    with pytest.raises(BadConfig, match="none of the widths") as caught:
        create("slimmable_resnet50", max_width=0.25, width=0.5)
    assert caught.value.problems[0].pointer == "width"


@pytest.mark.parametrize("width", [0.3, 0.0, 1.25])
def test_widths_are_quarters(width):
    with pytest.raises(BadConfig, match="width"):
        create("slimmable_resnet50", width=width)
