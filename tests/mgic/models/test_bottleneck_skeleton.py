"""The skeleton that ResNet-50's variants share: filled with plain convolutions it is ResNet-50."""

import torch
from torch import nn

from mgic.measure.cost import count_cost
from mgic.models.bottleneck_skeleton import Bottleneck, bottleneck_stages, plain_unit, put_together


def test_with_plain_units_it_is_resnet50():
    with torch.device("meta"):
        network = put_together(plain_unit(3, 64, 7, 2), bottleneck_stages(64, plain_unit), nn.Linear(2048, 1000))
    cost = count_cost(network, (3, 224, 224))
    assert (cost.params, cost.macs) == (25_557_032, 4_089_184_256)  # as torchvision's


def test_a_bottleneck_adds_its_input_where_the_shape_stays():
    block = Bottleneck(16, 4, 1, plain_unit).eval()
    nn.init.zeros_(block.body[2][0].weight)
    x = torch.randn(2, 16, 5, 5)
    assert torch.equal(block(x), x.relu())


def test_a_bottleneck_of_another_shape_takes_the_input_along():
    block = Bottleneck(6, 4, 2, plain_unit)
    assert block(torch.randn(2, 6, 7, 7)).shape == (2, 16, 4, 4)
    assert sum(p.numel() for p in block.shortcut.parameters()) == 6 * 16 + 2 * 16
