"""Is a fast form of any MGIC network refused, unequal or slower than the network as it is?

Example: python -m tests.bench forms models

prints a row for every registered MGIC network and ten converted ones: what `optimize_for_inference(target="host")` and
the form for ONNX Runtime take against eager and against the graph as exported, in CPU time of one thread, all in turns,
and how near their outputs come to the bound that they are held to. Then it folds a hundred fresh mgic_resnet50. About
fifteen minutes on a quiet machine.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, fx, nn

import mgic
from mgic.errors import BadConfig, MgicError
from mgic.inference import form_of, run_onnx
from mgic.inference.check import compare, eager_outputs, output_of, reference_output, several
from mgic.inference.runtimes import runtime_pass
from mgic.models import model_info
from tests.bench.forms import built, in_turns, ratio

SLICE_S = 0.03
FRESH = 100
SLOWER = 1.03  # of the time of eager, at most
SMALLER = {"mgic_lraspp": (3, 256, 512)}  # than the input that a network is made for
CONVERTED = (
    *("resnet18", "resnet26", "mobilenetv2_100", "mobilenetv3_small_100", "efficientnet_b0", "resnetv2_18"),
    *("ghostnet_100", "convnext_zepto_rms", "mnasnet_100", "repvgg_a0"),
)
COLUMNS = (
    "network",
    "host / eager",
    "ONNX Runtime / eager",
    "its form / as exported",
    "share of the bound: host, ONNX Runtime",
    "",
)


def looked_at() -> list[tuple[str, tuple[int, ...]]]:
    """Every registered MGIC network and the converted ones, with the size of their inputs."""
    ours = [name for name in mgic.list_models() if name.startswith("mgic_") or name == "implicit_mlp"]
    sizes = [(name, SMALLER.get(name, model_info(name).input_size)) for name in ours]
    return [*sizes, *((f"mgic/timm/{name}", (3, 224, 224)) for name in CONVERTED)]


def shares(network: nn.Module, fast: nn.Module, path: Path, example: Tensor) -> list[float]:
    """How near the two fast forms come to the bound, on as many samples as they are judged by; over 1 is over it."""
    samples = several(example, output_of(network, example), least=2)
    eager, reference = eager_outputs(network, samples), reference_output(network, samples)
    outputs = (output_of(fast, samples), run_onnx(str(path), samples))
    found = [compare(output, eager, reference) for output in outputs]
    return [one.error / one.bound for one in found]


def row(name: str, size: tuple[int, ...], folder: Path) -> str:
    example = torch.randn(1, *size, generator=torch.Generator().manual_seed(0))
    network = built(name)
    plain, formed = (mgic.export_onnx(network, example, folder / t, target=t) for t in ("portable", "onnxruntime"))
    fast = mgic.optimize_for_inference(network, example, "host")
    times = in_turns(
        {
            "eager": lambda: network(example),
            "host": lambda: fast(example),
            "as exported": runtime_pass("onnxruntime", str(plain), example),
            "its form": runtime_pass("onnxruntime", str(formed), example),
        },
        SLICE_S,
    )
    pairs = (("host", "eager"), ("its form", "eager"), ("its form", "as exported"))
    quartiles = [ratio(times[one], times[other]) for one, other in pairs]
    near = shares(network, fast, formed, example)
    form = form_of(formed)
    words = [] if isinstance(fast, fx.GraphModule) else ["host: left as it is"]
    words += [] if form is not None and form.rewrites else ["graph: left as exported"]
    words += ["NOT EQUAL"] if max(near) > 1 else []
    words += ["SLOWER"] if any(middle > SLOWER and first > 1 for first, middle, _ in quartiles) else []
    cells = [f"{middle:.3f} ({first:.3f} to {third:.3f})" for first, middle, third in quartiles]
    return f"| {name} | {' | '.join(cells)} | {', '.join(f'{one:.2f}' for one in near)} | {'; '.join(words)} |"


def rows(folder: Path) -> Iterator[str]:
    for name, size in looked_at():
        try:
            yield row(name, size, folder)
        except MgicError as error:
            yield f"| {name} | REFUSED: {error} | | | | |"


def fresh() -> str:
    """What came of folding networks whose weights were just drawn."""
    near, refused = [], 0
    for seed in range(FRESH):
        torch.manual_seed(seed)
        network = mgic.create("mgic_resnet50").eval().requires_grad_(False)
        examples = torch.randn(4, 3, 32, 32)
        try:
            fast = mgic.optimize_for_inference(network, examples)
        except BadConfig:
            refused += 1
            continue
        output = output_of(fast, examples)
        found = compare(output, eager_outputs(network, examples), reference_output(network, examples))
        near.append(found.error / found.bound)
    told = f", of the others the error is {median(near):.2f} of the bound in the median and {max(near):.2f} at most"
    return f"{FRESH} fresh mgic_resnet50 folded: {refused} refused{told if near else ''}"


def main() -> None:
    torch.set_num_threads(1)
    print(f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
        for line in rows(Path(folder)):
            print(line, flush=True)
    print(fresh())
