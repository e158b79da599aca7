"""Counts of whole networks."""

import pytest
from pydantic import ValidationError

import mgic
from mgic.errors import BadConfig
from mgic.experiments.cost import Config, cost, estimate
from mgic.measure.cost import model_totals
from mgic.records import Uncounted
from tests.silent import SilentContext


def run(tmp_path, **config):
    return cost(Config(**config), SilentContext(tmp_path))


def test_resnet56_has_the_figures_of_the_paper(tmp_path):
    result = run(tmp_path, model="resnet56")
    assert result.params == pytest.approx(0.85e6, rel=0.01)  # table 5
    assert result.macs == pytest.approx(125e6, rel=0.01)
    assert (result.transfer_macs, result.flops) == (0, 2 * result.macs)


def test_it_is_the_count_of_the_model(tmp_path):
    found = run(tmp_path, model="mgic_resnet20", group_size=4, side=16, in_channels=1, num_classes=7)
    counted = mgic.count_cost(mgic.create("mgic_resnet20", group_size=4, in_channels=1, num_classes=7), (1, 16, 16))
    assert (found.params, found.macs, found.uncounted) == (counted.params, counted.macs, "")
    assert found.macs_without_transfer == counted.macs - counted.transfer_macs
    assert 0 < found.transfer_macs < found.macs
    assert 0 < found.transfer_params < found.params


def test_the_config_tells_every_option_it_counted_with():
    config = Config(model="mgic_resnet20").model_dump()
    assert (config["side"], config["in_channels"], config["num_classes"], config["coarsest_size"]) == (None, 3, 10, 16)


def test_an_option_of_another_model_is_refused():
    with pytest.raises(ValidationError, match="group_size"):
        Config(model="resnet20", group_size=8)


@pytest.mark.parametrize("side", [0, 4097, "32", 32.5])
def test_a_bad_side_is_refused(side):
    with pytest.raises(ValidationError, match="side"):
        Config(side=side)


def test_what_cannot_be_built_is_bad_config(tmp_path):
    with pytest.raises(BadConfig):
        run(tmp_path, model="mgic_resnet20", width=6, coarsest_size=1)


def test_the_estimate_agrees_with_the_result(tmp_path):
    config = Config(model="mgic_resnet20", group_size=4)
    assert estimate(config).cost.macs == cost(config, SilentContext(tmp_path)).macs
    assert estimate(config).group_sizes == (4,)


def test_what_is_not_counted_is_named_in_the_result(tmp_path, monkeypatch):
    found = model_totals("resnet20", {}, (3, 32, 32))
    unknown = (Uncounted(operator="aten::_fft_r2c", module=""), Uncounted(operator="mine::mix", module="layers.3"))
    monkeypatch.setattr(
        "mgic.experiments.cost.model_totals", lambda *_: found.model_copy(update={"uncounted": unknown})
    )
    assert run(tmp_path, model="resnet20").uncounted == "aten::_fft_r2c in the network, mine::mix in layers.3"
