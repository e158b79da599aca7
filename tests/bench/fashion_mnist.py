"""Write a page (.md) and its figure (.svg) beside the file that has what `mgic run --recipe fashion_mnist` printed.

Example: python -m tests.bench.fashion_mnist docs/fashion-mnist.jsonl

The figure is the trade-off view of the dashboard, drawn by the same code; Chromium turns it into an SVG file.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from mgic.data import DATASETS
from mgic.experiment import EXPERIMENTS
from mgic.figures.columns import axis_title, goal_of, unit_of
from mgic.figures.cost_axis import cost_title
from mgic.figures.samples import Group, Sample, groups, spread_note
from mgic.figures.style import LIGHT
from mgic.figures.tradeoff import axes_of, draw_tradeoff, tradeoff_info
from mgic.records import Outcome, RunStatus
from mgic.reference import recipe
from mgic.statistics.comparison import Difference, paired
from tests.bench.conversion import write

RECIPE = recipe("fashion_mnist")
METRIC = "top1"
TRAIN = DATASETS["fashion_mnist"].train
SHORT = {"group_size": "s_g", "coarsest_size": "s_c"}
PAGE = """# MGIC-ResNet-20 against ResNet-20 on Fashion-MNIST

{amount}

![Accuracy against multiply-accumulates, means over seeds with 95 % t-intervals](fashion-mnist.svg)

{note}

| network | top-1 %, mean | 95 % t-interval | n | each seed | params | MACs | of them R and P | seconds, each seed |
| --- | --: | --: | --: | --- | --: | --: | --: | --- |
{rows}

{claim}

- Three seeds give Student's t two degrees of freedom: an interval is 2.5 standard deviations wide to either side. It
  covers what more seeds would give, with these pictures and this training; it says nothing of longer trainings, other
  widths or other pictures.
- The learning rate was tuned for neither network, and neither is trained to the accuracy it can reach: one that learns
  faster may look better here than one that ends higher. The order need not be that of a whole training.
- All runs are tested on the same 10,000 pictures. On others of the kind two networks that are as good as each other,
  near 90 %, differ by 0.4 points (one standard error). The intervals do not have that in them.
- Seconds are those of the clock while training, on a machine that did other work besides: a run that waited for the
  processor took many times as long. They are no measure of a network: `latency` is the experiment for that.

Made on {date} with one thread a run of: {machine}. Again:

```bash
.venv/bin/mgic run --recipe fashion_mnist --device cpu > docs/fashion-mnist.jsonl
.venv/bin/python -m tests.bench.fashion_mnist docs/fashion-mnist.jsonl
```

with `OMP_NUM_THREADS=1`; the first needs the data (`mgic data fetch fashion_mnist`), the second Chromium. The second
draws the figure with the code of the dashboard's trade-off plot and writes this page. In the service,
`mgic submit --recipe fashion_mnist` runs the same sweep, and the sweep's page shows the same plot.
"""


def samples(outcomes: list[Outcome]) -> list[Sample]:
    return [
        Sample(str(number), outcome.config, outcome.config | outcome.result)
        for number, outcome in enumerate(outcomes)
        if outcome.status is RunStatus.SUCCEEDED and outcome.result is not None
    ]


def draw(given: list[Group], path: Path) -> None:
    info = EXPERIMENTS[RECIPE.experiment].info
    view = next(view for view in info.views if (view.x, view.y) == ("macs", METRIC))
    unit = unit_of(info, METRIC)
    drawn = tradeoff_info(given, view, unit, "macs", goal_of(info, METRIC))
    titles = cost_title("macs", "at 28 x 28"), axis_title(info, METRIC)
    made = draw_tradeoff(drawn, axes_of(view, titles, log=True), LIGHT)
    write(made, path)


def name(group: Group) -> str:
    sizes = [f"{short} = {group.config[field]}" for field, short in SHORT.items() if field in group.config]
    return ", ".join([str(group.config["model"]), *sizes])


def row(group: Group) -> str:
    of = group.summary(METRIC)
    cells = (
        name(group),
        f"{of.mean:.2f}",
        f"{of.interval[0]:.2f} to {of.interval[1]:.2f}" if of.interval else "-",
        str(of.n),
        ", ".join(f"{number:.2f}" for number in group.numbers(METRIC)),
        f"{group.value('params'):,}",
        f"{group.value('macs'):,}",
        f"{group.value('transfer_macs'):,}",
        ", ".join(f"{number:.0f}" for number in group.numbers("seconds")),
    )
    return f"| {' | '.join(cells)} |"


def by_seed(group: Group) -> dict[int, float]:
    return {int(sample.values["seed"]): float(sample.values[METRIC]) for sample in group.samples}


def claim(given: list[Group]) -> str:
    """Each other network against the one with the most MACs, by seed."""
    base, *others = sorted(given, key=lambda group: -group.value("macs"))
    return "\n\n".join(_claim(base, other, paired(by_seed(base), by_seed(other))) for other in others)


def _claim(base: Group, other: Group, found: Difference) -> str:
    share, kept = (other.value(what) / base.value(what) for what in ("macs", "params"))
    text = f"`{name(other)}` has {share:.0%} of the MACs and {kept:.0%} of the parameters of `{name(base)}`"
    text += f", and {found.mean:+.2f} points of accuracy, seed by seed"
    if found.interval is None:
        return f"{text}; one pair has no interval."
    low, high = found.interval
    where = f" (95 % interval of the paired difference {low:+.2f} to {high:+.2f}, n = {found.n})."
    if low <= 0 <= high:
        return f"{text}{where} Zero lies inside: these runs do not show that the two differ, nor that they are equal."
    return f"{text}{where} Zero lies outside: for this training the {'gain' if low > 0 else 'loss'} is shown."


def read(results: Path) -> list[Outcome]:
    return [Outcome.model_validate_json(line) for line in results.read_text("utf-8").splitlines()]


def page(outcomes: list[Outcome]) -> str:
    given = groups(samples(outcomes))
    config, surroundings = outcomes[0].config, outcomes[0].environment
    steps, batch = given[0].value("steps"), config["batch_size"]
    passes = steps * batch / TRAIN
    return PAGE.format(
        amount=(
            f"The recipe `fashion_mnist`: {steps:,.0f} steps of {batch} pictures, {passes:.2g} passes"
            f" over the {TRAIN:,} training pictures, SGD with a rate that falls from {config['learning_rate']} to 0"
            " along half a cosine, no augmentation; tested on all 10,000 test pictures."
        ),
        note=spread_note(given, METRIC),
        rows="\n".join(map(row, given)),
        claim=claim(given),
        date=datetime.fromtimestamp(surroundings["started"], UTC).date(),
        machine=f"{surroundings['device']}, Python {surroundings['python']}, torch {surroundings['torch']}"
        f", MGIC Lab {surroundings['mgic']}",
    )


def main(results: Path) -> None:
    outcomes = read(results)
    given = groups(samples(outcomes))
    if len(given) < 2 or any(group.summary(METRIC).n < 3 for group in given):
        sys.exit(f"{results} has not three finished runs of each network")
    draw(given, results.with_suffix(".svg"))
    results.with_suffix(".md").write_text(page(outcomes), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"{__doc__}")
    main(Path(sys.argv[1]))
