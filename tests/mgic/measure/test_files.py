"""Files of networks are counted as the networks are that they were made of."""

import pytest
import torch
from safetensors.torch import save_file

from mgic import create, export_onnx
from mgic.errors import BadConfig
from mgic.measure.cost import count_cost
from mgic.measure.files import file_figures, file_forward, is_file
from mgic.measure.size import state_bytes
from tests.cases import thorough


@pytest.mark.parametrize("name", ["mgic_resnet20", *thorough("mobilenet_v3_small", "timm/convnext_atto")])
def test_a_graph_has_the_macs_of_its_network(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    network = create(name).eval()
    size = (3, 32, 32) if name == "mgic_resnet20" else (3, 224, 224)
    export_onnx(network, torch.zeros(1, *size), tmp_path / "net.onnx", target="portable")
    found, cost = file_figures("net.onnx"), count_cost(network, size)
    assert (found.model, found.input_size, found.macs) == ("net.onnx", size, cost.macs)
    assert found.size_bytes == (tmp_path / "net.onnx").stat().st_size
    assert abs(found.params - cost.params) < 0.05 * cost.params  # norms are folded into it
    (answer,) = file_forward("net.onnx", 1, 0)()
    assert answer.shape[0] == 1


def test_weights_have_parameters_and_a_size(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = create("resnet20")
    save_file(network.state_dict(), tmp_path / "net.safetensors")
    found = file_figures("net.safetensors")
    assert found.params == sum(tensor.numel() for tensor in network.state_dict().values())
    assert abs(found.size_bytes - state_bytes(network)) < 4096  # what the file says of itself
    assert found.macs == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.onnx", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a.onnx", b"no graph", "no ONNX file"),
        ("a.safetensors", b"", "no safetensors file"),
        ("a.safetensors", (9).to_bytes(8, "little") + b"{not json", "no safetensors file"),
        ("a.safetensors", (2**62).to_bytes(8, "little"), "no safetensors file"),
    ],
)
def test_what_is_no_such_file_is_named(tmp_path, monkeypatch, name, content, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadConfig, match=said):
        file_figures(name)


def test_what_cannot_be_counted_is_refused(tmp_path, monkeypatch):
    onnx = pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    make = onnx.helper
    sides = [make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 4]) for name in ("x", "y")]
    node = make.make_node("Einsum", ["x"], ["y"], equation="ij->ij")
    onnx.save(make.make_model(make.make_graph([node], "g", sides[:1], sides[1:])), "einsum.onnx")
    with pytest.raises(BadConfig, match="Einsum, whose multiply-accumulates are not counted"):
        file_figures("einsum.onnx")
    free = [make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", "width"]) for name in ("x", "y")]
    node = make.make_node("Relu", ["x"], ["y"])
    onnx.save(make.make_model(make.make_graph([node], "g", free[:1], free[1:])), "free.onnx")
    with pytest.raises(BadConfig, match="size 1 of its input x is not fixed"):
        file_figures("free.onnx")


def test_a_name_of_a_model_is_no_file():
    assert not is_file("mgic_resnet20")
    assert is_file("exports/net.onnx")
