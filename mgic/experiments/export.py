"""A network as files that others run, ONNX, and folded for PyTorch: how large are they, and do they agree with it?"""

from math import prod
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, Field, JsonValue
from torch import Tensor, fx, nn

from mgic.experiment import Context, Estimate, experiment
from mgic.experiments import classification
from mgic.inference import (
    OPSET,
    Form,
    Target,
    export_onnx,
    form_of,
    layout_changes,
    optimize_for_inference,
    run_onnx,
)
from mgic.inference.check import reference_output
from mgic.measure.size import model_state_bytes
from mgic.models.config import model_field
from mgic.models.weights import Weighted, WeightsHash, load_trained
from mgic.records import Cost, View
from mgic.training import Network, generator, save_weights
from mgic.training.fields import Seed

PASSES = 14  # of the example, in all checks together, or about
LESS: dict[str, JsonValue] = {"goal": "min"}


class Config(Weighted, classification.Images):
    model: str = model_field(task="image classification")
    batch_size: int = Field(
        8, ge=1, le=256, description="Images of the example, normal numbers", json_schema_extra={"unit": "images"}
    )
    target: Target = Field(
        "onnxruntime",
        description="Whose form model.onnx has: the fixed one for ONNX Runtime or OpenVINO, the plain one (portable), "
        "or the fastest on this machine in ONNX Runtime (host)",
    )
    seed: Seed = Field(0, description="The example derives from it, and weights that are not read from a file")

    @property
    def network(self) -> Network:
        return Network.of(self, self.images.sample, self.images.options)


class FormRow(BaseModel):
    form: Literal["eager", "optimized", "onnx"] = Field(
        description="As it is (eager), with norms folded (optimized), or in ONNX Runtime (onnx)",
        json_schema_extra={"key": True},
    )
    size_bytes: int = Field(
        description="Of its file; of eager, that of model.safetensors", json_schema_extra={**LESS, "unit": "bytes"}
    )
    operations: int | None = Field(
        description="Nodes of its graph, without inputs, weights and outputs; empty where it has none",
        json_schema_extra=LESS,
    )
    layout_changes: int | None = Field(
        description="Times that ONNX Runtime, on this machine, moves a tensor into the layout of its fast code or "
        "back; empty for the others",
        json_schema_extra=LESS,
    )
    macs_added: int = Field(
        description="Multiply-accumulates of one image that its form adds to `macs`, by zeros", json_schema_extra=LESS
    )
    max_difference: float = Field(
        description="Of its output on the example to eager's: the largest, over all numbers", json_schema_extra=LESS
    )
    float64_error: float = Field(
        description="The same to the network in float64, which says how much of that is rounding",
        json_schema_extra=LESS,
    )


class Result(BaseModel):
    forms: list[FormRow] = Field(description="One row a form")
    largest_output: float = Field(description="The largest number of the output in float64, by its absolute value")
    opset: int = Field(description="Of the ONNX file")
    rewrites: str = Field(description="What was done to the graph of the ONNX file, as align_groups=4: so often")
    params: int = Field(description="Trainable parameters, before norms are folded", json_schema_extra=LESS)
    macs: int = Field(
        description="Multiply-accumulates of one image, R and P included, before norms are folded",
        json_schema_extra=LESS,
    )
    transfer_macs: int = Field(description="Share of the transfer operators R and P in `macs`")
    weights_hash: WeightsHash


def estimate(config: Config) -> Estimate:
    """Of the passes over the example; the export itself takes a second or three."""
    cost = config.network.cost
    return Estimate(
        cost=Cost(**cost.model_dump(include=set(Cost.model_fields))),
        group_sizes=cost.group_sizes,
        work_macs=float(cost.macs) * config.batch_size * PASSES,
        batch_pixels=prod(config.images.sample[1:]) * config.batch_size,
    )


@experiment(
    title="Export of a trained network",
    views=(
        View(title="Size of the file", kind="bar", table="forms", x="form", y="size_bytes", series="model"),
        View(title="Difference from eager", kind="bar", table="forms", x="form", y="max_difference", series="model"),
        View(title="Error against float64", kind="bar", table="forms", x="form", y="float64_error", series="model"),
    ),
    estimate=estimate,
    version=2,
)
def export(config: Config, context: Context) -> Result:
    """Write a network as model.onnx, and with its norms folded as optimized.safetensors, and hold both against it.

    Its weights are those of a trained run or of a file, else drawn. The weights of optimized.safetensors go into
    `mgic.optimize_for_inference(mgic.create(...), example)`. Either form is refused that is further from the network in
    float64 than rounding explains.
    """
    context.report(0.0, "preparing")
    model = config.network.build(config.seed)
    loaded = load_trained(model, config, context)
    if loaded is None:
        context.log("no weights were named: what is written has those that were drawn from the seed")
    model.eval().requires_grad_(False)
    example = torch.randn(config.batch_size, *config.images.sample, generator=generator(config.seed, "example"))
    context.report(0.2, "saving")
    folded = optimize_for_inference(model, example)
    files = {name: context.artifact(name) for name in ("model.onnx", "optimized.safetensors")}
    save_weights(folded, config, files["optimized.safetensors"])
    context.report(0.5, "saving")
    form = form_of(export_onnx(model, example, files["model.onnx"], target=config.target))
    assert form is not None  # export_onnx writes it into each file
    context.report(0.8, "evaluating")
    rows, largest = _rows(model, folded, example, files, config, form)
    cost = config.network.cost
    return Result(
        forms=rows,
        largest_output=largest,
        opset=OPSET,
        rewrites=form.done,
        params=cost.params,
        macs=cost.macs,
        transfer_macs=cost.transfer_macs,
        weights_hash=loaded.hash if loaded else None,
    )


def _rows(
    model: nn.Module, folded: nn.Module, example: Tensor, files: dict[str, Path], config: Config, form: Form
) -> tuple[list[FormRow], float]:
    """A row a form, and the largest number of the output."""
    exact = reference_output(model, example)
    with torch.inference_mode():
        eager, optimized = model(example), folded(example)
    onnx = run_onnx(str(files["model.onnx"]), example)
    whole = model_state_bytes(config.network.model, config.network.options)
    sizes = (whole, files["optimized.safetensors"].stat().st_size, files["model.onnx"].stat().st_size)
    counts = (None, _operations(folded), form.nodes)
    changes = (None, None, layout_changes(files["model.onnx"]))
    added = (0, 0, form.macs_added)
    rows = [
        FormRow(
            form=name,
            size_bytes=size,
            operations=count,
            layout_changes=moved,
            macs_added=more,
            max_difference=_distance(output, eager),
            float64_error=_distance(output, exact),
        )
        for name, size, count, moved, more, output in zip(
            ("eager", "optimized", "onnx"), sizes, counts, changes, added, (eager, optimized, onnx), strict=True
        )
    ]
    return rows, float(exact.abs().max())


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).abs().max())


def _operations(network: nn.Module) -> int | None:
    if not isinstance(network, fx.GraphModule):
        return None
    return len([node for node in network.graph.nodes if node.op.startswith("call_")])
