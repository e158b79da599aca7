"""A file has the form that is the fastest for its target, says which that is, and is the same bytes each time."""

import time

import onnx
import pytest
from torch import nn

import mgic
from mgic.errors import BadConfig
from mgic.inference import Form, agreement, form_of, layout_changes, race
from mgic.inference.export import _exported
from mgic.inference.race import fastest
from mgic.inference.targets import form_for
from tests.cases import thorough
from tests.mgic.inference.networks import NETWORKS, Functional, conv, drawn, images

TARGETS = ("onnxruntime", "openvino", "portable", "host")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return drawn(mgic.create("mgic_resnet20"))


def test_the_default_form_is_fixed_and_says_what_was_done(network, tmp_path):
    one, other = (mgic.export_onnx(network, images(), tmp_path / f"{name}.onnx") for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    form = form_of(one)
    assert form is not None
    # Of nine blocks the six of 32 and 64 channels have levels below the first: one and two of them, a difference each.
    assert (form.target, form.rewrites["subtractions_as_sums"], form.rewrites["split_connectors"]) == (
        "onnxruntime",
        9,
        2,
    )
    assert form.nodes == len(onnx.load(one).graph.node)
    plain = mgic.export_onnx(network, images(), tmp_path / "plain.onnx", target="portable")
    assert form_of(plain) == Form("portable", {}, len(onnx.load(plain).graph.node), 0)
    assert 0 < form.macs_added <= 0.3 * mgic.count_cost(network, (3, 32, 32)).macs
    assert layout_changes(one) < layout_changes(plain)


@pytest.mark.parametrize("target", ["openvino", *thorough("host", "portable")])
def test_every_form_is_the_network(target, network, tmp_path):
    path = mgic.export_onnx(network, images(1), tmp_path / "network.onnx", target=target)
    form = form_of(path)
    assert form is not None
    assert form.target == target
    assert agreement(network, path, images(3)).holds


@pytest.mark.parametrize(("name", "target"), thorough(*((name, target) for name in NETWORKS for target in TARGETS)))
def test_every_form_of_every_network_is_it(name, target, tmp_path):
    network = drawn(NETWORKS[name]())
    path = mgic.export_onnx(network, images(1), tmp_path / "network.onnx", target=target)
    assert agreement(network, path, images(3)).holds


def test_a_graph_that_multiplies_maps_stays_plain(tmp_path):
    def forward(self, x):
        y = self.grouped(self.first(x))
        return y * y.mean((2, 3), keepdim=True)

    network = Functional(forward, first=nn.Conv2d(3, 32, 1), grouped=nn.Conv2d(32, 32, 3, groups=4))
    form = form_of(mgic.export_onnx(network, images(), tmp_path / "network.onnx"))
    assert form is not None
    assert form.rewrites == {}


def test_other_precisions_are_exported_as_they_are(tmp_path):
    network = drawn(mgic.create("mgic_resnet20")).half()
    path = mgic.export_onnx(network, images().half(), tmp_path / "half.onnx")
    form = form_of(path)
    assert form is not None
    assert form.rewrites == {}
    assert agreement(network, path, images(3).half()).holds


def test_a_graph_with_too_many_zeros_stays_plain(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 32, 1), nn.Conv2d(32, 32, 3, groups=16))
    form = form_of(mgic.export_onnx(network, images(), tmp_path / "network.onnx"))
    assert form == Form("onnxruntime", {}, 2, 0)


def test_the_fastest_on_this_machine_is_measured(network):
    content = portable(network)
    seen = []

    def last(forms: list[bytes]) -> int:
        seen.extend(forms)
        return len(forms) - 1

    assert form_for(content, "host", last) == seen[-1]
    assert len(set(seen)) == len(seen) == 6  # as it is, each of three rewrites alone, the first two, and all


def portable(network: nn.Module) -> bytes:
    return _exported(network.eval(), images(), free_batch=True)


def test_the_one_that_computes_less_wins():
    def burn(seconds: float):
        def one_pass() -> None:
            end = time.process_time() + seconds
            while time.process_time() < end:
                pass

        return one_pass

    assert fastest([burn(0.02), burn(0.002), burn(0.02)]) == 1


def test_the_first_is_left_where_the_others_are_no_faster(monkeypatch):
    """By a clock that knows how long each pass is: 1 % less is chance, 3 % is not."""
    lengths = {"first": 0.100, "a hundredth": 0.099, "three": 0.097}
    passes = {name: (lambda: None) for name in lengths}
    monkeypatch.setattr(
        race, "_seconds", lambda one, times: times * lengths[next(n for n in passes if passes[n] is one)]
    )
    assert fastest([passes["first"], passes["a hundredth"]]) == 0
    assert fastest(list(passes.values())) == 2


def test_a_target_nobody_knows_is_refused(tmp_path):
    with pytest.raises(BadConfig, match="target='tensorrt' is none of onnxruntime, openvino, portable, host") as caught:
        mgic.export_onnx(conv(), images(), tmp_path / "network.onnx", target="tensorrt")
    assert caught.value.problems[0].pointer == "target"
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_somebody_else_says_nothing_of_its_form(tmp_path):
    (tmp_path / "other.onnx").write_bytes(portable(conv()))
    assert form_of(tmp_path / "other.onnx") is None
