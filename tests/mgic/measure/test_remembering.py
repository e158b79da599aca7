"""What was counted before in a process never changes what a network is found to cost now."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from mgic.layers import BasicBlock
from mgic.measure.cost import count_cost
from mgic.measure.counting import _calls


@pytest.fixture(autouse=True)
def _nothing_remembered():
    _calls.clear()
    yield
    _calls.clear()


def pair() -> nn.Sequential:
    return nn.Sequential(*(nn.Sequential(nn.ReLU(), nn.Linear(6, 6)) for _ in range(2)))


def test_hooks_of_all_modules_are_counted_while_they_are_there_and_not_after():
    def multiply(module: nn.Module, _: object, output: Tensor) -> Tensor | None:
        return output @ torch.ones(6, 6, device=output.device) if isinstance(module, nn.ReLU) else None

    assert count_cost(pair(), (6,)).macs == 2 * 36
    hook = register_module_forward_hook(multiply)
    try:
        assert count_cost(pair(), (6,)).macs == 4 * 36
    finally:
        hook.remove()
    assert count_cost(pair(), (6,)).macs == 2 * 36


def test_a_forward_that_was_replaced_in_its_class_is_counted_as_it_is(monkeypatch):
    network = nn.Sequential(nn.Sequential(nn.Linear(7, 7), nn.ReLU()))
    forward = nn.Linear.forward
    assert count_cost(network, (7,)).macs == 49
    with monkeypatch.context() as patch:
        patch.setattr(nn.Linear, "forward", lambda self, x: forward(self, forward(self, x)))
        assert count_cost(network, (7,)).macs == 2 * 49
    assert count_cost(network, (7,)).macs == 49


def test_one_trusted_forward_in_place_of_another_is_another_signature(monkeypatch):
    network = nn.Sequential(nn.Sequential(nn.Linear(7, 7), nn.ReLU()))
    assert count_cost(network, (7,)).macs == 49
    monkeypatch.setattr(nn.Linear, "forward", nn.ReLU.forward)
    nn.Linear.inplace = False
    try:
        assert count_cost(network, (7,)).macs == 0
    finally:
        del nn.Linear.inplace


TIMES = {"matrix": 1}


def by_a_matrix(x: Tensor) -> Tensor:
    for _ in range(TIMES["matrix"]):
        x = x @ torch.ones(8, 8, device=x.device)
    return x


def in_no_grad(function):
    return torch.no_grad()(function)  # a wrapper that is torch's, round what is not


@pytest.mark.parametrize("activation", [by_a_matrix, in_no_grad(by_a_matrix), torch.vmap(by_a_matrix)])
def test_a_function_that_reads_what_others_change_is_asked_each_time(activation, monkeypatch):
    def network() -> nn.Sequential:
        return nn.Sequential(nn.TransformerEncoderLayer(8, 2, 8, activation=activation, batch_first=True))

    layer = 3 * (4 * 8 * 8 + 2 * 3 * 8 + 2 * 8 * 8)  # 3 tokens of 8: attention among them, and two maps
    assert count_cost(network(), (3, 8)).macs == layer + 3 * 64
    monkeypatch.setitem(TIMES, "matrix", 3)
    assert count_cost(network(), (3, 8)).macs == layer + 3 * 3 * 64


def test_the_functions_of_torch_are_trusted():
    """Else no block that holds its activation would be remembered."""
    count_cost(nn.Sequential(nn.TransformerEncoderLayer(8, 2, 8, activation=nn.functional.silu)), (3, 8))
    count_cost(nn.Sequential(nn.TransformerEncoderLayer(8, 2, 8, activation=torch.tanh)), (3, 8))
    layers = [key for key, *_ in _calls if key.parts[0] is nn.TransformerEncoderLayer]
    assert len(layers) == 2


class Descending(nn.Module):
    """Gives the gradient of its layers, as an energy network does."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Sequential(nn.Linear(9, 9)))

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.requires_grad_()
            return torch.autograd.grad(self.layers(x).sum(), x)[0]


def test_what_keeps_gradients_is_run_each_time():
    count_cost(Descending().layers, (9,))
    for _ in range(2):
        assert count_cost(Descending(), (9,)).macs == 2 * 81  # there and back


class Copying(nn.Module):
    """Runs a copy of its layer, made as it runs."""

    def __init__(self, layer: nn.Module, copied) -> None:
        super().__init__()
        self.layer = layer
        self.copied = copied

    def forward(self, x: Tensor) -> Tensor:
        return self.copied(self.layer)(x)


class Transforming(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.rfft(x)


def repickled(module: nn.Module) -> nn.Module:
    return pickle.loads(pickle.dumps(module))


def test_what_a_deep_copy_does_is_credited_to_who_made_it():
    for _ in range(2):
        assert count_cost(Copying(nn.Linear(4, 4), copy.deepcopy), (4,)).macs == 16
        cost = count_cost(nn.Sequential(Copying(nn.Sequential(Transforming()), copy.deepcopy)), (4,))
        assert [(found.operator, found.module) for found in cost.uncounted] == [("aten::_fft_r2c", "0")]


@pytest.mark.parametrize("copied", [copy.deepcopy, repickled])
def test_a_copy_that_outlives_the_count_works_as_its_original(copied):
    kept = []
    layer = BasicBlock(4, groups=4)
    size = (4, 3, 3)
    count_cost(Copying(layer, lambda block: kept.append(copied(block)) or block), size)
    assert count_cost(layer, size).macs == count_cost(kept[0], size).macs == 2 * 9 * 4 * 9


class Turning(nn.Module):
    """Its output is the same shape in another order, as of a view that another may only be taken of as it lies."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).contiguous().transpose(1, 2)


def test_what_stands_in_for_an_output_lies_in_memory_as_the_output_did(monkeypatch):
    monkeypatch.setattr("mgic.measure.signature.TRUSTED", ("tests", "torch"))
    seen = []
    network = nn.Sequential(nn.Sequential(Turning()), nn.Sequential(Turning()))
    network.append(Copying(nn.Identity(), lambda layer: lambda x: seen.append(x.stride()) or x))
    for _ in range(2):
        count_cost(network, (2, 3))
    assert len(_calls) > 0
    assert seen == [(6, 1, 2), (6, 1, 2)]
