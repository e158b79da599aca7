"""Does a converted network learn better from the weights of the network it was made of?

Example: python -m tests.bench.start

prints the table that stands in docs/conversion.md. resnet20 on scikit-learn's digits, 8 epochs; converted, and 4 epochs
more, from four starts: all weights new; those of the parts that were left kept, as `mgic.convert` does it; and the
coarsest level of each block besides, by the first of its channels or by averages over them.
"""

import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

import mgic
from mgic.data import load
from mgic.layers import MGICBlock

SEEDS = range(5)
EPOCHS, MORE, BATCH, RATE = 8, 4, 64, 0.05

Images = tuple[Tensor, Tensor]
Shrink = Callable[[Tensor, torch.Size], Tensor]


def trained(network: nn.Module, data: Images, epochs: int, seed: int) -> None:
    """SGD with momentum, cosine schedule; in place."""
    images, labels = data
    draw = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4)
    steps = epochs * math.ceil(len(images) / BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=draw).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()


@torch.no_grad()
def accuracy(network: nn.Module, data: Images) -> float:
    """Per cent."""
    return 100 * float((network.eval()(data[0]).argmax(1) == data[1]).float().mean())


def first(old: Tensor, size: torch.Size) -> Tensor:
    return old[tuple(slice(n) for n in size)]


def averages(old: Tensor, size: torch.Size) -> Tensor:
    """Over channels that stand beside each other; inputs are summed, as each of them was one of several."""
    for axis, (n, was) in enumerate(zip(size, old.shape, strict=True)):
        if n != was:
            old = old.unflatten(axis, (n, was // n))
            old = old.sum(axis + 1) if axis == 1 else old.mean(axis + 1)
    return old


SHRINKS = {"first channels": first, "averages": averages}


def begun(new: nn.Module, old: nn.Module, shrink: Shrink) -> None:
    """The coarsest level of each block of `new` from the block of the same name of `old`."""
    for name, block in new.named_modules():
        if isinstance(block, MGICBlock):
            was, level = old.get_submodule(name).state_dict(), block.blocks[-1]
            level.load_state_dict(
                {
                    key: was[key] if value.shape == was[key].shape else shrink(was[key], value.shape)
                    for key, value in level.state_dict().items()
                }
            )


def main() -> None:
    torch.set_num_threads(1)
    digits = load("digits", Path())
    train, test = (
        ((images.float() / 255 - digits.mean[0]) / digits.std[0], labels)
        for images, labels in (
            (digits.train_images, digits.train_labels),
            (digits.test_images, digits.test_labels),
        )
    )
    found: dict[str, list[float]] = {"all new": [], "left parts kept": [], "first channels": [], "averages": []}
    for seed in SEEDS:
        torch.manual_seed(seed)
        old = mgic.create("resnet20", in_channels=1)
        trained(old, train, EPOCHS, seed)
        for start, scores in found.items():
            torch.manual_seed(100 + seed)
            source = mgic.create("resnet20", in_channels=1) if start == "all new" else old
            new, _ = mgic.convert(source, train[0][:2], group_size=8, coarsest_size=8)
            if start in SHRINKS:
                begun(new, old, SHRINKS[start])
            trained(new, train, MORE, seed)
            scores.append(accuracy(new, test))
        print(seed, round(accuracy(old, test), 2), {k: round(v[-1], 2) for k, v in found.items()}, file=sys.stderr)
    print("| start | top-1 after 4 epochs, % | against *left parts kept*, points, paired, mean +- standard error |")
    print("|---|---|---|")
    for start, scores in found.items():
        apart = [a - b for a, b in zip(scores, found["left parts kept"], strict=True)]
        error = statistics.stdev(apart) / math.sqrt(len(apart))
        told = "" if start == "left parts kept" else f"{statistics.mean(apart):+.2f} +- {error:.2f}"
        print(f"| {start} | {statistics.mean(scores):.2f} +- {statistics.stdev(scores):.2f} | {told} |")


if __name__ == "__main__":
    main()
