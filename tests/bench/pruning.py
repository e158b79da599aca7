"""Write docs/pruning.md beside the file that has what the runs of `prune` printed, all seeds and methods.

Example: python -m tests.bench.pruning docs/pruning.jsonl
"""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from mgic.records import Outcome
from mgic.statistics import summary
from mgic.statistics.comparison import paired

METHODS = ("l1", "taylor_bn", "nisp", "thinet", "cp", "amc", "metapruning")
FIGURES = ("top1_pruned", "top1")
HEAD = (
    "method",
    "MACs left, at most",
    "parameters left, at most",
    "top-1 % pruned, mean",
    "95 % t-interval",
    "top-1 % fine-tuned, mean",
    "95 % t-interval",
    "n",
    "each seed",
    "points against the whole network, by seed",
)
RULE = "| --- | --: | --: | --: | --: | --: | --: | --: | --- | --- |"
PAGE = """# Seven ways to half the multiply-accumulates of ResNet-56

One trained ResNet-56 a seed, {before} % of the test images right (n = {n}), is pruned to half of its
multiply-accumulates by methods of the experiment `prune`, and trained on. Digits of 8x8 pixels: 1,437 to learn from,
{tested} to be tested on.

{table}

- The whole networks were trained for {epochs} epochs of {batch} images a step, SGD at a rate that falls from {rate} to
  0 along half a cosine, no augmentation; every method got the same. Fine-tuned for {tuned} epochs from {tuned_rate}.
- `metapruning` takes nothing from them: "pruned" is a network with the weights that were made for its widths, and
  "fine-tuned" the one of these widths that was trained from fresh weights as long as the whole network was.
- `nisp`, `thinet` and `cp` looked at {images} training images; {trials}, judged by as many.
  At the papers' scale a search tries hundreds.
- One test image is {step:.2f} points, and all are tested on the same {tested}: a difference of less than a point is no
  order. An interval of three seeds is 2.5 standard deviations wide to either side, whether or not there are such
  accuracies, and where three seeds tie it has no width and says nothing of a fourth.
- Digits are easy: {tuned} epochs of training repair this network, whatever was taken from it. Of the methods that start
  from the trained network `cp` alone keeps its accuracy before them: its regression gives the next layer new weights
  towards what the whole network computes. `thinet` scales the weights it has, towards a network that is pruned already,
  and its paper trains after each layer. `amc` judges networks of which nothing was repaired, so that most look alike.

Made on {date} on {machine}, one thread a run.
Again, for each seed S, the second command with each METHOD, and with `search_trials` as said above;
what `prune` prints is gathered in a new file:

```bash
mgic run classification model=resnet56 dataset=digits epochs={epochs} batch_size={batch} learning_rate={rate} \\
  schedule=cosine weight_decay=0.0005 augment=false seed=S --device cpu --out base/S
mgic run prune trained=base/S/0 method=METHOD macs_ratio=0.5 seed=S epochs={epochs} batch_size={batch} \\
  learning_rate={rate} schedule=cosine weight_decay=0.0005 augment=false finetune_epochs={tuned} \\
  finetune_learning_rate={tuned_rate} calibration_images={images} search_epochs=10 --device cpu >> docs/pruning.jsonl
python -m tests.bench.pruning docs/pruning.jsonl
```

with `OMP_NUM_THREADS=1`. The recipe `pruning_quick` is a smaller one, of ResNet-20 and one seed.
"""


def read(results: Path) -> list[Outcome]:
    return [Outcome.model_validate_json(line) for line in results.read_text("utf-8").splitlines()]


def values(outcomes: Iterable[Outcome], figure: str) -> dict[int, float]:
    """By seed."""
    return {int(str(one.config["seed"])): float(one.result[figure]) for one in outcomes if one.result}


def row(method: str, outcomes: list[Outcome]) -> str:
    first = outcomes[0].result or {}
    macs, params = (
        max(values(outcomes, what).values()) / float(first[f"{what}_before"]) for what in ("macs", "params")
    )
    cells = [f"`{method}`", f"{macs:.1%}", f"{params:.0%}"]
    for figure in FIGURES:
        of = summary(values(outcomes, figure).values())
        cells += [f"{of.mean:.2f}", f"{of.interval[0]:.2f} to {of.interval[1]:.2f}" if of.interval else "-"]
    gap = paired(values(outcomes, "top1_before"), values(outcomes, "top1"))
    low, high = gap.interval or (gap.mean, gap.mean)
    by_seed = ", ".join(f"{value:.2f}" for _, value in sorted(values(outcomes, "top1").items()))
    cells += [str(of.n), by_seed, f"{gap.mean:+.2f} ({low:+.2f} to {high:+.2f})"]
    return _line(cells)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page(outcomes: list[Outcome]) -> str:
    by_method = {name: [one for one in outcomes if one.config["method"] == name] for name in METHODS}
    config, surroundings = outcomes[0].config, outcomes[0].environment
    before = summary(values(by_method["l1"], "top1_before").values())
    trials = [
        f"`{name}` tried {by_method[name][0].config['search_trials']}" for name in METHODS[-2:] if by_method[name]
    ]
    tested = 360
    return PAGE.format(
        before=f"{before.mean:.2f}",
        n=before.n,
        tested=tested,
        step=100 / tested,
        table="\n".join([_line(HEAD), RULE, *(row(name, found) for name, found in by_method.items() if found)]),
        epochs=config["epochs"],
        batch=config["batch_size"],
        rate=config["learning_rate"],
        tuned=config["finetune_epochs"],
        tuned_rate=config["finetune_learning_rate"],
        images=config["calibration_images"],
        trials=(" and ".join(trials) or "no search tried any") + " networks",
        date=datetime.fromtimestamp(float(str(surroundings["started"])), UTC).date(),
        machine=f"2 cores of {surroundings['device']} that did other work besides, Python {surroundings['python']},"
        f" torch {surroundings['torch']}",
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"{__doc__}")
    path = Path(sys.argv[1])
    path.with_suffix(".md").write_text(page(read(path)), encoding="utf-8")
