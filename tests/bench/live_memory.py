"""How much is live at once while a block is computed, in inputs?

Example: python -m tests.bench forms memory

prints a row a block and a column a form. Each first number is of the tensors that are held at the worst moment,
each second one of the whole process, with what the runtime's convolutions need for themselves; both have the input in
them, and are divided by its size.
"""

import tempfile
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import mgic
from mgic.inference.runtimes import runtime_pass
from mgic.layers import BasicBlock
from mgic.measure.memory import PeakMemory

CHANNELS, GROUP_SIZE, SIDE, SMALL_SIDE = 512, 32, 56, 8
FORMS = ("eager", "portable", "memory", "ONNX Runtime")


def convolution(channels: int, groups: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


mgic_block = partial(mgic.MGICBlock, CHANNELS, group_size=GROUP_SIZE, coarsest_size=GROUP_SIZE)
BLOCKS: dict[str, Callable[[], nn.Module]] = {
    "convolution, norm, ReLU": partial(convolution, CHANNELS),
    "the same in an MGIC block": partial(mgic_block, make_block=convolution),
    "basic block": partial(BasicBlock, CHANNELS),
    "basic blocks in an MGIC block": partial(mgic_block, make_block=BasicBlock),
}


def live(block: str, form: str) -> tuple[float, float]:
    """In inputs: of torch's tensors, 0 of another runtime, and of the process; in a fresh one."""
    torch.set_num_threads(1)
    network = BLOCKS[block]().eval().requires_grad_(False)
    example = torch.randn(1, CHANNELS, SIDE, SIDE)
    with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder, torch.inference_mode():
        one = _pass(network, form, example, Path(folder))
        memory = PeakMemory("cpu", own=True)
        memory.begin()
        before = memory.peak()
        one()
        after = memory.peak()
        if before is None or after is None:
            raise SystemExit("this kernel does not tell the peak of a process's memory")
        with LiveTensors([example]) as tensors:
            one()
    return tensors.most and 1 + tensors.most / example.nbytes, 1 + (after - before) / example.nbytes


class LiveTensors(TorchDispatchMode):
    """The most bytes of tensors that are held at the end of an operator, of those that were made inside."""

    def __init__(self, before: Iterable[Tensor]) -> None:
        super().__init__()
        self.most = 0
        self._before = {_place(one) for one in before}
        self._made: list[weakref.ref[Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        self._made += [weakref.ref(one) for one in tree_leaves(output) if isinstance(one, Tensor)]
        held = [one for ref in self._made if (one := ref()) is not None]
        sizes = {_place(one): one.untyped_storage().nbytes() for one in held}
        self.most = max(self.most, sum(size for place, size in sizes.items() if place not in self._before))
        return output


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _pass(network: nn.Module, form: str, example: Tensor, folder: Path) -> Callable[[], object]:
    if form == "ONNX Runtime":
        return runtime_pass("onnxruntime", str(mgic.export_onnx(network, example, folder / "block.onnx")), example)
    small = torch.randn(1, CHANNELS, SMALL_SIDE, SMALL_SIDE)
    made = {
        "eager": lambda: network,
        "portable": lambda: mgic.optimize_for_inference(network, small),
        "memory": lambda: mgic.optimize_for_inference(network, small, "memory"),
    }[form]()
    made(small)  # picks algorithms
    return lambda: made(example)


def main() -> None:
    print(f"| {CHANNELS} channels, s_g = s_c = {GROUP_SIZE}, {SIDE}x{SIDE} | {' | '.join(FORMS)} |")
    print("|---|" + "---|" * len(FORMS))
    for block in BLOCKS:
        cells = []
        for form in FORMS:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                tensors, whole = process.submit(live, block, form).result()
            cells.append(f"{f'{tensors:.2f}' if tensors else '-'}; {whole:.2f}")
        print(f"| {block} | {' | '.join(cells)} |", flush=True)
