"""The parts of a network, with a clock that only some modules move."""

import pytest
import torch
from torch import nn

from mgic.layers import BasicBlock, MGICBlock, init_weights
from mgic.measure import profiling
from mgic.measure.cost import count_cost
from mgic.measure.counting import counting
from mgic.measure.probe import profile_fresh
from mgic.measure.profiling import Events, Profiled, Stopwatch, places_of, profile, profile_of, summarised
from mgic.models import create
from tests.cases import thorough
from tests.mgic.measure.test_latency import setup

SIDE = 8


class StillClock:
    """Moved by the modules themselves, in milliseconds."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def settle(self) -> None:
        return

    def ms(self, start: float, end: float) -> float:
        return end - start


class Slow(nn.Module):
    def __init__(self, clock: StillClock, ms: float) -> None:
        super().__init__()
        self._clock, self._ms = clock, ms

    def forward(self, x):
        self._clock.at += self._ms
        return x


def network(clock: StillClock) -> nn.Sequential:
    """A stem of 1 ms, a block of 3 levels whose middle one takes 5 ms and the others 1 each, a head of 2 ms."""
    block = MGICBlock(16, lambda channels, _: Slow(clock, 5 if channels == 8 else 1), group_size=4, coarsest_size=4)
    block.norms[0] = Slow(clock, 0.5)
    return nn.Sequential(Slow(clock, 1), nn.Sequential(block), Slow(clock, 2)).eval()


def found(model: nn.Module, clock: StillClock, channels: int, passes: int = 1, plain: float = 10.5) -> Profiled:
    places, x = places_of(model), torch.zeros(1, channels, SIDE, SIDE)
    with torch.inference_mode():
        timed = [Stopwatch(clock).parts(model, places, lambda: model(x)) for _ in range(passes)]
        with counting(model) as counts:
            model(x)
    return summarised(model, places, [plain], timed, counts.macs, True)


def test_the_slow_level_is_found_and_the_parts_are_the_whole():
    clock = StillClock()
    told = found(network(clock), clock, 16, passes=3)
    slowest = max(told.parts, key=lambda part: part["share"])
    assert [slowest[name] for name in ("block", "part", "level")] == ["1.0", "relax", 1]
    assert slowest["ms"] == 5
    assert sum(part["share"] for part in told.parts) == pytest.approx(1)
    assert {(part["part"], part["level"]): part["ms"] for part in told.parts if part["ms"]} == {
        ("stem", None): 1,
        ("relax", 0): 1,
        ("norm", 0): 0.5,
        ("relax", 1): 5,
        ("coarse", 2): 1,
        ("head", None): 2,
    }
    assert (told.parts_ms, told.plain_ms, told.overhead, told.grade) == (10.5, 10.5, 0, "A")


@pytest.mark.parametrize(
    ("plain", "grade", "words"),
    [(10.5 / 1.2, "C", "20% more than a pass whose parts are not timed"), (21, "D", "50% less than a pass")],
)
def test_parts_that_are_not_the_pass_lower_the_grade(plain, grade, words):
    clock = StillClock()
    told = found(network(clock), clock, 16, plain=plain)
    assert told.grade == grade
    assert words in told.reasons[0]


@pytest.mark.parametrize("name", ["mgic_resnet20", "resnet20", "mgic_mobilenet_v3", "torchvision/resnet18"])
def test_the_parts_have_all_multiply_accumulates(name):
    model = create(name).eval()
    clock = StillClock()
    model.register_forward_hook(lambda *_: setattr(clock, "at", clock.at + 1))  # the network's own
    told = found(model, clock, 3)
    assert sum(part["macs"] for part in told.parts) == count_cost(model, (3, SIDE, SIDE)).macs
    assert sum(part["macs_share"] for part in told.parts) == pytest.approx(1)
    assert {part["block"]: part["ms"] for part in told.parts if part["ms"]} == {"": 1}


def test_levels_cost_what_the_counter_says_of_them():
    model = create("mgic_resnet20", width=8, group_size=2, coarsest_size=4).eval()
    clock = StillClock()
    model.register_forward_hook(lambda *_: setattr(clock, "at", clock.at + 1))
    parts = {(part["block"], part["part"], part["level"]): part["macs"] for part in found(model, clock, 3).parts}
    for level in count_cost(model, (3, SIDE, SIDE)).levels:
        last = (level.block, "restrict", level.level) not in parts
        assert parts[level.block, "coarse" if last else "relax", level.level] == level.block_macs
        assert parts.get((level.block, "restrict", level.level), 0) == level.restrict_macs
        assert parts.get((level.block, "prolong", level.level), 0) == level.prolong_macs


def test_a_module_that_is_called_twice_has_the_time_of_both_and_hooks_are_gone_after():
    clock = StillClock()
    slow = Slow(clock, 3)
    model = nn.Sequential(slow, nn.Conv2d(2, 2, 1, bias=False), slow)
    told = found(model, clock, 2)
    assert [(part["block"], part["ms"]) for part in told.parts] == [("", 0), ("0", 6), ("1", 0)]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_gpu_is_asked_for_its_events_when_all_has_ended():
    order: list[str] = []

    class Event:
        made = 0

        def __init__(self, enable_timing):
            assert enable_timing
            Event.made += 1
            self.number = Event.made

        def record(self):
            order.append("record")

        def elapsed_time(self, other):
            order.append("read")
            return float(other.number - self.number)

    cuda = type("Cuda", (), {"Event": Event, "synchronize": staticmethod(lambda: order.append("synchronize"))})
    model = nn.Sequential(nn.Identity(), nn.Identity())
    parts = Stopwatch(Events(cuda)).parts(model, places_of(model), lambda: model(torch.zeros(1)))
    assert list(parts.values()) == [3.0, 1.0, 1.0]  # before, between and after; each of the two
    assert order == ["synchronize", *["record"] * 6, "synchronize", *["read"] * 5]


def test_a_network_is_timed_as_its_setup_says(monkeypatch):
    monkeypatch.setattr(profiling.torch, "set_num_threads", lambda _: None)
    small = setup(model="mgic_resnet20", options={"width": 4, "group_size": 2, "coarsest_size": 4})
    told = profile(small)
    assert told.repeats == 10
    assert told.parts_ms == pytest.approx(sum(part["ms"] for part in told.parts))
    assert told.overhead == pytest.approx(told.parts_ms / told.plain_ms - 1)
    (network,) = profile_of([small], ["mgic_resnet20(width=4)"], [told]).networks
    assert (network.place, network.model) == (0, "mgic_resnet20(width=4)")
    assert {"stem", "connector", "head", "restrict", "relax"} < {part.part for part in network.parts}


@pytest.mark.parametrize("model", thorough("mgic_resnet20"))
def test_a_process_of_its_own_tells_the_same_parts(model, tmp_path):
    assert len(profile_fresh(setup(model=model), tmp_path, lambda: None).parts) > 10


def test_what_holds_a_block_is_taken_apart_and_a_chain_of_layers_is_not():
    layers = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())
    block = MGICBlock(4, BasicBlock, group_size=2, coarsest_size=4)
    model = nn.Sequential(layers, nn.ModuleDict({"inside": nn.Sequential(block)}), nn.Sequential(layers))
    init_weights(model)
    assert [place.block for place in places_of(model).values()] == ["", "0", "1.inside.0", "1.inside.0"]
