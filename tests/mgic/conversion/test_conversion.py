"""Any network's blocks in MGIC: which are found, what they become, and what is left."""

import copy
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import mgic
from mgic.conversion import convert
from mgic.errors import BadConfig
from mgic.layers import BasicBlock, Bottleneck, MGICBlock, MGICLinear


def converted(network: nn.Module, *size: int, group_size: int = 8, coarsest_size: int = 16, **options):
    return convert(network, torch.randn(2, *size), group_size=group_size, coarsest_size=coarsest_size, **options)


def between(*blocks: nn.Module, channels: int) -> nn.Sequential:
    """A small classifier around blocks."""
    stem, pool = nn.Conv2d(3, channels, 3, padding=1), nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(stem, *blocks, pool, nn.Flatten(), nn.Linear(channels, 5))


def reasons(report) -> dict[str, str]:
    return {part.name: part.reason for part in report.left}


def test_a_plain_network_with_connectors_becomes_mgic_resnet20_to_the_bit():
    torch.manual_seed(0)
    wanted = mgic.create("mgic_resnet20").eval()
    plain = copy.deepcopy(wanted)
    channels = [16] * 3 + [32] * 3 + [64] * 3
    names = [name for name, module in plain.named_modules() if isinstance(module, MGICBlock)]
    for name, width in zip(names, channels, strict=True):
        plain.set_submodule(name, BasicBlock(width))
    found, report = converted(plain.eval(), 3, 32, 32)
    found.load_state_dict(wanted.state_dict())
    assert [block.name for block in report.converted] == names
    assert mgic.count_cost(found, (3, 32, 32)) == mgic.count_cost(wanted, (3, 32, 32))
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(found(x), wanted(x))


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        (BasicBlock(64), MGICBlock(64, BasicBlock, 8, 16)),
        (Bottleneck(64), MGICBlock(64, Bottleneck, 8, 16, expansion=4)),
        (nn.Sequential(nn.Linear(64, 64), nn.ReLU()), MGICLinear(64, 8, 16)),
    ],
    ids=["basic", "bottleneck", "linear"],
)
def test_a_block_becomes_the_mgic_block_of_it(block, wanted):
    vectors = isinstance(wanted, MGICLinear)
    channels = 256 if isinstance(block, Bottleneck) else 64
    network = (
        nn.Sequential(nn.Linear(12, 64), block, nn.Linear(64, 5)) if vectors else between(block, channels=channels)
    )
    found, _ = converted(network, *((12,) if vectors else (3, 8, 8)))
    other = found[1]
    assert isinstance(other, MGICBlock)
    other.load_state_dict(wanted.state_dict())
    x = torch.randn(2, channels) if vectors else torch.randn(2, channels, 4, 4)
    assert torch.equal(other.eval()(x), wanted.eval()(x))
    size = tuple(x.shape[1:])
    assert mgic.count_cost(other, size).macs == mgic.count_cost(wanted, size).macs


def test_mlp_becomes_mgic_mlp_to_the_bit():
    wanted = mgic.create("mgic_mlp", width=128).eval()
    found, _ = converted(mgic.create("mlp", width=128), 3, 32, 32, group_size=16, coarsest_size=32)
    found.load_state_dict(wanted.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(found.eval()(x), wanted(x))


def test_in_resnet20_the_two_widening_blocks_are_left_and_named():
    network = mgic.create("resnet20")
    before = copy.deepcopy(network.state_dict())
    new, report = converted(network, 3, 32, 32)
    assert len(report.converted) == 7
    widening = {name: why for name, why in reasons(report).items() if name.startswith("stages")}
    assert widening.keys() == {"stages.3", "stages.6"}
    assert widening["stages.3"] == "changes the number of channels, 16 to 32 and the resolution, 32x32 to 16x16"
    assert reasons(report)["head"] == "gives the network's answer"
    assert network.training
    assert new.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    counted = sum(part.macs for part in report.left) + sum(block.macs for block in report.converted)
    assert counted == mgic.count_cost(new, (3, 32, 32)).macs  # nothing that multiplies is left out of the report
    assert "stages.3 (BasicBlock) left: changes" in str(report)


class Plain(nn.Module):
    """Adds in its own forward, without any module for a block."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3)
        self.layers = nn.ModuleList(nn.Conv2d(32, 32, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = x + functional.relu(layer(x))
        return x.mean((2, 3))


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block, self.other = nn.Conv2d(3, 32, 3), BasicBlock(32), BasicBlock(32)

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.block(self.block(self.stem(x)))).mean((2, 3))


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x.relu_() + self.conv(x)


class Fixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(32, 32, 3, padding=1)
        self.table = nn.Parameter(torch.randn(32, 7))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) * self.table.sum()


class Reads(nn.Module):
    """Looks into one of its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block, self.last = nn.Conv2d(3, 32, 3), BasicBlock(32), nn.Conv2d(32, 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.block(self.stem(x)).to(self.last.weight.dtype)).mean((2, 3))


def test_layers_of_a_network_that_has_no_block_are_converted_one_by_one():
    _, report = converted(Plain(), 3, 8, 8)
    assert [block.name for block in report.converted] == ["layers.0", "layers.1"]


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.keys = nn.Conv2d(32, 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.keys(x).flatten(2)  # (batch, channels, pixels)
        return x + (y @ y.transpose(1, 2) @ y).view_as(x)


class Partial(nn.Module):
    """Convolves the first channels and keeps the others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.sizes = [channels // 4, channels - channels // 4]
        self.conv = nn.Conv2d(channels // 4, channels // 4, 3, padding=1)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        first, rest = x.split(self.sizes, 1)
        return x + self.mix(torch.cat((self.conv(first), rest), 1))


class Signal(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv1d(64, 64, 3, padding=1), nn.BatchNorm1d(64)

    def forward(self, x: Tensor) -> Tensor:
        return x + functional.relu(self.norm(self.conv(x)))


def test_networks_of_signals_are_converted_too():
    found, report = converted(nn.Sequential(nn.Conv1d(3, 64, 3, padding=1), Signal(), nn.Flatten()), 3, 20)
    assert [(block.name, block.widths) for block in report.converted] == [("1", (64, 32, 16))]
    assert found(torch.randn(2, 3, 20)).shape == (2, 64 * 20)


def test_numbers_that_a_module_keeps_are_scaled_where_they_have_to_be():
    found, _ = converted(between(Partial(64), channels=64), 3, 8, 8)
    assert [level.sizes for level in found[1].blocks] == [[16, 48], [8, 24], [4, 12]]


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (between(BasicBlock(32), Attention(), channels=32), "multiplies its tensors with each other"),
        (Twice(), "is used 2 times"),
        (Reads(), "the network does not run without it: 'MGICBlock' object has no attribute 'weight'"),
        (between(BasicBlock(32), InPlace(), channels=32), "it writes into its own input"),
        (between(BasicBlock(32), Fixed(), channels=32), "keeps table, which is 32x7 and not one number a channel"),
        (between(MGICBlock(32, BasicBlock, 8, 16), BasicBlock(32), channels=32), "is an MGIC block already"),
        (between(BasicBlock(50), channels=50), "channels=50 cannot be halved"),
    ],
)
def test_what_is_left_is_named_with_the_reason(network, why):
    try:
        _, report = converted(network, 3, 8, 8)
        said = "; ".join(reasons(report).values())
    except BadConfig as error:
        said = str(error)
    assert why in said


class ReadsEither(nn.Module):
    """Looks for a weight in one of two layers, whichever has it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.last = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 1), nn.Conv2d(32, 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = [layer.weight for layer in (self.first, self.last) if hasattr(layer, "weight")][0]  # noqa: RUF015
        return self.last(self.first(self.stem(x)).to(weight.dtype)).mean((2, 3))


def test_of_two_blocks_that_do_not_run_together_one_is_converted():
    network, report = converted(ReadsEither(), 3, 8, 8)
    assert [block.name for block in report.converted] == ["first"]
    assert reasons(report)["last"].startswith("the network does not run without it: ")
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 32)


def test_a_block_that_would_not_be_cheaper_is_left():
    grouped = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1, groups=32, bias=False), nn.BatchNorm2d(64))
    with pytest.raises(BadConfig, match=r"1 \(Sequential\) would not be cheaper: 1,280 -> [\d,]+ parameters"):
        converted(between(grouped, channels=64), 3, 8, 8)


class Around(nn.Module):
    """A shortcut over a layer and a block, which it calls by the second of its names."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.block = nn.Conv2d(64, 64, 3, padding=1), BasicBlock(64)
        self.after = nn.Sequential(self.block)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.after(self.layer(x))


class Scaled(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def test_every_part_of_the_report_is_in_the_network_once_and_all_of_it_learns():
    found, report = converted(between(Around(), channels=64), 3, 8, 8)
    assert [part.name for part in report.converted] == ["1.layer", "1.block"]
    found(torch.randn(2, 3, 8, 8)).sum().backward()
    assert all(weight.grad is not None for weight in found.parameters())


def test_what_would_mean_something_else_is_left():
    tied, plain = (nn.Sequential(BasicBlock(64), BasicBlock(64)) for _ in range(2))
    first, second = (next(m for m in block.modules() if isinstance(m, nn.Conv2d)) for block in tied)
    second.weight = first.weight
    _, report = converted(between(*tied, *plain, channels=64), 3, 8, 8)
    assert reasons(report).keys() >= {"1", "2"}
    assert reasons(report)["1"] == "shares weights with another part of the network"
    layers = [nn.Linear(12, 64), Scaled(64, 64), nn.Linear(64, 64), nn.Linear(64, 5)]
    _, report = converted(nn.Sequential(*layers), 12)
    assert reasons(report)["1"] == "cannot be rebuilt: it has a Scaled that does more than a linear layer"


def test_groups_never_grow():
    block = Bottleneck(64)
    block.conv2 = nn.Conv2d(64, 64, 3, padding=1, groups=16, bias=False)  # of 4
    found, _ = converted(between(block, channels=256), 3, 8, 8)
    sizes = [level.conv2.in_channels // level.conv2.groups for level in found[1].blocks]
    assert sizes == [4, 4, 4]
    assert [level.conv1.groups for level in found[1].blocks] == [8, 4, 1]


def test_squeeze_expansion_and_layer_scale_fall_with_the_channels_and_depthwise_stays():
    timm = pytest.importorskip("timm")
    network = timm.create_model("mobilenetv3_large_075", num_classes=5)
    found, report = converted(network, 3, 64, 64, coarsest_size=24)
    name = next(block.name for block in report.converted if block.channels == 88 or len(block.widths) > 1)
    levels = found.get_submodule(name).blocks
    for fine, coarse in pairwise(levels):
        assert coarse.conv_pw.out_channels * 2 == fine.conv_pw.out_channels
        assert coarse.conv_dw.groups == coarse.conv_dw.in_channels == coarse.conv_pw.out_channels
    network = timm.create_model("convnext_atto", num_classes=5)
    found, report = converted(network, 3, 64, 64, coarsest_size=20)
    block = found.get_submodule(report.converted[0].name).blocks[1]
    assert block.gamma.shape == (20,)
    assert (block.gamma == 1).all()  # 1e-6 in the block, which would start as next to nothing
    found, report = converted(network, 3, 64, 64, coarsest_size=512)
    (block,) = found.get_submodule(report.converted[0].name).blocks  # one level, and no norm behind it
    assert (block.gamma == 1e-6).all()


def test_weights_start_with_the_deviation_that_the_block_has_for_its_fan_in():
    torch.manual_seed(0)
    network = between(BasicBlock(256), channels=256)
    network[1].conv1.weight.data.normal_(0, 0.01)
    nn.init.zeros_(network[1].norm2.weight)  # as many networks start
    found, _ = converted(network, 3, 8, 8, group_size=16, coarsest_size=64)
    finest, _, coarsest = found[1].blocks
    assert finest.conv1.weight.std().item() == pytest.approx(0.01 * (256 / 16) ** 0.5, rel=0.05)
    assert coarsest.conv1.weight.std().item() == pytest.approx(0.01 * (256 / 64) ** 0.5, rel=0.05)
    assert (finest.norm2.weight == 1).all()
    assert (finest.norm1.weight == 1).all()
    rows = found[1].restrict[0].weight.flatten(1)
    assert torch.allclose(rows.sum(1), torch.ones(128))


def test_only_what_is_selected_is_converted():
    _, report = converted(mgic.create("resnet20"), 3, 32, 32, select=lambda name, _: name == "stages.7")
    assert [block.name for block in report.converted] == ["stages.7"]
    assert reasons(report)["stages.8"] == "not selected"


def test_sizes_that_make_no_sense_and_an_input_that_does_not_fit_are_told():
    with pytest.raises(BadConfig, match="group_size=0 should be at least 1"):
        converted(mgic.create("resnet20"), 3, 32, 32, group_size=0)
    with pytest.raises(BadConfig, match=r"does not run on an input of \(2, 4, 32, 32\)"):
        converted(mgic.create("resnet20"), 4, 32, 32)
    with pytest.raises(BadConfig, match="it has no layer that mixes channels"):
        converted(nn.Sequential(nn.ReLU()), 3, 8, 8)
