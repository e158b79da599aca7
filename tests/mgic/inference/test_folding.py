"""Norms are folded and activations written in place wherever that is right, and nowhere else."""

import operator

import pytest
import torch
from torch import fx, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrizations

import mgic
from mgic.errors import BadConfig
from mgic.inference import folding, optimize_for_inference
from tests.cases import thorough
from tests.mgic.inference.networks import NETWORKS, Functional, conv, difference, drawn, images

STANDING = ("mgic_resnet20, five levels", "ghostnet_050")


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, _BatchNorm) for module in network.modules())


@pytest.mark.parametrize("name", [*STANDING, *thorough(*(name for name in NETWORKS if name not in STANDING))])
def test_every_norm_is_folded_and_the_numbers_stay(name):
    network = drawn(NETWORKS[name]())
    fast = optimize_for_inference(network, images())
    assert norms(network) > 10
    assert norms(fast) == 0
    assert not fast.training
    assert difference(network, fast, images(3)) < 1e-5
    assert difference(network, fast, images(1, 48)) < 1e-5


def test_the_folded_weight_and_bias_are_those_worked_out_by_hand():
    norm = nn.BatchNorm2d(1, eps=1.0)
    network = nn.Sequential(nn.Conv2d(1, 1, 1), norm)
    with torch.no_grad():
        for tensor, value in (
            (network[0].weight, 3.0),
            (network[0].bias, 1.0),
            (norm.running_mean, 2.0),
            (norm.running_var, 3.0),
            (norm.weight, 4.0),
            (norm.bias, 5.0),
        ):
            tensor.fill_(value)
    # The norm multiplies by 4 / sqrt(3 + 1) = 2: 3 becomes 6, and 1 becomes (1 - 2) * 2 + 5 = 3.
    state = optimize_for_inference(network, images(channels=1)).state_dict()
    assert sorted(tensor.item() for tensor in state.values()) == [3.0, 6.0]


def test_a_convolution_that_others_read_too_keeps_its_norm():
    def forward(self, x):
        y = self.conv(x)
        return self.norm(y) + y

    network = drawn(Functional(forward, conv=conv(), norm=nn.BatchNorm2d(8)))
    fast = optimize_for_inference(network, images())
    assert norms(fast) == 1
    assert difference(network, fast, images(3)) < 1e-6


def test_a_convolution_used_twice_is_folded_once_for_each_norm():
    def forward(self, x):
        x = self.first(self.conv(x))
        x = self.second(self.conv(x))
        return self.conv(x)

    network = Functional(forward, conv=conv(8), first=nn.BatchNorm2d(8), second=nn.BatchNorm2d(8))
    drawn(network)
    fast = optimize_for_inference(network, images(channels=8))
    assert norms(fast) == 0
    assert sum(isinstance(module, nn.Conv2d) for module in fast.modules()) == 3
    assert difference(network, fast, images(3, channels=8)) < 1e-5


def test_a_block_used_twice_is_folded_in_both_places():
    block = nn.Sequential(conv(3, 3), nn.BatchNorm2d(3), nn.ReLU())
    network = drawn(nn.Sequential(block, block))
    fast = optimize_for_inference(network, images())
    assert norms(fast) == 0
    assert difference(network, fast, images(3)) < 1e-6


@pytest.mark.parametrize("affine", [True, False])
def test_a_linear_layer_takes_its_norm(affine):
    network = nn.Sequential(nn.Linear(5, 7, bias=False), nn.BatchNorm1d(7, affine=affine), nn.Dropout(), nn.ReLU())
    network[1].running_mean.uniform_()
    fast = optimize_for_inference(network, torch.randn(4, 5))
    assert [type(module) for module in fast.children()] == [nn.ReLU, nn.Linear]
    assert difference(network, fast, torch.randn(9, 5)) < 1e-6


def test_a_linear_layer_over_tokens_is_not_taken_for_one_over_channels():
    network = drawn(nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6)))  # 6 tokens are the norm's channels
    fast = optimize_for_inference(network, torch.randn(4, 6, 6))
    assert norms(fast) == 1
    assert difference(network, fast, torch.randn(9, 6, 6)) < 1e-6


class Standardised(nn.Conv2d):
    def forward(self, x):
        return self._conv_forward(x, self.weight - self.weight.mean((1, 2, 3), keepdim=True), self.bias)


@pytest.mark.parametrize(
    "layer",
    [Standardised(3, 8, 3), parametrizations.weight_norm(conv()), nn.ConvTranspose2d(3, 8, 2)],
    ids=["its own forward", "its weight computed", "transposed"],
)
def test_a_layer_that_is_no_plain_convolution_keeps_its_norm(layer):
    network = drawn(nn.Sequential(layer, nn.BatchNorm2d(8), nn.ReLU()))
    fast = optimize_for_inference(network, images())
    assert norms(fast) == 1
    assert difference(network, fast, images(3)) < 1e-6


def test_a_norm_of_the_batchs_own_statistics_stays():
    network = nn.Sequential(conv(), nn.BatchNorm2d(8, track_running_stats=False))
    fast = optimize_for_inference(network, images())
    assert norms(fast) == 1
    assert difference(network, fast, images(3)) < 1e-6


def test_a_layer_with_a_hook_keeps_it_and_its_norm():
    seen = []
    network = drawn(nn.Sequential(conv(), nn.BatchNorm2d(8)))
    network[0].register_forward_hook(lambda module, inputs, output: seen.append(type(output)))
    fast = optimize_for_inference(network, images())
    assert norms(fast) == 1
    seen.clear()
    fast(images())
    assert seen == [torch.Tensor]


def in_place(network: nn.Module) -> list[bool]:
    """Of each activation in the order they run."""
    return [
        network.get_submodule(node.target).inplace if node.op == "call_module" else node.kwargs.get("inplace", False)
        for node in network.graph.nodes
        if node.target is functional.relu
        or (node.op == "call_module" and isinstance(network.get_submodule(node.target), nn.ReLU))
    ]


def residual(self, x):
    y = self.conv(x)
    return functional.relu(functional.relu(y) + y)


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (lambda self, x: functional.relu(self.conv(x)), [True]),
        (lambda self, x: self.act(self.conv(x)), [True]),
        (lambda self, x: self.act(x), [False]),
        (lambda self, x: self.conv(self.act(self.conv(x))) + self.act(x), [False, False]),
        (lambda self, x: functional.relu(x.flatten(2)), [False]),
        (lambda self, x: functional.relu(self.conv.weight) * x.mean(), [False]),
        (residual, [False, True]),
    ],
    ids=["function", "module", "the input", "a module used twice", "a view", "a weight", "read by two"],
)
def test_activations_write_over_what_nobody_else_reads(forward, expected):
    network = Functional(forward, conv=conv(3, 3), act=nn.ReLU())
    fast = optimize_for_inference(network, images())
    assert in_place(fast) == expected
    for _ in range(2):  # a weight written over would show the second time
        assert difference(network, fast, images(3)) < 1e-6


@pytest.mark.parametrize(
    ("forward", "sums"),
    [
        (lambda self, x: x + self.conv(x), 1),
        (lambda self, x: torch.add(self.conv(x), x), 1),
        (lambda self, x: x + self.act(x), 0),
        (lambda self, x: x + functional.adaptive_avg_pool2d(self.conv(x), 1), 0),
        (lambda self, x: self.conv(x).mean((2, 3), keepdim=True) + x, 0),
        (lambda self, x: (y := self.conv(x)) + y.flip(1), 0),
        (lambda self, x: self.conv(x) + 1, 0),
    ],
    ids=["behind", "in front", "the input", "a pool", "of another shape", "read by two", "a number"],
)
def test_sums_write_over_what_nobody_else_reads(forward, sums):
    network = Functional(forward, conv=conv(3, 3), act=nn.ReLU())
    fast = optimize_for_inference(network, images())
    assert sum(node.target is operator.iadd for node in fast.graph.nodes) == sums
    for example in (images(3), images(1, 48)):
        before = example.clone()
        assert difference(network, fast, example) < 1e-6
        assert torch.equal(example, before)


def test_a_forward_that_looks_at_numbers_is_copied_as_it_is():
    def forward(self, x):
        return self.norm(self.conv(x)) if x.sum() > 0 else x

    network = drawn(Functional(forward, conv=conv(), norm=nn.BatchNorm2d(8)))
    fast = optimize_for_inference(network, images())
    assert type(fast) is Functional
    assert fast is not network
    assert not fast.training
    assert network.training
    assert fast(images().abs()).shape[1] == 8
    assert fast(-images().abs()).shape[1] == 3


def test_a_module_that_looks_at_sizes_is_one_step_and_the_rest_is_folded():
    def forward(self, x):
        y = self.inner(x)
        return y if y.shape[2] > 40 else 2 * y

    def block() -> nn.Module:
        return drawn(Functional(forward, inner=nn.Sequential(conv(8), nn.BatchNorm2d(8))))

    network = drawn(nn.Sequential(conv(), nn.BatchNorm2d(8), block(), nn.ReLU(), block(), conv(8), nn.BatchNorm2d(8)))
    fast = optimize_for_inference(network, images())
    assert norms(fast) == 2
    assert difference(network, fast, images(3)) < 1e-5
    assert difference(network, fast, images(3, 48)) < 1e-5


def test_one_number_near_zero_is_no_reason_to_refuse():
    torch.manual_seed(2)
    network = mgic.create("implicit_mlp").eval()  # gives one number
    for _ in range(8):
        assert norms(optimize_for_inference(network, torch.randn(1, 2))) == 0


@pytest.mark.parametrize(("place", "kind"), [(0, nn.Sequential), (1, fx.GraphModule), (2, fx.GraphModule)])
def test_for_this_machine_the_fastest_of_three_is_taken(place, kind, monkeypatch):
    """Its plain copy is one of them, for networks that are slower folded."""
    network = drawn(mgic.create("mgic_resnet20"))
    seen = []
    monkeypatch.setattr(folding, "fastest_network", lambda networks, example: seen.append(len(networks)) or place)
    fast = optimize_for_inference(network, images(), target="host")
    assert seen == [3]
    assert isinstance(fast, kind)
    assert difference(network, fast, images(3)) < 1e-5
    weights = [tensor for tensor in fast.parameters() if tensor.ndim == 4 and tensor.shape[2] == 3]
    assert any(not tensor.is_contiguous() for tensor in weights) == (place == 2)


def test_a_target_nobody_knows_is_refused():
    with pytest.raises(BadConfig, match="target='onnxruntime' is none of portable, host, memory") as caught:
        optimize_for_inference(conv(), images(), target="onnxruntime")
    assert caught.value.problems[0].pointer == "target"


def test_arguments_with_a_default_keep_it():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(conv(), nn.BatchNorm2d(8))

        def forward(self, x, mask=None):
            return self.layers(x) if mask is None else self.layers(x) * mask

    network = drawn(Masked())
    fast = optimize_for_inference(network, images())
    assert norms(fast) == 0
    assert difference(network, fast, images(3)) < 1e-6


def test_other_precisions_are_folded_too():
    for dtype in (torch.float64, torch.bfloat16):
        fast = optimize_for_inference(drawn(mgic.create("mgic_resnet20")).to(dtype), images().to(dtype))
        assert norms(fast) == 0
        assert fast(images().to(dtype)).dtype == dtype


@pytest.mark.parametrize("seed", [0, *thorough(*range(1, 100))])
def test_no_fresh_network_is_refused(seed):
    torch.manual_seed(seed)
    network, image = mgic.create("mgic_resnet50"), torch.randn(1, 3, 32, 32)
    assert norms(optimize_for_inference(network, image)) == 0


def test_a_fold_that_is_slightly_wrong_is_not_handed_out(monkeypatch):
    right = folding.fuse_conv_bn_weights
    monkeypatch.setattr(
        folding, "fuse_conv_bn_weights", lambda w, b, m, v, eps, *rest: right(w, b, m, v, 2 * eps, *rest)
    )
    with pytest.raises(BadConfig, match="folding the norms changes the output") as caught:
        optimize_for_inference(drawn(mgic.create("mgic_resnet20")), images())
    assert caught.value.problems[0].code == "not_equal"
