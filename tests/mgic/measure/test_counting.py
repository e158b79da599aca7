"""Counting once what is equal, and never what only looks equal."""

from torch import Tensor, nn

from mgic import create
from mgic.measure.cost import count_cost
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
    """How many convolutions really run while the model is counted; a hook would make them all run."""
    ran = []
    forward = nn.Conv2d.forward
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: ran.append(1) or forward(self, x))
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
