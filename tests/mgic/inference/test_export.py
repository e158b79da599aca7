"""An ONNX file gives the network's numbers, and is there whole or not at all."""

import copy
import errno
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.inference import Agreement, agreement, export_onnx
from tests.cases import thorough
from tests.mgic.inference.networks import NETWORKS, Functional, conv, difference, drawn, images

STANDING = "mgic_resnet20"


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", [STANDING, *thorough(*(name for name in NETWORKS if name != STANDING))])
def test_an_exported_network_gives_the_same_numbers_on_any_batch(name, tmp_path):
    network = drawn(NETWORKS[name]())
    path = export_onnx(network, images(1), str(tmp_path / "network.onnx"))
    assert path == tmp_path / "network.onnx"
    assert [entry.version for entry in onnx.load(path).opset_import] == [18]
    exported = session(path)
    assert [(i.name, i.shape) for i in exported.get_inputs()] == [("input", ["batch", 3, 32, 32])]
    assert [(o.name, o.shape[0]) for o in exported.get_outputs()] == [("output", "batch")]
    for batch in (1, 3):
        found = agreement(network, path, images(batch))
        assert found.holds
        other = lambda x: torch.from_numpy(exported.run(None, {"input": x.numpy()})[0])  # noqa: E731
        assert difference(network, other, images(batch)) < 1e-5


def test_a_network_that_fixes_its_batch_is_exported_with_it(tmp_path):
    network = Functional(lambda self, x: x.reshape(int(x.shape[0]), -1) * 2)
    path = export_onnx(network, images(2), tmp_path / "fixed.onnx")
    assert session(path).get_inputs()[0].shape == [2, 3, 32, 32]
    assert agreement(network, path, images(2)).holds
    with pytest.raises(BadConfig, match="ONNX Runtime"):
        agreement(network, path, images(3))


def test_another_networks_file_does_not_agree(tmp_path):
    network = nn.Linear(4, 2)
    other = copy.deepcopy(network)
    nn.init.constant_(other.bias, 3.0)
    nn.init.constant_(network.bias, 1.0)
    found = agreement(network, export_onnx(other, torch.ones(1, 4), tmp_path / "other.onnx"), torch.ones(5, 4))
    assert not found.holds
    assert found.error == pytest.approx(2.0, abs=1e-6)
    assert found.eager_error < 1e-6


def test_the_bound_is_four_times_eagers_error_but_not_below_sixteen_roundings():
    assert Agreement(error=0.0, eager_error=0.5, scale=1.0, precision=0.01).bound == 2.0
    assert Agreement(error=0.0, eager_error=0.0, scale=10.0, precision=0.01).bound == pytest.approx(1.6)
    assert not Agreement(error=float("inf"), eager_error=0.5, scale=1.0, precision=0.01).holds


@pytest.mark.parametrize("where", ["missing/network.onnx", ".", "a file/network.onnx", "nul\0.onnx"])
def test_a_place_that_cannot_be_written_is_named(where, tmp_path):
    (tmp_path / "a file").touch()
    with pytest.raises(BadConfig, match="cannot write") as caught:
        export_onnx(conv(), images(), tmp_path / where)
    assert caught.value.problems[0].pointer == "path"
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_swapped_arguments_are_named(tmp_path):
    path = tmp_path / "network.onnx"
    for arguments, named in (
        ((conv(), path, images()), "example should be a tensor.*not PosixPath"),
        ((conv(), str(path), images()), "example should be a tensor.*not str"),
        ((images(), conv(), path), "model should be a network, not Tensor"),
        ((conv(), images(), None), "path should be a path, not NoneType"),
    ):
        with pytest.raises(BadConfig, match=named) as caught:
            export_onnx(*arguments)
        assert caught.value.problems[0].pointer == named.split()[0]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"old")
    write = Path.write_bytes

    def fill(self: Path, content: bytes) -> int:
        write(self, content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(BadConfig, match=r"network\.onnx.*No space left on device"):
        export_onnx(conv(), images(), path)
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("network.onnx", b"old")]


def test_what_onnx_has_not_is_said(tmp_path):
    with pytest.raises(BadConfig, match="cannot be had as ONNX") as caught:
        export_onnx(Functional(lambda self, x: torch.linalg.svdvals(x)), images(), tmp_path / "svd.onnx")
    assert caught.value.problems[0].code == "not_exportable"


def test_a_file_that_is_no_onnx_is_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("not a network")
    for name in ("text.onnx", "missing.onnx"):
        with pytest.raises(BadConfig, match="ONNX Runtime"):
            agreement(conv(), tmp_path / name, images())


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_the_extra_the_command_that_installs_it_is_named(missing, tmp_path, monkeypatch):
    monkeypatch.setattr("mgic.extras.find_spec", lambda name: None if name == missing else name)
    with pytest.raises(BadConfig, match=rf"^{missing} is not installed.*pip install 'mgic\[onnx\]'"):
        export_onnx(conv(), images(), tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []
