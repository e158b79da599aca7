"""What the next layers compute of a group's channels on a sample of images: the sums that regression needs.

A layer that reads channels is linear in them: at a place of its output it computes x W, with x the numbers that it
reads there, a kernel's worth of each channel, and W its weights. `thinet` and `cp` ask which channels this needs least,
and what other weights would do without them. Both questions are answered by sums over places, x^T x and x^T y.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from mgic.training.channel_groups import Group, Slice, readers_of
from mgic.training.precision import exact_float32
from mgic.training.split import Split

PLACES = 10  # of each image and layer, as Luo et al. and He et al. take


@dataclass
class Reading:
    """What one layer makes of the channels of a group, summed over places of its output; float64.

    Args:
        part: Its share in the group.
        columns: Which of the numbers it reads at a place are the group's, (numbers,).
        root: The channel of the group that each is of, (numbers,).
        weight: What they are multiplied by, (numbers, outputs).
        xx: (numbers, numbers).
        xy: (numbers, outputs); y is what the group should give, in the network that it was.
    """

    part: Slice
    columns: Tensor
    root: Tensor
    weight: Tensor
    xx: Tensor
    xy: Tensor

    def contributions(self, channels: int) -> tuple[Tensor, Tensor]:
        """Of z_c, what channel c adds to the output: z^T z and z^T y, summed over outputs and places.

        Shape:
            (channels, channels) and (channels,)
        """
        products = (self.weight @ self.weight.T) * self.xx
        rows = products.new_zeros(channels, len(self.root)).index_add_(0, self.root, products)
        gram = products.new_zeros(channels, channels).index_add_(1, self.root, rows)
        towards = products.new_zeros(channels).index_add_(0, self.root, (self.weight * self.xy).sum(1))
        return gram, towards

    def assign(self, layer: nn.Module, weight: Tensor) -> None:
        """Make these the layer's weights of the group, (numbers, outputs)."""
        parameter = layer.get_parameter("weight")
        table = parameter.data.flatten(1)
        table[:, self.columns] = weight.T.to(table)
        parameter.data = table.view_as(parameter)


def read(
    model: nn.Module,
    group: Group,
    split: Split,
    batches: Sequence[Tensor],
    generator: torch.Generator,
    whole: nn.Module | None = None,
) -> list[Reading]:
    """What each layer that reads the group makes of it, on these samples, in evaluation.

    Args:
        model: On the device of the split.
        group: Of the model.
        split: The samples, as they are.
        batches: Which of them make a batch, one tensor of indices each.
        generator: Draws the places.
        whole: The network that the model was before it was pruned. y is then what the group should give for the output
            of this one; without it, what the group gives.
    """
    parts = readers_of(model, group)
    found = [_empty(model.get_submodule(part.layer), part, group.channels) for part in parts]
    names = [part.layer for part in parts]
    with torch.inference_mode(), exact_float32():
        for batch in batches:
            samples, _ = split.take(batch)
            with _watched(model, names) as now:
                model(samples)
            wanted = {}
            if whole is not None:
                with _watched(whole, names) as wanted:
                    whole(samples)
            for reading in found:
                _add(model, reading, now, wanted, generator)
    return found


def batches_of(split: Split, images: int, batch_size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Some samples drawn without repetition, all of them if there are no more, in batches of indices."""
    order = torch.randperm(len(split), generator=generator)[:images].to(split.device)
    return torch.split(order, batch_size)


def _empty(layer: nn.Module, part: Slice, channels: int) -> Reading:
    parameter = layer.get_parameter("weight").detach()
    table = parameter.flatten(1).double()
    taps = table.shape[1] // parameter.shape[1]
    place = torch.tensor(part.index)[:, None] * taps + torch.arange(taps)
    columns, root = place.flatten().to(table.device), torch.tensor(part.root).repeat_interleave(taps).to(table.device)
    assert int(root.max()) < channels
    weight = table.T[columns]
    return Reading(part, columns, root, weight, weight.new_zeros(len(root), len(root)), torch.zeros_like(weight))


def _add(
    model: nn.Module,
    reading: Reading,
    now: Mapping[str, tuple[Tensor, Tensor]],
    wanted: Mapping[str, tuple[Tensor, Tensor]],
    generator: torch.Generator,
) -> None:
    layer = model.get_submodule(reading.part.layer)
    seen, _ = now[reading.part.layer]
    inputs, places = _at_places(layer, seen, generator)
    own = inputs[:, reading.columns]
    target = own @ reading.weight
    if wanted:
        # The others' share is as it is now, so that the group makes good for what happened to it and to them.
        given, due = (at[reading.part.layer][1] for at in (now, wanted))
        target += _outputs(due - given, places)
    reading.xx += own.T @ own
    reading.xy += own.T @ target


def _at_places(layer: nn.Module, seen: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
    """What it reads at some places of each image, (images * places, numbers) float64, and which they are."""
    if not isinstance(layer, nn.Conv2d):
        return seen.flatten(0, -2).double(), None
    kernel: dict[str, tuple[int, ...]] = {"kernel_size": layer.kernel_size, "stride": layer.stride}
    kernel["dilation"] = layer.dilation
    padding = layer._reversed_padding_repeated_twice
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    read = functional.unfold(functional.pad(seen, padding, mode=mode), **kernel)
    drawn = torch.rand(len(read), read.shape[2], generator=generator).argsort(1)[:, :PLACES].to(read.device)
    picked = read.gather(2, drawn[:, None].expand(-1, read.shape[1], -1))
    return picked.transpose(1, 2).flatten(0, 1).double(), drawn


def _outputs(output: Tensor, places: Tensor | None) -> Tensor:
    """(images * places, outputs) float64."""
    if places is None:
        return output.flatten(0, -2).double()
    flat = output.flatten(2)
    picked = flat.gather(2, places[:, None].expand(-1, flat.shape[1], -1))
    return picked.transpose(1, 2).flatten(0, 1).double()


@contextmanager
def _watched(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """What these layers read and give in the pass that is made meanwhile, in evaluation."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def note(name: str, _: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[name] = (inputs[0], output)

    handles = [model.get_submodule(name).register_forward_hook(partial(note, name)) for name in names]
    training = model.training
    model.eval()
    try:
        yield seen
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
