"""Networks of two packages: what is counted is what torch's own counter finds on shapes, as `test_models.py` has ours.

That counter misses `mv`, `dot`, Bilinear and distances; no network here does any, and `test_operators.py` has them by
hand.
"""

import pytest
import timm
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mgic.measure.cost import count_cost

TORCHVISION = [
    "alexnet",
    "vgg11",
    "squeezenet1_0",
    "densenet121",
    "resnet18",
    "resnext50_32x4d",
    "wide_resnet50_2",
    "mnasnet1_0",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "shufflenet_v2_x1_0",
    "efficientnet_b0",
    "convnext_tiny",
    "vit_b_16",
    "vit_b_32",
    "swin_t",
    "swin_v2_t",
    "maxvit_t",
]
TIMM = [
    "vit_tiny_patch16_224",
    "vit_small_patch32_224",
    "deit3_small_patch16_224",
    "beit_base_patch16_224",
    "crossvit_tiny_240",
    "coat_tiny",
    "coatnet_0_rw_224",
    "convit_tiny",
    "convmixer_768_32",
    "convnextv2_atto",
    "efficientnet_cc_b0_4e",
    "efficientnet_cc_b0_8e",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "efficientvit_b0",
    "eva02_tiny_patch14_224",
    "edgenext_xx_small",
    "fastvit_t8",
    "focalnet_tiny_srf",
    "gcvit_xxtiny",
    "ghostnet_100",
    "halonet26t",
    "hrnet_w18_small",
    "inception_next_atto",
    "lambda_resnet26t",
    "botnet26t_256",
    "levit_128s",
    "mixer_s32_224",
    "gmlp_ti16_224",
    "resmlp_12_224",
    "mobilevit_xxs",
    "mobilevitv2_050",
    "mvitv2_tiny",
    "nest_tiny",
    "nfnet_f0",
    "poolformer_s12",
    "pvt_v2_b0",
    "repvgg_a0",
    "res2net50_26w_4s",
    "resnest14d",
    "skresnet18",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "tiny_vit_5m_224",
    "tnt_s_patch16_224",
    "twins_svt_small",
    "visformer_tiny",
    "volo_d1_224",
    "xcit_nano_12_p16_224",
    "davit_tiny",
    "selecsls42",
    "dla34",
    "bat_resnext26ts",
    "rexnet_100",
    "lcnet_050",
    "tinynet_e",
    "starnet_s1",
]
# One for each way to multiply; the others are more of the same, and `make test-all` takes them too.
STANDING = {
    *("alexnet", "vit_b_32", "swin_v2_t", "coat_tiny", "convit_tiny", "efficientnet_cc_b0_4e", "halonet26t"),
    *("lambda_resnet26t", "mixer_s32_224", "resnest14d", "volo_d1_224", "xcit_nano_12_p16_224", "bat_resnext26ts"),
}


def built(source: str, name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """On the meta device, and the size of its input."""
    with torch.device("meta"):
        if source == "timm":
            network = timm.create_model(name, pretrained=False)
            return network, tuple(network.default_cfg["input_size"])
        network = torchvision.models.get_model(name, weights=None)
    return network, (3, 256, 256) if name == "swin_v2_t" else (3, 224, 224)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("source", "name"),
    [
        pytest.param(source, name, marks=[] if name in STANDING else [pytest.mark.thorough])
        for source, names in (("torchvision", TORCHVISION), ("timm", TIMM))
        for name in names
    ],
)
def test_a_network_counts_what_torch_s_own_counter_finds(source, name):
    network, size = built(source, name)
    network.eval()
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, *size))
    cost = count_cost(network, size)
    assert 2 * cost.macs == counter.get_total_flops() > 0
    assert cost.uncounted == ()
