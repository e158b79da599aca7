"""Ghost modules and bottlenecks: what they output, what they cost, what they refuse."""

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.layers.ghost import GhostBottleneck, GhostModule


def params(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_output_is_the_primary_channels_and_then_their_ghosts():
    module = GhostModule(6, 12, 3, ratio=4).eval()
    x = torch.randn(2, 6, 5, 7)
    y = module(x)
    primary = nn.functional.conv2d(x, module.primary[0].weight, padding=1)
    primary = module.primary[1](primary).relu()
    assert y.shape == (2, 12, 5, 7)
    assert torch.allclose(y[:, :3], primary, atol=1e-6)
    weight = module.cheap[0].weight  # three 3x3 kernels for each of the three primary channels
    for ghost in range(9):
        alone = nn.functional.conv2d(primary[:, ghost // 3, None], weight[ghost, None], padding=1)
        alone = alone / (1 + module.cheap[1].eps) ** 0.5
        assert torch.allclose(y[:, 3 + ghost, None], alone.relu(), atol=1e-6)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    # primary 3x3 + ghosts 3x3 depthwise + norms of 16 channels
    [(2, 9 * 8 * 8 + 9 * 8 + 32), (4, 9 * 8 * 4 + 9 * 12 + 32)],
)
def test_a_module_s_parameters_are_those_counted_by_hand(ratio, expected):
    assert params(GhostModule(8, 16, 3, ratio)) == expected


def test_without_activation_values_may_be_negative():
    x = torch.randn(4, 8, 4, 4)
    assert (GhostModule(8, 8)(x) >= 0).all()
    y = GhostModule(8, 8, activation=False)(x)
    assert (y[:, :4] < 0).any()
    assert (y[:, 4:] < 0).any()


def test_a_stride_halves_the_resolution_rounded_up():
    assert GhostModule(4, 8, 3, stride=2)(torch.randn(2, 4, 7, 8)).shape == (2, 8, 4, 4)


def test_a_bottleneck_of_equal_shape_adds_its_input_as_it_is():
    block = GhostBottleneck(8, 32).eval()
    for module in (block.narrow.primary[0], block.narrow.cheap[0]):
        nn.init.zeros_(module.weight)
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(block(x), x)


def test_a_bottleneck_of_1x1_kernels_works_on_single_pixels():
    block = GhostBottleneck(12, 32, 1, channels_in=16, cheap_size=1)
    assert block(torch.randn(5, 16, 1, 1)).shape == (5, 12, 1, 1)
    widen = 16 * 16 + 16 + 2 * 32
    narrow = 32 * 6 + 6 + 2 * 12
    shortcut = 16 + 2 * 16 + 16 * 12 + 2 * 12
    assert params(block) == widen + narrow + shortcut


def test_a_bottleneck_with_a_stride_has_a_depthwise_convolution_between():
    block = GhostBottleneck(8, 16, 5, stride=2)
    assert block(torch.randn(2, 8, 9, 8)).shape == (2, 8, 5, 4)
    assert params(block.depthwise) == 25 * 16 + 2 * 16
    assert params(block.shortcut) == 25 * 8 + 2 * 8 + 8 * 8 + 2 * 8


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ({"channels_out": 7}, "channels_out"),
        ({"channels_out": 8, "ratio": 1}, "ratio"),
        ({"channels_out": 8, "kernel_size": 2}, "kernel_size"),
        ({"channels_out": 8, "cheap_size": 4}, "cheap_size"),
    ],
)
def test_a_module_that_cannot_be_built_names_the_argument(arguments, option):
    with pytest.raises(BadConfig, match=f"{option}={arguments[option]}") as caught:
        GhostModule(8, **arguments)
    assert caught.value.problems[0].pointer == option


def test_an_even_depthwise_kernel_is_refused():
    with pytest.raises(BadConfig, match="kernel_size=4"):
        GhostBottleneck(8, 16, 4, stride=2)
