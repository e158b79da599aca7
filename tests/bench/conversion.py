"""Draw the figure of a recipe (.svg) beside the file with what `mgic run --recipe` printed, and print its table.

Example: python -m tests.bench.conversion docs/mlp-quick.jsonl "Accuracy against width"

The figure is the view of that title, drawn by the code of the dashboard; Chromium turns it into an SVG file.
"""

import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

from mgic.experiment import EXPERIMENTS
from mgic.figures.columns import axis_title, goal_of, unit_of
from mgic.figures.cost_axis import cost_title
from mgic.figures.samples import Group, Sample, groups
from mgic.figures.style import LIGHT
from mgic.figures.tradeoff import axes_of, draw_tradeoff, tradeoff_info
from mgic.figures.view import draw_view, view_info
from mgic.records import Outcome, RunStatus

INFO = EXPERIMENTS["classification"].info
METRIC = "top1"
SIZE = {"width": 820, "height": 480}  # pixels
HEADER = (
    "| network | top-1 %, mean | 95 % t-interval | each seed | params | MACs |\n| --- | --: | --: | --- | --: | --: |"
)


def read(results: Path) -> list[Outcome]:
    return [Outcome.model_validate_json(line) for line in results.read_text("utf-8").splitlines()]


def finished(outcomes: list[Outcome]) -> list[Sample]:
    return [
        Sample(str(number), outcome.config, outcome.config | outcome.result)
        for number, outcome in enumerate(outcomes)
        if outcome.status is RunStatus.SUCCEEDED and outcome.result is not None
    ]


def figure(given: list[Sample], title: str) -> go.Figure:
    view = next(view for view in INFO.views if view.title == title)
    if view.x == "macs":
        unit = unit_of(INFO, METRIC)
        drawn = tradeoff_info(groups(given), view, unit, "macs", goal_of(INFO, METRIC))
        return draw_tradeoff(drawn, axes_of(view, (cost_title("macs"), axis_title(INFO, METRIC)), log=True), LIGHT)
    titles = axis_title(INFO, view.x, "macs"), axis_title(INFO, view.y, "macs")
    return draw_view(view, view_info(view, given, "macs"), titles, LIGHT)


def write(made: go.Figure, path: Path) -> None:
    with sync_playwright() as playwright:
        # The system's Chromium where there is one, else Playwright's own.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content(made.to_html(include_plotlyjs=True, div_id="figure"))
        address = page.evaluate("size => Plotly.toImage('figure', {format: 'svg', ...size})", SIZE)
        browser.close()
    path.write_text(unquote(address.partition(",")[2]), encoding="utf-8")


def row(group: Group) -> str:
    of = group.summary(METRIC)
    width = f", width {group.config['width']}" if "mlp" in str(group.config["model"]) else ""
    cells = (
        f"`{group.config['model']}`{width}",
        f"{of.mean:.2f}",
        f"{of.interval[0]:.2f} to {of.interval[1]:.2f}" if of.interval else "-",
        ", ".join(f"{number:.2f}" for number in group.numbers(METRIC)),
        f"{group.value('params'):,}",
        f"{group.value('macs'):,}",
    )
    return f"| {' | '.join(cells)} |"


def main(results: Path, title: str) -> None:
    given = finished(read(results))
    write(figure(given, title), results.with_suffix(".svg"))
    print(HEADER, *map(row, groups(given)), sep="\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
