"""Counting once what is equal, and never what only looks equal; what is unknown, and what has to be computed."""

import random
from threading import Thread

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import flex_attention

from mgic import create
from mgic.errors import BadConfig
from mgic.layers import BasicBlock, MGICBlock, Transfer2d
from mgic.measure import signature
from mgic.measure.cost import NeedsValues, count_cost, model_cost
from mgic.measure.counting import _calls


class Strided(nn.Module):
    """Its stride is a plain attribute: neither a parameter nor a part of its repr."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.inner = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x[:, :, :: self.stride, :: self.stride])


class Closed(nn.Module):
    """What it does to the shape stands in a closure."""

    def __init__(self, shrink) -> None:
        super().__init__()
        self.shrink = shrink
        self.inner = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.shrink(x))


class Sliced(nn.Conv2d):
    """Uses a part of its weight, as a network of switchable width does."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.weight[:6, : x.shape[1]])


class Keeping(nn.Module):
    """Leaves behind what it was given, for others to read."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(8, 8, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        self.kept = x
        return self.inner(x)


class ReadingOthers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(Keeping() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x) + part.kept
        return x


def block() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), nn.ReLU())


def calls_of(model: nn.Module, size: tuple[int, ...], monkeypatch) -> int:
    """How many convolutions really run while the model is counted; a hook or another forward makes them all run."""
    ran = []
    inner = nn.Conv2d._conv_forward
    monkeypatch.setattr(nn.Conv2d, "_conv_forward", lambda self, *more: ran.append(1) or inner(self, *more))
    count_cost(model, size)
    return len(ran)


def test_equal_blocks_run_once_and_count_each(monkeypatch):
    _calls.clear()
    deep = create("mgic_resnet56")
    convolutions = sum(isinstance(m, nn.Conv2d) for m in deep.modules())
    assert calls_of(deep, (3, 32, 32), monkeypatch) < convolutions / 4
    shallow, deeper = (count_cost(create(f"resnet{depth}"), (3, 32, 32)).macs for depth in (20, 26))
    assert deeper - shallow == 3 * 2 * 9 * 16 * 16 * 32 * 32  # a block more in each stage, all of the same cost


def test_what_was_counted_serves_the_next_network_too(monkeypatch):
    _calls.clear()
    count_cost(create("resnet56"), (3, 32, 32))
    assert calls_of(create("resnet56"), (3, 32, 32), monkeypatch) == 0


def test_the_same_block_on_another_area_is_counted_anew():
    _calls.clear()
    block = nn.Sequential(nn.Sequential(nn.Conv2d(4, 4, 1)))
    assert count_cost(block, (4, 8, 8)).macs == 4 * 16 * 16
    assert count_cost(block, (4, 4, 4)).macs == 16 * 16


def test_attributes_that_change_the_shape_tell_two_blocks_apart():
    assert count_cost(nn.Sequential(Strided(1), Strided(2)), (4, 8, 8)).macs == 16 * (64 + 16)


def test_what_cannot_be_compared_is_never_taken_for_equal():
    def by(factor):
        return lambda x: x[:, :, ::factor, ::factor]

    network = nn.Sequential(Closed(by(1)), Closed(by(2)))
    assert count_cost(network, (4, 8, 8)).macs == 16 * (64 + 16)


def test_a_slice_of_a_weight_counts_as_the_slice():
    assert count_cost(Sliced(16, 16, 3, padding=1, bias=False), (4, 8, 8)).macs == 6 * 6 * 6 * 4 * 9


def test_the_model_is_left_as_it_was():
    network = create("mgic_resnet20")
    before = [set(vars(module)) for module in network.modules()]
    count_cost(network, (3, 32, 32))
    assert [set(vars(module)) for module in network.modules()] == before


def test_a_part_that_stands_twice_is_not_taken_for_two():
    one, two, shared = (nn.Conv2d(8, 8, 1, bias=False) for _ in range(3))
    network = nn.Sequential(nn.Sequential(one, two), nn.Sequential(shared, shared))
    assert count_cost(network, (8, 4, 4)).macs == 4 * 64 * 16
    assert count_cost(network, (8, 4, 4)).params == 3 * 64


def test_a_hook_that_changes_the_input_is_counted_with_what_it_does():
    network = nn.Sequential(block(), block())
    network[1].register_forward_pre_hook(lambda _, x: (x[0][:, :, ::2, ::2],))
    assert count_cost(network, (8, 8, 8)).macs == 64 * 64 + 64 * 16


def test_hooks_run_each_time_also_where_an_equal_module_was_counted_before():
    count_cost(nn.Sequential(block(), block()), (8, 8, 8))
    seen = []
    network = nn.Sequential(block(), block())
    for part in network:
        part.register_forward_hook(lambda *_: seen.append(1))
    count_cost(network, (8, 8, 8))
    assert len(seen) == 2


def test_what_a_pass_leaves_behind_is_there_for_others():
    for _ in range(2):
        assert count_cost(ReadingOthers(), (8, 4, 4)).macs == 2 * 64 * 16


@torch.library.custom_op("mgic_tests::mystery", mutates_args=())
def mystery(x: Tensor) -> Tensor:
    return x @ x.mT


@mystery.register_fake
def _(x: Tensor) -> Tensor:
    return x.new_empty(*x.shape[:-1], x.shape[-2])


@torch.library.custom_op("mgic_tests::shapeless", mutates_args=())
def shapeless(x: Tensor) -> Tensor:
    """Knows nothing of the meta device."""
    return x.clone()


class Calling(nn.Module):
    def __init__(self, operator) -> None:
        super().__init__()
        self.operator = operator

    def forward(self, x: Tensor) -> Tensor:
        return self.operator(x)


class Asking(nn.Module):
    """Goes on as the values say, as shapes alone cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.layer(x))
        if x.sum().item() == x.sum().item():
            x = x + torch.rand(4)
            self.norm.running_mean.add_(1)
        return self.layer(x)


def named(model: nn.Module, size: tuple[int, ...]) -> list[tuple[str, str]]:
    return [(found.operator, found.module) for found in count_cost(model, size).uncounted]


def test_an_operator_outside_the_tables_is_named_with_the_module_that_called_it():
    network = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), Calling(mystery)))
    cost = count_cost(network, (4, 4))
    assert cost.macs == 4 * 4 * 4
    assert [(found.operator, found.module) for found in cost.uncounted] == [("mgic_tests::mystery", "1.1")]
    assert named(Calling(mystery), (4, 4)) == [("mgic_tests::mystery", "")]


def test_what_is_remembered_of_a_module_names_its_unknown_operators_too(monkeypatch):
    monkeypatch.setattr(signature, "TRUSTED", (*signature.TRUSTED, __name__.partition(".")[0]))
    blocks = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.Sequential(Calling(whole))) for _ in range(3)))
    _calls.clear()
    for _ in range(2):
        cost = count_cost(blocks, (4, 4))
        assert [found.module for found in cost.uncounted] == ["0.1.0", "1.1.0", "2.1.0"]
        assert cost.macs == 3 * 4 * 4 * 4
    assert len(_calls) == 4  # a block, its layer, and the two around the operator


def whole(x: Tensor) -> Tensor:
    return torch.fft.fft(x).real.contiguous()


def test_a_network_that_asks_for_values_is_computed_on_the_cpu():
    network = Asking().train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    tensors = [id(tensor) for tensor in (*network.parameters(), *network.buffers())]
    state, python = torch.get_rng_state(), random.getstate()
    assert count_cost(network, (4,)).macs == 2 * 16
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert [id(tensor) for tensor in (*network.parameters(), *network.buffers())] == tensors
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == python


def test_an_operator_that_knows_no_shapes_is_run_and_named():
    network = nn.Sequential(nn.Linear(4, 4), Calling(shapeless), nn.Linear(4, 2))
    cost = count_cost(network, (4,))
    assert cost.macs == 16 + 8
    assert [(found.operator, found.module) for found in cost.uncounted] == [("mgic_tests::shapeless", "1")]


def test_what_has_no_values_and_needs_some_says_so():
    with pytest.raises(NeedsValues, match="shapes alone"):
        count_cost(Asking().to("meta"), (4,))


@pytest.mark.parametrize("bias", [False, True])
def test_a_complex_network_is_given_a_complex_input(bias):
    network = nn.Conv2d(3, 4, 3, bias=bias, dtype=torch.complex64)
    assert count_cost(network, (3, 8, 8)).macs == 3 * 36 * 4 * 27  # three real ones, of 36 pixels


@pytest.mark.parametrize("asking", [torch.nonzero, torch.unique, lambda x: x[x > 0], lambda x: x * x.max().item()])
def test_each_way_of_asking_for_values_is_known(asking):
    assert count_cost(nn.Sequential(nn.Linear(4, 4), Calling(asking)), (4,)).macs == 16


def test_an_error_that_only_has_the_word_in_another_is_the_network_s_own():
    def refuse(x: Tensor) -> Tensor:
        raise RuntimeError(f"no metadata given for {x.device.type == 'meta'}")

    with pytest.raises(BadConfig, match="no metadata given for True"):  # not run once more, with values
        count_cost(Calling(refuse), (4,))


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_an_attention_that_compiles_itself_is_named():
    def attend(x: Tensor) -> Tensor:
        return flex_attention.flex_attention(x[None], x[None], x[None])

    before = vars(flex_attention)["_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"]
    cost = count_cost(nn.Sequential(nn.Linear(16, 16), Calling(attend)), (8, 16))
    assert cost.macs == 8 * 16 * 16
    assert [(found.operator, found.module) for found in cost.uncounted] == [("flex_attention", "1")]
    assert vars(flex_attention)["_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"] == before


def test_a_model_by_name_that_needs_values_is_built_with_some(monkeypatch):
    monkeypatch.setattr("mgic.measure.cost.create", lambda name, **options: Asking())
    state = torch.get_rng_state()
    assert model_cost("implicit_mlp", {"in_channels": 4, "width_mult": 0.3}, (4,)).macs == 2 * 16
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", ["mgic_resnet20", "mgic_diffgcn", "dgcnn", "mgic_mobilenet_v3"])
def test_a_pass_with_values_counts_the_same_in_every_part(name, monkeypatch):
    network = create(name)
    size = {"mgic_diffgcn": (3, 64), "dgcnn": (3, 64)}.get(name, (3, 32, 32))
    shapes = count_cost(network, size)
    network.register_forward_hook(lambda module, inputs, output: output.sum().item() and None)
    assert count_cost(network, size) == shapes


def test_functions_are_credited_to_the_innermost_module_and_so_to_its_level():
    def block(channels: int, groups: int) -> nn.Module:
        return nn.Sequential(BasicBlock(channels, groups), Attention(channels))

    cost = count_cost(MGICBlock(16, block, 4, 8), (16, 3, 3))
    plain = count_cost(MGICBlock(16, BasicBlock, 4, 8), (16, 3, 3))
    more = [now.block_macs - before.block_macs for now, before in zip(cost.levels, plain.levels, strict=True)]
    assert more == [2 * 16 * 9 * 9, 2 * 8 * 9 * 9]
    assert cost.transfer_macs == plain.transfer_macs


class Attention(nn.Module):
    """Among the pixels, with nothing to train."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.flatten(2).mT
        return nn.functional.scaled_dot_product_attention(pixels, pixels, pixels).mT.view_as(x)


def test_a_transfer_with_a_hook_of_its_own_is_still_one():
    transfer = Transfer2d(16, 8, 4)
    transfer.register_forward_hook(lambda module, inputs, output: output)
    cost = count_cost(nn.Sequential(transfer), (16, 2, 2))
    assert cost.macs == cost.transfer_macs == 4 * 32


def test_a_forward_of_one_s_own_is_run_counted_and_left_in_place():
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    twice = lambda x: nn.functional.linear(nn.functional.linear(x, network[1].weight), network[1].weight)  # noqa: E731
    network[1].forward = twice
    assert count_cost(network, (4,)).macs == 3 * 16
    assert network[1].forward is twice


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_scripted_and_traced_networks_count_as_what_they_were():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 1)).eval()
    macs = count_cost(network, (3, 8, 8)).macs
    assert macs == 36 * 4 * (27 + 4)
    scripted, traced = torch.jit.script(network), torch.jit.trace(network, torch.zeros(1, 3, 8, 8))
    assert count_cost(scripted, (3, 8, 8)).macs == macs
    assert count_cost(nn.Sequential(scripted), (3, 8, 8)).macs == macs
    assert count_cost(traced, (3, 8, 8)).macs == macs
    assert scripted(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 6, 6)


def test_a_compiled_network_counts_as_what_it_was():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    macs = count_cost(network, (3, 8, 8)).macs
    assert count_cost(torch.compile(network, backend="eager"), (3, 8, 8)).macs == macs
    network.compile(backend="eager")
    assert count_cost(network, (3, 8, 8)).macs == macs


def test_two_threads_count_two_networks_at_once():
    expected = {name: count_cost(create(name), (3, 32, 32)).macs for name in ("resnet20", "mgic_resnet20")}
    wrong: list[str] = []

    def count(name: str) -> None:
        for _ in range(5):
            _calls.clear()
            if count_cost(create(name), (3, 32, 32)).macs != expected[name]:
                wrong.append(name)

    threads = [Thread(target=count, args=(name,)) for name in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
