"""Weights from a file: what is put into a network, and what is refused, with the words for it."""

import os
import pickle
import struct

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save
from torch import nn

from mgic.errors import BadConfig, DataMissing
from mgic.models.weights import MAX_HEADER, Weighted, load, load_trained
from tests.silent import SilentContext


def network(classes: int = 3, width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, classes))


def state(**changes) -> dict[str, torch.Tensor]:
    drawn = {name: torch.ones_like(one) for name, one in network().state_dict().items()}
    return {name: one for name, one in (drawn | changes).items() if one is not None}


def with_header(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


class Bomb:
    def __reduce__(self):
        return os.system, ("touch canary",)


OVERLAP = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}'
BOMB = b'{"a":{"dtype":"F64","shape":[1099511627776],"data_offsets":[0,4]}}'


def test_they_are_read_in_any_precision_and_without_the_counters_of_norms(tmp_path):
    model, path = network(), tmp_path / "a.safetensors"
    path.write_bytes(save({name: one.half() for name, one in state(**{"1.num_batches_tracked": None}).items()}))
    loaded = load(model, path)
    assert len(loaded.hash) == 16
    assert all(one.eq(1).all() for name, one in model.state_dict().items() if "tracked" not in name)
    assert {one.dtype for one in model.parameters()} == {torch.float32}


def test_a_file_that_is_no_safetensors_file_is_refused_and_nothing_in_it_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(network().state_dict(), tmp_path / "torch.pt")
    many = save({f"t{number}": torch.zeros(1) for number in range(2000)})
    cases = {
        "is a pickle": (pickle.dumps(Bomb()), (tmp_path / "torch.pt").read_bytes()),
        "longer than the file": (b"", b"abc", with_header(b"{}", length=2**30), with_header(b"{}", length=2**63)),
        "no whole safetensors file": (
            with_header(OVERLAP, b"\0" * 6),
            with_header(BOMB, b"\0" * 4),
            save(state())[:-1],
        ),
        "at most 16,777,216 are read": (with_header(b" " * (MAX_HEADER + 1)),),
        r"missing: 0\.\w+, 0\.\w+, 1\.\w+ and 5 more.*not of this network: t\d+, t\d+, t\d+ and 1997 more": (many,),
    }
    for words, contents in cases.items():
        for content in contents:
            (tmp_path / "odd.safetensors").write_bytes(content)
            with pytest.raises(BadConfig, match=words) as refused:
                load(network(), tmp_path / "odd.safetensors")
            assert [(one.pointer, one.code) for one in refused.value.problems] == [("weights", "bad_checkpoint")]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"0.weight": torch.ones(4, 3)}, r"of another shape: 0\.weight is 4x3 there and 4x2 here"),
        ({"0.bias": None, "0.biass": torch.ones(4)}, r"missing: 0\.bias; not of this network: 0\.biass"),
        ({"0.weight": torch.ones(4, 2, dtype=torch.int64)}, r"0\.weight is of int64 in the file, and of float32 here"),
        ({"0.bias": torch.full((4,), torch.nan)}, r"0\.bias has values that are no finite numbers"),
    ],
)
def test_what_does_not_fit_is_named_and_the_network_stays_as_it_was(tmp_path, changes, words):
    model, path = network(), tmp_path / "a.safetensors"
    before = {name: one.clone() for name, one in model.state_dict().items()}
    path.write_bytes(save(state(**changes)))
    with pytest.raises(BadConfig, match=words):
        load(model, path)
    assert all(one.equal(before[name]) for name, one in model.state_dict().items())


def test_a_last_layer_of_other_classes_is_said_and_may_begin_anew(tmp_path):
    context, model = SilentContext(tmp_path), network(classes=5)
    head = model[2].weight.clone()
    (context.data_dir / "weights").mkdir(parents=True)
    (context.data_dir / "weights" / "own.safetensors").write_bytes(save(state()))
    config = Weighted(weights="own.safetensors")
    with pytest.raises(BadConfig, match=r"are of 3 classes, and the network here has 5 \(2\.bias\)"):
        load_trained(model, config, context)
    loaded = load_trained(model, config, context, other_classes=True)
    assert loaded is not None
    assert loaded.anew == ("2.bias", "2.weight")
    assert context.lines == ["the weights are of other classes: 2.bias, 2.weight begin anew"]
    assert model[0].weight.eq(1).all()
    assert model[2].weight.equal(head)


def test_a_name_is_a_file_in_the_folder_of_weights_and_no_path(tmp_path):
    context = SilentContext(tmp_path)
    (folder := context.data_dir / "weights").mkdir(parents=True)
    (tmp_path / "outside.safetensors").write_bytes(save(state()))
    (folder / "link.safetensors").symlink_to(tmp_path / "outside.safetensors")
    with pytest.raises(BadConfig, match="a link out of its folder"):
        load_trained(network(), Weighted(weights="link"), context)
    with pytest.raises(DataMissing, match=r"weights: there is no none\.safetensors in the folder weights"):
        load_trained(network(), Weighted(weights="none"), context)
    assert load_trained(network(), Weighted(), context) is None
    for name in ("../outside", "/etc/passwd", "a/b", "..", ".hidden", "", "a\\b", "C:x", "a\n", "http://x"):
        with pytest.raises(ValidationError, match="and no path"):
            Weighted(weights=name)
    with pytest.raises(ValidationError, match="cannot be given together"):
        Weighted(weights="a", trained="b")
