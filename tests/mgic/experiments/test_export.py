"""The files of an export give the network's numbers, and each can be read again."""

import torch
from safetensors.torch import load_file

import mgic
from mgic.experiments.export import Config, export
from mgic.inference import form_of, run_onnx
from mgic.training import generator
from mgic.training.seed import seeded
from tests.silent import SilentContext

TINY = {"width": 4, "group_size": 2, "coarsest_size": 4}


def test_both_files_are_the_network(tmp_path):
    context = SilentContext(tmp_path)
    result = export(Config(**TINY, batch_size=8), context)
    eager, optimized, onnx = result.forms
    assert (eager.max_difference, eager.operations, result.weights_hash) == (0, None, None)
    assert max(optimized.max_difference, onnx.max_difference) < 1e-4 * max(1, result.largest_output)
    assert optimized.size_bytes < eager.size_bytes, "norms are folded"
    assert (optimized.operations or 0) > 20
    form = form_of(context.artifact("model.onnx"))
    assert form is not None
    assert (form.target, form.nodes, form.macs_added, form.done) == (
        "onnxruntime",
        onnx.operations,
        onnx.macs_added,
        result.rewrites,
    )
    assert onnx.layout_changes is not None
    with seeded(0, "weights"):
        network = mgic.create("mgic_resnet20", **TINY, in_channels=1, num_classes=10).eval()
    example = torch.randn(8, 1, 8, 8, generator=generator(0, "example"))
    again = mgic.optimize_for_inference(mgic.create("mgic_resnet20", **TINY, in_channels=1, num_classes=10), example)
    again.load_state_dict(load_file(context.artifact("optimized.safetensors")))
    with torch.inference_mode():
        wanted = network(example)
        torch.testing.assert_close(again(example), wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(run_onnx(str(context.artifact("model.onnx")), example), wanted, rtol=1e-4, atol=1e-5)
    left = {path.name for path in (tmp_path / "artifacts").iterdir()}
    assert left == {"model.onnx", "optimized.safetensors"}
    assert "drawn from the seed" in context.lines[0]
