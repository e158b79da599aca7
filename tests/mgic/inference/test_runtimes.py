"""Each runtime computes a file's network, and says what it cannot."""

import pytest
import torch

import mgic
from mgic import extras
from mgic.errors import BadConfig
from mgic.extras import what_lacks
from mgic.inference import agreement
from mgic.inference.runtimes import RUNTIMES, runtime_pass
from tests.mgic.inference.networks import drawn, images


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    if what_lacks(request.param):
        pytest.skip(what_lacks(request.param))
    return request.param


def test_a_runtime_gives_the_networks_numbers_from_the_form_for_it(runtime, tmp_path):
    network = drawn(mgic.create("mgic_resnet20"))
    path = mgic.export_onnx(network, images(1), tmp_path / "network.onnx", target=runtime)
    assert agreement(network, path, images(3), runtime).holds
    one_pass = runtime_pass(runtime, path.read_bytes(), images(2), threads=2)
    first = one_pass()
    assert first.shape == (2, 10)
    assert torch.equal(first, one_pass())


def test_what_a_runtime_cannot_read_is_said(runtime, tmp_path):
    (tmp_path / "text.onnx").write_text("not a network")
    with pytest.raises(BadConfig, match="cannot be had as ONNX: O"):
        runtime_pass(runtime, str(tmp_path / "text.onnx"), images(1))


def test_what_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "openvino" else name)
    assert what_lacks("onnxruntime") == ""
    assert what_lacks("openvino") == "openvino is not installed; get it with: pip install 'mgic[openvino]'"
    with pytest.raises(BadConfig, match=r"mgic\[openvino\]"):
        runtime_pass("openvino", b"", images(1))
