"""What holds of a converted network, whatever family it is of; one stands here for those of `make test-all`."""

import pytest
import torch
from torch import nn

import mgic
from mgic.conversion import convert
from mgic.inference import agreement
from tests.cases import thorough

STANDING = ["timm/mobilenetv3_small_050"]
OTHERS = [
    "torchvision/resnet18",
    "timm/convnext_zepto_rms",
    "timm/mobileone_s1",
    "timm/cs3darknet_focus_s",
    "timm/cspnext_tiny",
    "timm/dla46x_c",
    "timm/edgenext_xx_small",
    "timm/mnasnet_small",
    "timm/efficientnet_lite0",
    "timm/efficientvit_m0",
    "timm/fastvit_t8",
    "timm/ghostnet_050",
    "timm/hardcorenas_a",
    "timm/hgnetv2_b0",
    "timm/hrnet_w18_small",
    "timm/mobilenetv4_conv_small_035",
    "timm/regnetx_004",
    "timm/regnety_004",
    "timm/res2net50_48w_2s",
    "timm/resnest14d",
    "timm/resnet10t",
    "timm/resnetv2_18",
    "timm/resnext26ts",
    "timm/skresnet18",
    "timm/selecsls42",
    "timm/ese_vovnet19b_slim_dw",
    "timm/xception41p",
    "timm/poolformerv2_s12",
    "timm/starnet_s050",
    "torchvision/squeezenet1_1",
    "torchvision/mobilenet_v2",
    "torchvision/mnasnet0_5",
    "torchvision/efficientnet_b0",
    "torchvision/convnext_tiny",
]


@pytest.mark.parametrize("name", [*STANDING, *thorough(*OTHERS)])
def test_a_converted_network_runs_learns_costs_less_and_is_exported(name, tmp_path):
    torch.manual_seed(0)
    network = mgic.create(name, num_classes=5).eval()
    x = torch.randn(2, 3, 64, 64)
    new, report = convert(network, x, group_size=16, coarsest_size=16)
    assert type(new) is type(network)
    for block in report.converted:
        spread = len(block.widths) > 1
        assert (block.params < block.params_before and block.macs < block.macs_before) == spread, block
    before, after = mgic.count_cost(network, (3, 64, 64)), mgic.count_cost(new, (3, 64, 64))
    saved = sum(block.macs_before - block.macs for block in report.converted)
    assert before.macs - after.macs == saved

    torch.manual_seed(1)
    again, _ = convert(network, x, group_size=16, coarsest_size=16)
    y = new(x)
    assert y.shape == (2, 5)
    assert y.isfinite().all()
    again.load_state_dict(new.state_dict())
    assert torch.equal(again(x), y)

    nn.functional.mse_loss(new.train()(torch.randn(4, 3, 64, 64)), torch.randn(4, 5)).backward()
    assert [key for key, p in new.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    found = agreement(new.eval(), mgic.export_onnx(new, x, tmp_path / "network.onnx"), x)
    assert found.holds, found


def test_a_converted_block_grows_linearly_with_its_width():
    """Four times the width is 16 times the cost of a block, and little more than 4 times that of the block in MGIC."""
    found = {}
    for width in (64, 256):
        with torch.device("meta"):
            network = mgic.create("resnet20", width=width)
            _, report = convert(network, torch.empty(1, 3, 32, 32), group_size=16, coarsest_size=16)
        found[width] = report.converted[0]
    assert found[256].macs_before == 16 * found[64].macs_before
    assert found[256].macs < 5 * found[64].macs
    assert found[256].params < 5 * found[64].params
