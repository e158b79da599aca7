"""Networks of other packages: what they cost, what they refuse."""

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.measure.cost import model_cost
from mgic.models import create, list_models, model_info
from mgic.models.packages import TIMM, TORCHVISION

ALONE = {"mobilenet_v2": "torchvision", "mobilenetv1_050": "timm", "lraspp_mobilenet_v3_large": "torchvision"}
PACKAGES = dict.fromkeys(TORCHVISION, "torchvision") | dict.fromkeys(TIMM, "timm") | ALONE

# Millions of parameters and of multiply-accumulates at 224x224, counted by another counter before these were written.
COSTS = {
    "resnet50": (25.557, 4089),
    "resnext50_32x4d": (25.029, 4230),
    "mobilenetv1_050": (1.332, 149.5),
    "mobilenetv2_035": (1.677, 59.3),
    "mobilenet_v2": (3.505, 300.8),
    "mobilenetv3_small_075": (2.042, 43.4),
    "mobilenetv3_large_075": (3.994, 154.6),
    "mobilenetv3_large_100": (5.483, 216.6),
    "mobilenet_v3_large": (5.483, 216.6),
    "shufflenet_v2_x0_5": (1.367, 40.5),
    "shufflenet_v2_x1_0": (2.279, 144.9),
    "shufflenet_v2_x1_5": (3.504, 295.8),
    "ghostnet_050": (2.587, 42.3),
    "ghostnet_100": (5.183, 141.2),
    "ghostnet_130": (7.359, 227.0),
    "semnasnet_100": (3.887, 311.6),
}


def test_the_catalogue_says_whose_code_it_is():
    assert PACKAGES.keys() <= set(list_models())
    assert {name: model_info(name).package for name in PACKAGES} == PACKAGES
    assert all("https://arxiv.org/abs/" in model_info(name).summary for name in PACKAGES)


@pytest.mark.parametrize("name", COSTS)
def test_costs_are_those_of_the_table_of_baselines(name):
    params_m, macs_m = COSTS[name]
    cost = model_cost(name, {}, (3, 224, 224))
    assert cost.params / 1e6 == pytest.approx(params_m, abs=0.0006)
    assert cost.macs / 1e6 == pytest.approx(macs_m, abs=0.6 if macs_m > 1000 else 0.06)


@pytest.mark.parametrize(("width_mult", "params_m", "macs_m"), [(0.35, 1.677, 59.3), (0.6, 2.217, 151.0)])
def test_mobilenet_v2_takes_a_width(width_mult, params_m, macs_m):
    cost = model_cost("mobilenet_v2", {"width_mult": width_mult}, (3, 224, 224))
    assert (round(cost.params / 1e6, 3), round(cost.macs / 1e6, 1)) == (params_m, macs_m)


def test_the_segmentation_network_is_not_the_halved_one_of_table_11():
    cost = model_cost("lraspp_mobilenet_v3_large", {}, (3, 1024, 2048))
    assert (round(cost.params / 1e6, 2), round(cost.macs / 1e9, 2)) == (3.22, 15.77)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_input_may_have_another_number_of_channels_and_nothing_else_changes(name):
    with torch.device("meta"):
        usual, grey = create(name), create(name, in_channels=1)
    before, after = (dict(network.named_parameters()) for network in (usual, grey))
    first = next(iter(before))
    assert before.keys() == after.keys()
    assert after[first].is_meta
    assert after[first].requires_grad
    assert (before[first].shape[1], after[first].shape[1]) == (3, 1)
    assert [key for key in before if before[key].shape != after[key].shape] == [first]
    convolutions = [next(m for m in network.modules() if isinstance(m, nn.Conv2d)) for network in (usual, grey)]
    assert len({(c.kernel_size, c.stride, c.padding, c.groups, c.bias is None) for c in convolutions}) == 1


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "mobilenetv1_050"])
def test_a_grey_image_trains_the_first_convolution(name):
    network = create(name, in_channels=1, num_classes=3).train()
    network(torch.randn(2, 1, 64, 64)).sum().backward()
    weight = next(network.parameters())
    assert weight.grad.isfinite().all()
    assert weight.grad.any()


def test_segmentation_answers_with_one_score_a_class_and_pixel():
    network = create("lraspp_mobilenet_v3_large", num_classes=5).train()
    assert network(torch.randn(2, 3, 64, 96)).shape == (2, 5, 64, 96)


def test_no_two_networks_start_alike():
    torch.manual_seed(1)
    one = create("ghostnet_050")
    torch.manual_seed(2)
    other = create("ghostnet_050")
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


@pytest.mark.parametrize(
    ("name", "options", "option"),
    [
        ("mobilenet_v2", {"width_mult": 0.04}, "width_mult"),
        ("mobilenet_v2", {"width_mult": 8.1}, "width_mult"),
        ("mobilenet_v2", {"width_mult": float("nan")}, "width_mult"),
        ("resnet50", {"width_mult": 1.0}, "width_mult"),
        ("resnet50", {"weights": "DEFAULT"}, "weights"),
        ("ghostnet_050", {"pretrained": True}, "pretrained"),
        ("ghostnet_050", {"num_classes": 0}, "num_classes"),
        ("semnasnet_100", {"in_channels": 0}, "in_channels"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(name, options, option):
    with pytest.raises(BadConfig, match=option) as caught:
        create(name, **options)
    assert [problem.pointer for problem in caught.value.problems] == [option]


@pytest.mark.parametrize("width_mult", [0.05, 8.0])
def test_the_bounds_of_the_width_can_be_built(width_mult):
    assert model_cost("mobilenet_v2", {"width_mult": width_mult}, (3, 224, 224)).params > 0
