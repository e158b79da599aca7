"""What folding and exporting have in common: the network stays as it was, and an example must tell something."""

import copy
from functools import partial

import pytest
import torch

import mgic
from mgic.errors import BadConfig
from mgic.inference import export_onnx, optimize_for_inference
from tests.mgic.inference.networks import Functional, conv, drawn, images


@pytest.mark.parametrize("prepare", ["optimize", "export"])
def test_the_network_itself_stays_as_it_was(prepare, tmp_path):
    network = drawn(mgic.create("mgic_resnet20"))
    network.stages[1].eval()
    network.head.weight.requires_grad_(False)
    network.head.register_forward_hook(lambda *_: None)
    modes = {name: module.training for name, module in network.named_modules()}
    frozen = {name: tensor.requires_grad for name, tensor in network.named_parameters()}
    state = copy.deepcopy(network.state_dict())
    modules = list(network.modules())
    example = images()
    before = example.clone()

    if prepare == "optimize":
        fast = optimize_for_inference(network, example)
        places = {tensor.data_ptr() for tensor in network.state_dict().values()}
        assert places.isdisjoint(tensor.data_ptr() for tensor in fast.parameters())
        assert not any(tensor.requires_grad for tensor in fast.parameters())
    else:
        export_onnx(network, example, tmp_path / "network.onnx")

    assert {name: module.training for name, module in network.named_modules()} == modes
    assert {name: tensor.requires_grad for name, tensor in network.named_parameters()} == frozen
    assert all(old is new for old, new in zip(modules, network.modules(), strict=True))
    assert state.keys() == network.state_dict().keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
    assert len(network.head._forward_hooks) == 1
    assert torch.equal(example, before)


@pytest.mark.parametrize("prepare", [optimize_for_inference, partial(export_onnx, path="never_written.onnx")])
@pytest.mark.parametrize(
    ("network", "example", "message"),
    [
        (conv(), images(channels=4), "2x4x32x32 in torch.float32 does not fit"),
        (Functional(lambda self, x: (x, x)), images(), "gives a tuple"),
        (Functional(lambda self, x: x.argmax(1)), images(), "one tensor of floats"),
        (Functional(lambda self, x: x / 0), images(), "not finite"),
        (conv(), images(batch=0), "empty"),
    ],
    ids=["channels", "tuple", "integers", "infinite", "no images"],
)
def test_an_example_that_tells_nothing_is_refused(prepare, network, example, message):
    with pytest.raises(BadConfig, match=message) as caught:
        prepare(network, example)
    assert [problem.pointer for problem in caught.value.problems] == ["example"]
