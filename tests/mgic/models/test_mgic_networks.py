"""The paper's own networks against its printed figures, by the conventions that fit (millions, 3 digits)."""

import pytest
import torch

from mgic import create
from mgic.errors import BadConfig
from mgic.layers import MGICBlock
from mgic.measure.cost import model_cost


def counted(name: str, size: tuple[int, ...], **options) -> tuple[float, float, float]:
    """Parameters, MACs, and MACs without R and P, in millions."""
    cost = model_cost(name, options, size)
    return tuple(round(n / 1e6, 3) for n in (cost.params, cost.macs, cost.macs - cost.transfer_macs))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"group_size": 16}, (6.228, 1561.317, 1155.092)),
        ({"group_size": 32}, (9.235, 2399.156, 1586.706)),
        ({"group_size": 64}, (15.250, 4074.834, 2449.934)),
        ({"group_size": 16, "coarsest_size": 16}, (6.068, 1532.378, 939.499)),
        ({"group_size": 64, "stem": "plain"}, (15.213, 3959.228, 2334.329)),
    ],
)
def test_mgic_resnet50_has_the_figures_of_table_7_without_r_and_p(options, expected):
    assert counted("mgic_resnet50", (3, 224, 224), **options) == expected


def test_its_printed_parameters_are_met_within_two_per_cent():
    for group_size, printed in ((16, 6.2), (32, 9.4), (64, 15.1)):
        params, _, _ = counted("mgic_resnet50", (3, 224, 224), group_size=group_size)
        assert params == pytest.approx(printed, rel=0.02)


def test_mgic_mobilenet_v3_has_both_figures_of_table_8_at_full_width():
    params, macs, _ = counted("mgic_mobilenet_v3", (3, 224, 224))
    assert params == pytest.approx(5.2, rel=0.02)
    assert macs == pytest.approx(145, rel=0.02)


@pytest.mark.parametrize(("width", "params", "macs"), [(0.6, 2.3, 48), (1.2, 7.1, 233)])
def test_at_other_widths_one_scaling_fits_the_macs_and_the_other_the_parameters(width, params, macs):
    size = (3, 224, 224)
    compound = counted("mgic_mobilenet_v3", size, width_mult=width)
    linear = counted("mgic_mobilenet_v3", size, width_mult=width, exp_scaling="linear", scaled_head=True)
    assert compound[1] == pytest.approx(macs, rel=0.04)
    assert linear[0] == pytest.approx(params, rel=0.04)
    assert compound[0] != pytest.approx(params, rel=0.07)
    assert linear[1] != pytest.approx(macs, rel=0.15)


def test_without_hswish_no_such_activation_is_left_and_the_cost_is_the_same():
    with torch.device("meta"):
        network = create("mgic_mobilenet_v3", activation="relu")
        usual = create("mgic_mobilenet_v3")
    assert not any(isinstance(m, torch.nn.Hardswish) for m in network.modules())
    assert any(isinstance(m, torch.nn.Hardswish) for m in usual.modules())
    size = (3, 224, 224)
    assert counted("mgic_mobilenet_v3", size, activation="relu") == counted("mgic_mobilenet_v3", size)


def test_squeezing_all_levels_costs_parameters():
    with torch.device("meta"):
        every = create("mgic_mobilenet_v3", squeeze_levels="all", coarsening="released")
    blocks = [m for m in every.modules() if isinstance(m, MGICBlock)]
    assert len(blocks) == 16
    assert all(len(block.levels) >= 2 for block in blocks)


def test_segmentation_networks_have_the_figures_of_table_11_where_a_reading_gives_them():
    size = (3, 1024, 2048)
    assert counted("lraspp_mobilenet_v3", size, variant="large")[:2] == (1.509, 9442.286)  # printed 1.51, 9740
    assert counted("lraspp_mobilenet_v3", size, variant="small")[:2] == (0.469, 2734.051)  # printed 0.47, 2900
    assert counted("mgic_lraspp", size, variant="small")[:2] == (0.480, 2709.567)  # printed 0.48, 2730
    large = counted("mgic_lraspp", size, variant="large")
    assert large[1] < 0.8 * 9620  # not reproduced, by any reading tried


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3", "mgic_lraspp"])
def test_every_layer_of_a_segmentation_network_runs_once(name):
    network = create(name, variant="small")
    network(torch.randn(2, 3, 64, 64))
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {int(norm.num_batches_tracked) for norm in norms} == {1}


def test_the_skip_is_the_widened_input_of_the_block_that_leaves_the_eighth():
    network = create("lraspp_mobilenet_v3", variant="small").eval()
    block, seen = network.blocks[network.skip], {}
    block.expand.register_forward_hook(lambda _, given, made: seen.update(x=given[0], wide=made))
    network.blocks[network.skip + 1].register_forward_pre_hook(lambda _, given: seen.update(next=given[0]))
    network.head.register_forward_pre_hook(lambda _, given: seen.update(low=given[0]["low"]))
    with torch.no_grad():
        network(torch.randn(1, 3, 64, 64))
        assert torch.equal(seen["low"], seen["wide"])
        assert torch.equal(seen["next"], block(seen["x"]))


def test_the_deepest_maps_are_a_sixteenth_and_the_skip_an_eighth_of_the_image():
    for name in ("lraspp_mobilenet_v3", "mgic_lraspp"):
        network = create(name, variant="small").eval()
        seen: dict[str, tuple[int, ...]] = {}
        network.head.register_forward_pre_hook(
            lambda _, maps, seen=seen: seen.update({key: tuple(value.shape) for key, value in maps[0].items()})
        )
        with torch.no_grad():
            assert network(torch.randn(1, 3, 64, 96)).shape == (1, 19, 64, 96)
        assert (seen["low"][2:], seen["high"][2:]) == ((8, 12), (4, 6))
        assert seen["low"][1] == (96 if name == "lraspp_mobilenet_v3" else 24)


def test_a_depthwise_connector_between_these_widths_is_refused():
    with pytest.raises(BadConfig, match="multiple of channels_in"):
        create("mgic_mobilenet_v3", connector="depthwise")


@pytest.mark.parametrize(
    ("block", "params"),
    [
        ("mobilenet_v3", (48_353, 80_545, 169_505)),
        ("ghost", (29_441, 47_233, 95_105)),
        ("mgic", (34_817, 47_873, 72_449)),
    ],
)
def test_implicit_networks_at_the_three_widths_of_table_4(block, params):
    for width, expected in zip((0.6, 0.8, 1.2), params, strict=True):
        assert model_cost("implicit_mlp", {"block": block, "width_mult": width}, (2,)).params == expected


def test_an_implicit_network_can_turn_negative():
    torch.manual_seed(0)
    network = create("implicit_mlp").eval()
    with torch.no_grad():
        y = network(torch.rand(512, 2))
    assert y.shape == (512, 1)
    assert y.min() < y.max()
    assert isinstance(network.head, torch.nn.Conv2d)
