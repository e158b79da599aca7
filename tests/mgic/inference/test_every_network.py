"""Every registered MGIC network and ten converted ones are equal in each form, by every runtime that is here."""

import pytest
import torch

import mgic
from mgic.extras import what_lacks
from mgic.inference import agreement
from mgic.inference.runtimes import RUNTIMES
from mgic.inference.targets import Target
from tests.bench.every_network import CONVERTED, looked_at
from tests.cases import thorough

HERE: list[Target] = [name for name in RUNTIMES if not what_lacks(name)]
SMALLER = {(3, 224, 224): (3, 64, 64), (3, 256, 512): (3, 64, 128)}


def test_all_of_mgic_and_ten_converted_networks_are_looked_at():
    names = [name for name, _ in looked_at()]
    assert {"mgic_resnet56", "mgic_resnet50", "mgic_mobilenet_v3", "implicit_mlp"} <= set(names)
    assert len(CONVERTED) == 10


@pytest.mark.parametrize(("name", "size"), thorough(*looked_at()))
def test_each_form_is_the_network(name, size, tmp_path, subtests):
    torch.manual_seed(0)
    network = mgic.create(name).eval()
    example = torch.randn(1, *SMALLER.get(size, size))
    for runtime in HERE:
        with subtests.test(runtime):
            path = mgic.export_onnx(network, example, tmp_path / f"{runtime}.onnx", target=runtime)
            assert agreement(network, path, torch.cat([example, example.flip(-1)]), runtime).holds
    mgic.optimize_for_inference(network, example)  # refuses what is not equal
