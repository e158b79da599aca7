"""What every model must keep to; a new one is tested here without a line written."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mgic.inference import agreement, export_onnx
from mgic.measure.cost import count_cost, model_totals
from mgic.models import MODELS, create, list_models, model_info, resolve_options

LARGE = 5_500_000  # parameters at the defaults
PINNED = json.loads((Path(__file__).parent / "params.json").read_text())  # `python -m tests.pin` writes it anew
CLASSES = 7


def builder(name: str) -> Callable[..., nn.Module]:
    """The function that builds it: one function may be registered under several names, each with an argument."""
    build = MODELS[name].build
    return getattr(build, "func", build)


def families() -> Iterator[Any]:
    """The models of each builder; those `standing` for them are tested, and by `make test-all` each by itself."""
    found = defaultdict(list)
    for name in list_models():
        found[builder(name)].append(name)
    for build, names in found.items():
        yield pytest.param(names, id=build.__name__)
        if len(names) > 1:
            yield from (pytest.param([name], id=name, marks=pytest.mark.thorough) for name in names)


FAMILIES = list(families())


def of_each_file() -> Iterator[Any]:
    """One family stands for each file of models, one of MGIC where there is one; `make test-all` takes all.

    So it does with those of many million parameters, which take long; one that was never pinned is small.
    """
    seen = set()
    for family in sorted(FAMILIES, key=lambda family: "mgic" not in family.id):
        (names,) = family.values
        file = builder(names[0]).__module__
        left_out = file in seen or min(PINNED.get(name, 0) for name in names) > LARGE
        yield pytest.param(names, id=family.id, marks=pytest.mark.thorough) if left_out else family
        seen.add(file)


@cache
def at_defaults(name: str) -> tuple[type[nn.Module], int]:
    """The class of its network, and how many numbers its parameters hold."""
    with torch.device("meta"):
        model = create(name)
    return type(model), sum(p.numel() for p in model.parameters())


def standing(names: list[str]) -> list[str]:
    """Of each class of network among them the smallest: the others differ in depth or width only."""
    smallest: dict[type[nn.Module], str] = {}
    for name in names if len(names) == 1 else sorted(names, key=lambda name: at_defaults(name)[1]):
        smallest.setdefault(at_defaults(name)[0], name)
    return list(smallest.values())


@pytest.fixture(autouse=True)
def _one_thread():
    """Layers this small lose more to waiting for a second thread than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def options(name: str) -> dict[str, int]:
    """Few classes, and a channel more than it has by itself."""
    info = model_info(name)
    outputs = {"num_classes", "out_channels"} & info.options["properties"].keys()
    return dict.fromkeys(outputs, CLASSES) | {"in_channels": info.input_size[0] + 1}


def small_input(name: str, batch: int = 2) -> Tensor:
    """The smallest input the model says it is tested on."""
    info = model_info(name)
    torch.manual_seed(0)
    return torch.randn(batch, info.input_size[0] + 1, *info.smallest)


def shape_out(name: str, x: Tensor) -> tuple[int, ...]:
    each_pixel = model_info(name).task == "segmentation"
    return (len(x), CLASSES, *(x.shape[2:] if each_pixel else ()))


@pytest.mark.parametrize("names", list(of_each_file()))
def test_builds_without_memory_and_honours_classes_and_channels(names, subtests):
    for name in standing(names):
        with subtests.test(name):
            x = small_input(name).to("meta")
            with torch.device("meta"):
                model = create(name, **options(name))
                y = model.eval()(x)
            assert all(parameter.is_meta for parameter in model.parameters())
            assert y.shape == shape_out(name, x)


@pytest.mark.parametrize("names", list(of_each_file()))
def test_computes_and_keeps_itself_in_a_state_dict(names, subtests):
    for name in standing(names):
        with subtests.test(name):
            torch.manual_seed(1)
            model = create(name, **options(name)).eval()
            torch.manual_seed(2)
            other = create(name, **options(name)).eval()
            x = small_input(name)
            with torch.no_grad():
                y = model(x)
                assert y.shape == shape_out(name, x)
                assert y.isfinite().all()
                assert not torch.equal(other(x), y)
                other.load_state_dict(model.state_dict())
                assert torch.equal(other(x), y)


@pytest.mark.parametrize("name", list_models())
def test_every_option_is_described_and_bounded(name):
    info = model_info(name)
    assert info.name == name
    assert info.summary
    assert len(info.input_size) == 1 + len(info.smallest)
    for option, schema in info.options["properties"].items():
        assert schema["description"], option
        if schema.get("type") in ("integer", "number"):
            assert {"minimum", "exclusiveMinimum"} & schema.keys(), option
            assert {"maximum", "exclusiveMaximum"} & schema.keys(), option
    assert resolve_options(name, {}) == MODELS[name].options().model_dump()


def settings(name: str) -> Iterator[dict[str, Any]]:
    """The defaults, then each other value of each option that has a few."""
    yield {}
    for option, schema in model_info(name).options["properties"].items():
        for kind in schema.get("anyOf", [schema]):
            if kind.get("type") == "boolean":
                values = [False, True]
            elif "multipleOf" in kind and {"minimum", "maximum"} <= kind.keys():
                first, last = (round(kind[end] / kind["multipleOf"]) for end in ("minimum", "maximum"))
                values = [kind["multipleOf"] * times for times in range(first, last + 1)]
            else:
                values = kind.get("enum", [])
            yield from ({option: value} for value in values)


def with_gradients(name: str, chosen: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The names of its parameters, and of those that a backward pass gives a gradient, most of them not zero."""
    torch.manual_seed(0)
    model = create(name, **options(name) | chosen).train()
    y = model(small_input(name, batch=8))
    nn.functional.mse_loss(y, torch.randn_like(y)).backward()
    got = {key: p.grad for key, p in model.named_parameters() if p.grad is not None}
    assert [key for key, grad in got.items() if not grad.isfinite().all()] == []
    assert sum(bool(grad.any()) for grad in got.values()) > 0.9 * len(got)
    return {key for key, _ in model.named_parameters()}, got.keys()


@pytest.mark.parametrize("names", list(of_each_file()))
def test_every_parameter_gets_a_gradient(names, subtests):
    """At its defaults, or, as the norms of another width, under another value of one of its options."""
    for name in standing(names):
        with subtests.test(name):
            idle, chosen = None, settings(name)
            while idle is None or idle:
                try:
                    keys, got = with_gradients(name, next(chosen))
                except StopIteration:
                    pytest.fail(f"without a gradient under every setting: {sorted(idle)}")
                idle = (keys if idle is None else idle) - got


@pytest.mark.parametrize("names", list(of_each_file()))
def test_the_count_is_torch_s_own(names, subtests):
    for name in standing(names):
        with subtests.test(name):
            size = model_info(name).input_size
            with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
                model = create(name).eval()
                model(torch.empty(1, *size))
            cost = model_totals(name, {}, size)
            assert cost.params == sum(p.numel() for p in model.parameters())
            assert 2 * cost.macs == counter.get_total_flops() > 2 * cost.transfer_macs >= 0
            assert cost.uncounted == ()


def test_no_model_has_changed_by_accident():
    """A model that the file does not have is no fault: it is there to notice a change, of a package too."""
    assert {name: at_defaults(name)[1] for name in PINNED} == PINNED


@pytest.mark.parametrize("names", list(of_each_file()))
def test_onnx_runtime_agrees_with_eager(names, tmp_path, subtests):
    for name in standing(names)[:1]:
        with subtests.test(name):
            torch.manual_seed(1)
            model = create(name, **options(name)).eval()
            x = small_input(name)
            path = export_onnx(model, x, tmp_path / f"{name}.onnx")
            found = agreement(model, path, x)
            assert found.holds, found


@pytest.mark.parametrize("names", list(of_each_file()))
def test_counting_leaves_no_trace(names, subtests):
    for name in standing(names):
        with subtests.test(name):
            model = create(name, **options(name))
            before = {key: value.clone() for key, value in model.state_dict().items()}
            count_cost(model, tuple(small_input(name).shape[1:]))
            assert model.training
            assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
