"""What every model must keep to; a new one is tested here without a line written."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mgic.inference import agreement, export_onnx
from mgic.measure.cost import count_cost, model_totals
from mgic.models import MODELS, create, list_models, model_info, resolve_options

PINNED = Path(__file__).parent / "params.json"  # `python -m tests.pin` writes it anew
# One of each family, at its smallest: its others differ in depth or width only. `make test-all` takes every model.
FAMILIES = {
    "resnet20",
    "mgic_resnet20",
    "mgic_resnet50",
    "mgic_mobilenet_v3",
    "mgic_lraspp",
    "lraspp_mobilenet_v3",
    "implicit_mlp",
    "dgcnn",
    "diffgcn",
    "mgic_diffgcn",
    "ghost_resnet56",
    "shift_resnet50",
    "fe_net",
    "versatile_resnet50",
    "slimmable_resnet50",
    "shufflenet_v1",
    "mobilenext",
    "fbnet_b",
    "shufflenet_v2_x0_5",
    "mobilenetv3_small_075",
    "ghostnet_050",
}
EVERY = [pytest.param(name, marks=[] if name in FAMILIES else [pytest.mark.every_model]) for name in list_models()]
IDLE = {"slimmable_resnet50"}  # has norms for widths that it does not run at
COLOURED = {"mgic_diffgcn", "diffgcn", "dgcnn", "implicit_mlp"}  # one channel would be another geometry
CLASSES = 7


@pytest.fixture(autouse=True)
def _one_thread():
    """Layers this small lose more to waiting for a second thread than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def options(name: str) -> dict[str, int]:
    """Few classes, and one channel where that is possible."""
    info = model_info(name)
    classes = {"num_classes": CLASSES} if info.task != "function" else {"out_channels": CLASSES}
    return classes | ({} if name in COLOURED else {"in_channels": 1})


def small_input(name: str, batch: int = 2) -> Tensor:
    """The smallest input the model says it is tested on."""
    info = model_info(name)
    channels = info.input_size[0] if name in COLOURED else 1
    torch.manual_seed(0)
    return torch.randn(batch, channels, *info.smallest)


def shape_out(name: str, x: Tensor) -> tuple[int, ...]:
    each_pixel = model_info(name).task == "segmentation"
    return (len(x), CLASSES, *(x.shape[2:] if each_pixel else ()))


@pytest.mark.parametrize("name", list_models())
def test_builds_without_memory_and_honours_classes_and_channels(name):
    x = small_input(name).to("meta")
    with torch.device("meta"):
        model = create(name, **options(name))
        y = model.eval()(x)
    assert all(parameter.is_meta for parameter in model.parameters())
    assert y.shape == shape_out(name, x)


@pytest.mark.parametrize("name", EVERY)
def test_computes_and_keeps_itself_in_a_state_dict(name):
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


@pytest.mark.parametrize("name", EVERY)
def test_every_parameter_gets_a_gradient(name):
    torch.manual_seed(0)
    model = create(name, **options(name)).train()
    y = model(small_input(name, batch=8))
    loss = nn.functional.mse_loss(y, torch.randn_like(y))
    loss.backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None or name in IDLE, key
        assert parameter.grad is None or parameter.grad.isfinite().all(), key
    moved = [p for p in model.parameters() if p.grad is not None and p.grad.any()]
    assert len(moved) > 0.9 * sum(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("name", list_models())
def test_has_the_parameters_it_had(name):
    cost = model_totals(name, {}, model_info(name).input_size)
    assert cost.params == json.loads(PINNED.read_text())[name]
    assert cost.macs > cost.transfer_macs >= 0
    with torch.device("meta"):
        model = create(name)
    assert cost.params == sum(p.numel() for p in model.parameters())


def test_no_pin_is_left_of_a_model_that_is_gone():
    assert list(json.loads(PINNED.read_text())) == list_models()


@pytest.mark.parametrize("name", EVERY)
def test_onnx_runtime_agrees_with_eager(name, tmp_path):
    torch.manual_seed(1)
    model = create(name, **options(name)).eval()
    x = small_input(name)
    path = export_onnx(model, x, tmp_path / f"{name}.onnx")
    found = agreement(model, path, x)
    assert found.holds, found


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_counting_leaves_no_trace(name):
    model = create(name, **options(name))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    count_cost(model, tuple(small_input(name).shape[1:]))
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
