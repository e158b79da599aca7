"""Which form of an exported network is the fastest for whom, and what a file says of its own form."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args

from mgic.errors import BadConfig, Problem
from mgic.inference.rewrites import REWRITES, Graph

Target = Literal["onnxruntime", "openvino", "portable", "host"]
Race = Callable[[list[bytes]], int]

MOST_ADDED = 0.3  # of the multiply-accumulates, that a form may have more than the plain one
FOR: dict[Target, tuple[str, ...]] = {  # what makes MGIC networks faster there, docs/benchmarks.md
    "onnxruntime": tuple(REWRITES),
    "openvino": ("split_connectors", "align_groups"),
    "portable": (),
}
MARK = "mgic."  # before the names of the metadata


@dataclass(frozen=True)
class Form:
    """What was done to a graph.

    Args:
        target: For whom.
        rewrites: By name, how often each was done; without those that found nothing to do.
        nodes: Of the graph, without inputs, weights and outputs.
        macs_added: Multiply-accumulates of one sample, by zeros that are multiplied too.
    """

    target: Target
    rewrites: dict[str, int]
    nodes: int
    macs_added: int

    @property
    def done(self) -> str:
        """The rewrites as text."""
        return ", ".join(f"{name}={count}" for name, count in self.rewrites.items())

    @property
    def notes(self) -> dict[str, str]:
        """As the metadata of a file."""
        values = {"target": self.target, "rewrites": self.done, "nodes": self.nodes, "macs_added": self.macs_added}
        return {f"{MARK}{name}": str(value) for name, value in values.items()}


def check_target(target: str) -> None:
    """Raises `BadConfig` at `target`."""
    if target not in get_args(Target):
        detail = f"target={target!r} is none of {', '.join(get_args(Target))}"
        raise BadConfig(detail, (Problem("target", "literal_error", detail),))


def form_for(content: bytes, target: Target, race: Race) -> bytes:
    """The form of a plain export for a target, with its metadata.

    For a runtime all of its rewrites are done if the zeros they multiply are less than 0.3 of the multiply-accumulates,
    and no map is multiplied by another, which ONNX Runtime does outside of its fast layout (squeeze-and-excite, SiLU;
    two such networks took 1.09 times as long); else none. A choice by the graph, not by the machine. For "host" `race`
    says which form is the fastest.

    Args:
        content: The plain export.
        target: For whom.
        race: Says which of some files is the fastest here, by its place.
    """
    if target == "host":
        return _fastest(content, race)
    names = () if Graph(content).multiplies_maps() else FOR[target]
    form, macs, made = _made(content, target, names)
    return made if form.macs_added <= MOST_ADDED * macs else _made(content, target, ())[2]


def form_of(path: Path | str) -> Form | None:
    """What a file that `export_onnx` wrote says of its form; None of another file."""
    model = import_module("onnx").load(str(path), load_external_data=False)
    notes = {one.key.removeprefix(MARK): one.value for one in model.metadata_props if one.key.startswith(MARK)}
    if not notes:
        return None
    done = (one.split("=") for one in notes["rewrites"].split(", ") if one)
    rewrites = {name: int(count) for name, count in done}
    check_target(notes["target"])
    target: Target = next(one for one in get_args(Target) if one == notes["target"])
    return Form(target, rewrites, int(notes["nodes"]), int(notes["macs_added"]))


def _fastest(content: bytes, race: Race) -> bytes:
    """Of no rewrite, of each alone, and of each with those before it; what was not changed runs once."""
    names = tuple(REWRITES)
    wanted = [(), *((name,) for name in names), *(names[:end] for end in range(2, len(names) + 1))]
    different: dict[tuple[tuple[str, int], ...], bytes] = {}
    for some in wanted:
        form, _, made = _made(content, "host", some)
        different.setdefault(tuple(form.rewrites.items()), made)
    forms = list(different.values())
    return forms[race(forms) if len(forms) > 1 else 0]


def _made(content: bytes, target: Target, names: tuple[str, ...]) -> tuple[Form, int, bytes]:
    """The form, the multiply-accumulates that the graph had before, and the file."""
    graph = Graph(content)
    macs = graph.macs()
    done = {name: count for name in names if (count := REWRITES[name](graph))}
    form = Form(target, done, len(graph.nodes), graph.macs() - macs)
    return form, macs, graph.content(form.notes)
