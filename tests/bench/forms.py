"""How long do networks take in their fast forms, against plain networks by the same engine?

Example: python -m tests.bench forms docs/benchmarks.md

writes the table of that page anew, between its two marks; without a file it prints it. CPU time of one thread, all
contenders of a row in turns, forwards and backwards; each output is held against float64 first. With `models` for a
file it looks at all MGIC networks (tests/bench/every_network.py), with `memory` at what is live at once
(tests/bench/live_memory.py).
"""

import gc
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import torch
from torch import nn

import mgic
from mgic.extras import what_lacks
from mgic.inference import agreement, form_of, layout_changes
from mgic.inference.runtimes import RUNTIMES, runtime_pass
from mgic.measure.cost import model_totals
from mgic.measure.host import Host
from mgic.records import ModelCost
from mgic.spec import parse_spec
from tests.bench.written import put

ROUNDS = 11
SLICE_S = 0.1  # CPU time of a turn, or one pass if that takes longer

Pass = Callable[[], object]


class Pair(NamedTuple):
    network: str
    plain: str
    size: tuple[int, ...]
    batch: int
    aim: float | None  # of the best engine
    of: str = ""  # without an aim: whose options were chosen anew, which makes it another function


PAIRS = (
    Pair("mgic_resnet50(group_size=16)", "torchvision/resnet50", (3, 224, 224), 1, 0.48),
    Pair("mgic_resnet50(group_size=32)", "torchvision/resnet50", (3, 224, 224), 1, 0.62),
    Pair("mgic_resnet50(group_size=64)", "torchvision/resnet50", (3, 224, 224), 1, 1.03),
    Pair("mgic_resnet56", "resnet56", (3, 32, 32), 1, 0.85),
    Pair("mgic_resnet56", "resnet56", (3, 32, 32), 8, 0.85),
    Pair("mgic_mobilenet_v3", "timm/ghostnet_100", (3, 224, 224), 1, 0.80),
    Pair("mgic_mobilenet_v3", "timm/mobilenetv3_large_075", (3, 224, 224), 1, 1.10),
    Pair(
        "mgic_resnet50(group_size=32,stem=plain)",
        "torchvision/resnet50",
        (3, 224, 224),
        1,
        None,
        "mgic_resnet50(group_size=32)",
    ),
    Pair("mgic_mobilenet_v3(group_size=16)", "timm/ghostnet_100", (3, 224, 224), 1, None, "mgic_mobilenet_v3"),
    Pair("mgic_mobilenet_v3(group_size=16)", "timm/mobilenetv3_large_075", (3, 224, 224), 1, None, "mgic_mobilenet_v3"),
)


def built(spec: str) -> nn.Module:
    torch.manual_seed(0)
    name, options = parse_spec(spec)
    return mgic.create(name, **options).eval().requires_grad_(False)


def passes(spec: str, example: torch.Tensor, folder: Path) -> tuple[dict[str, Pass], str]:
    """By engine, each held against float64, and what the form for ONNX Runtime is."""
    network = built(spec)
    found: dict[str, Pass] = {"eager": lambda: network(example)}
    targets = ("portable", *(name for name in RUNTIMES if not what_lacks(name)))
    told = ""
    for target in targets:
        path = mgic.export_onnx(network, example, folder / f"{len(list(folder.iterdir()))}.onnx", target=target)
        runtime = "openvino" if target == "openvino" else "onnxruntime"
        if runtime == "openvino":
            assert agreement(network, path, example, runtime).holds, f"{spec} in OpenVINO"
        found[f"{runtime}, as exported" if target == "portable" else runtime] = runtime_pass(
            runtime, str(path), example
        )
        form = form_of(path)
        if target == "portable":
            told = f"{layout_changes(path)}"
        elif target == "onnxruntime" and form is not None:
            told += (
                f" -> {layout_changes(path)} layout changes, {form.nodes} nodes, {form.macs_added / 1e6:+.1f} M MACs"
            )
    return found, told


def in_turns(contenders: dict[str, Pass], slice_s: float = SLICE_S) -> dict[str, list[float]]:
    """CPU seconds of a pass, one a round; a turn takes `slice_s`, or one pass."""
    times = {}
    for name, one in contenders.items():
        one()
        times[name] = max(1, round(slice_s / max(seconds(one, 1), 1e-6)))
    found: dict[str, list[float]] = {name: [] for name in contenders}
    gc.collect()
    for number in range(ROUNDS):
        order = list(contenders) if number % 2 == 0 else list(reversed(contenders))
        for name in order:
            found[name].append(seconds(contenders[name], times[name]) / times[name])
    return found


def seconds(one: Pass, times: int) -> float:
    start = time.process_time()
    with torch.inference_mode():
        for _ in range(times):
            one()
    return time.process_time() - start


def ratio(over: list[float], under: list[float]) -> tuple[float, float, float]:
    """Quartiles of the ratio of a round: the first, the median, the third."""
    first, median, third = quantiles([a / b for a, b in zip(over, under, strict=True)], n=4, method="inclusive")
    return first, median, third


def row(pair: Pair, folder: Path) -> str:
    example = torch.randn(pair.batch, *pair.size, generator=torch.Generator().manual_seed(0))
    ours, told = passes(pair.network, example, folder)
    plain, _ = passes(pair.plain, example, folder)
    found = in_turns({**{f"ours {k}": v for k, v in ours.items()}, **{f"plain {k}": v for k, v in plain.items()}})
    share = counted(pair.network, pair.size).macs / counted(pair.plain, pair.size).macs
    cells, medians = [], {}
    for engine in ("eager", "onnxruntime, as exported", *RUNTIMES):
        if f"ours {engine}" not in found:
            cells.append("-")
            continue
        first, median, third = ratio(found[f"ours {engine}"], found[f"plain {engine}"])
        medians[engine] = median
        cells.append(f"{median:.3f} ({first:.3f} to {third:.3f})")
    names = f"{pair.network} / {pair.plain}" + (f", batch {pair.batch}" if pair.batch > 1 else "")
    return f"| {names} | {share:.3f} | {' | '.join(cells)} | {aimed(pair, medians)} | {told} |"


def aimed(pair: Pair, medians: dict[str, float]) -> str:
    """How the best engine stands to the aim; of another network, what it has of the one whose options it changes."""
    best = min(medians, key=lambda engine: medians[engine])
    if pair.aim is not None:
        return f"{pair.aim:.2f}: {'reached' if medians[best] <= pair.aim else 'not reached'}, {best}"
    ours, theirs = counted(pair.network, pair.size), counted(pair.of, pair.size)
    shares = f"{ours.macs / theirs.macs:.3f} of its MACs, {ours.params / theirs.params:.3f} of its parameters"
    return f"another network than {pair.of}: {shares}; {best}"


def counted(spec: str, size: tuple[int, ...]) -> ModelCost:
    name, options = parse_spec(spec)
    return model_totals(name, options, size)


def conditions(loads: list[float]) -> str:
    there = ["torch", *(name for name in RUNTIMES if not what_lacks(name))]
    where = Host().facts().processor or platform.machine()
    versions = ", ".join(f"{name} {version(name)}" for name in there)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {where}, {os.cpu_count()} cores, one thread, "
        f"load {min(loads):.1f} to {max(loads):.1f}; {versions}; n = {ROUNDS} rounds, quartiles in brackets."
    )


def table(folder: Path) -> Iterator[str]:
    loads = [os.getloadavg()[0]]
    engines = "eager | ONNX Runtime, as exported | ONNX Runtime | OpenVINO"
    graph = "its graph in ONNX Runtime, as exported -> its form"
    lines = [
        f"| network / plain network | MACs | {engines} | aim, best engine | {graph} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for pair in PAIRS:
        lines.append(row(pair, folder))
        loads.append(os.getloadavg()[0])
        print(lines[-1], file=sys.stderr, flush=True)
    yield conditions(loads)
    yield ""
    yield from lines


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
        text = "\n".join(table(Path(folder)))
    if not arguments:
        print(text)
        return
    put(Path(arguments[0]), "forms", text)
