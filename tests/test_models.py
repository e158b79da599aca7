"""What every model must keep to; a new one is tested here without a line written."""

import pytest
import torch

from mgic.measure.cost import count_cost
from mgic.models import MODELS, create, list_models, model_info, resolve_options

SIDES = {"default": 16}  # pixels; enough for a network that halves four times
BACKWARD = ["resnet20", "mgic_resnet20"]  # one of each family; the others differ in depth only


@pytest.fixture(autouse=True)
def _one_thread():
    """Layers this small lose more to waiting for a second thread than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def small_input(name: str, batch: int = 2, channels: int = 1) -> torch.Tensor:
    side = SIDES.get(name, SIDES["default"])
    torch.manual_seed(0)
    return torch.randn(batch, channels, side, side)


@pytest.mark.parametrize("name", list_models())
def test_builds_without_memory_and_honours_classes_and_channels(name):
    with torch.device("meta"):
        model = create(name, in_channels=1, num_classes=7)
        y = model.eval()(small_input(name).to("meta"))
    assert all(parameter.is_meta for parameter in model.parameters())
    assert y.shape == (2, 7)


@pytest.mark.parametrize("name", list_models())
def test_computes_and_keeps_itself_in_a_state_dict(name):
    torch.manual_seed(1)
    model = create(name, in_channels=1, num_classes=7).eval()
    torch.manual_seed(2)
    other = create(name, in_channels=1, num_classes=7).eval()
    x = small_input(name)
    with torch.no_grad():
        y = model(x)
        assert y.shape == (2, 7)
        assert y.isfinite().all()
        assert not torch.equal(other(x), y)
        other.load_state_dict(model.state_dict())
        assert torch.equal(other(x), y)


@pytest.mark.parametrize("name", list_models())
def test_every_option_is_described_and_bounded(name):
    info = model_info(name)
    assert info.name == name
    assert info.summary
    for option, schema in info.options["properties"].items():
        assert schema["description"], option
        if schema.get("type") in ("integer", "number"):
            assert {"minimum", "exclusiveMinimum"} & schema.keys(), option
            assert {"maximum", "exclusiveMaximum"} & schema.keys(), option
    assert resolve_options(name, {}) == MODELS[name].options().model_dump()


@pytest.mark.parametrize("name", BACKWARD)
def test_every_parameter_gets_a_gradient(name):
    model = create(name, in_channels=1, num_classes=7).train()
    y = model(small_input(name, batch=8))
    torch.nn.functional.cross_entropy(y, torch.arange(8) % 7).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.any(), key


@pytest.mark.parametrize("name", BACKWARD)
def test_the_cost_is_that_of_the_parameters(name):
    model = create(name, in_channels=1)
    cost = count_cost(model, tuple(small_input(name).shape[1:]))
    assert cost.params == sum(p.numel() for p in model.parameters())
    assert cost.macs > cost.transfer_macs >= 0
