"""Accuracy and latency of the same network: what is joined, what is not, and what the page draws of it."""

import pytest

from mgic.errors import BadConfig
from mgic.figures.joined import Time, conditions_of, join, timed
from mgic.figures.samples import groups, samples
from mgic.figures.scenes import tradeoff
from mgic.figures.scenes.tradeoff import Data
from mgic.figures.specs import of_training, short_names
from mgic.figures.style import LIGHT
from mgic.figures.switches import read
from mgic.records import DatasetInfo, Standing
from tests.dashboard.made import experiment, run
from tests.dashboard.test_latency_page import row
from tests.dashboard.test_latency_page import timed as latency_run

DEFAULTS = {
    "resnet20": {"width": 16, "num_classes": 10, "in_channels": 3},
    "mgic_resnet20": {"group_size": 8, "coarsest_size": 16, "num_classes": 10, "in_channels": 3},
}
DIGITS = DatasetInfo(
    name="digits",
    title="",
    task="image classification",
    shape=(1, 8, 8),
    classes=10,
    train=1,
    test=1,
    present=True,
    how_to_get="",
)
INFO = experiment(
    {},
    result_schema={
        "properties": {"top1": {"unit": "%", "goal": "max"}, "macs": {"goal": "min"}, "params": {"goal": "min"}}
    },
)


def trained(seeds: int = 5, **result) -> list:
    """A plain network at 91 % and 40 k MACs, an MGIC one at 90 and 20 k."""
    found = []
    for model, top1, macs, options in (
        ("resnet20", 91.0, 40_000, {"width": 8}),
        ("mgic_resnet20", 90.0, 20_000, {"group_size": 4, "coarsest_size": 16}),
    ):
        for seed in range(seeds):
            told = {"top1": top1 + seed / 10, "macs": macs, "params": macs // 10} | result
            found.append(run(len(found), result=told, model=model, dataset="digits", seed=seed, **options))
    return found


def times(engine: str = "eager", size=(1, 8, 8), specs=("resnet20(width=8)", "mgic_resnet20(group_size=4)")) -> list:
    rows = [row(place, "measured", spec, 4.0 + place, sample_size=list(size)) for place, spec in enumerate(specs)]
    made = latency_run([*rows, row(0, "control", specs[0], 9.0, sample_size=list(size))], processor="A chip")
    return timed([made.model_copy(update={"config": made.config | {"engine": engine, "rounds": 5}})], DEFAULTS)


def joined(given):
    return join(groups(samples(trained())), given, {"digits": DIGITS}, DEFAULTS)


def test_a_network_is_joined_by_its_spec_whatever_is_at_its_default():
    found = joined(times())
    assert {place: one.wall.ms for place, one in found.times.items()} == {0: 4.0, 1: 5.0}
    assert found.words == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (times(size=(3, 32, 32)), "2 timed at 3x32x32 and not at 1x8x8"),
        (times(specs=("resnet20", "mgic_resnet20(group_size=4)")), "1 not timed under these conditions"),
        (
            times(specs=("resnet20(width=8,num_classes=3)", "mgic_resnet20(group_size=4)")),
            "1 timed with another number",
        ),
    ],
)
def test_what_is_not_the_same_network_is_not_joined_and_it_is_said_why(given, words):
    assert words in joined(given).words


def test_a_model_of_an_old_row_may_have_any_name():
    name = "<b>x</b> $x$"
    assert of_training(run(model=name).config, {}) == name
    assert short_names([name, "resnet20(width=8)"], {}) == {name: name, "resnet20(width=8)": "resnet20"}


def test_the_error_of_a_time_is_that_of_its_interval():
    """t(0.975, 4 degrees) is 2.776445, from a table: an interval of a factor 1.1 has that many standard errors."""
    error = Time(10.0, 10 / 1.1, 11.0, 5).error
    assert (error.degrees, error.error) == pytest.approx((4, 0.0953102 / 2.776445), rel=1e-4)
    assert Time(10.0, None, None, 5).error is None


def data(**changes) -> Data:
    given = {"runs": tuple(trained()), "times": (*times(), *times("onnxruntime")), "printed": ()} | changes
    return Data(
        offered=(), chosen=(), infos={"classification": INFO}, defaults=DEFAULTS, datasets={"digits": DIGITS}, **given
    )


def test_networks_in_a_form_for_their_engine_are_not_joined_with_those_as_exported():
    (one, _), form = times("onnxruntime"), {"target": "onnxruntime"}
    in_form = one.run.model_copy(update={"result": one.run.result | form})
    assert conditions_of(one.run) == "A chip, 1 thread, onnxruntime, batch 1, float32"
    assert conditions_of(in_form) == "A chip, 1 thread, onnxruntime with a form for onnxruntime, batch 1, float32"


def test_only_one_set_of_conditions_is_drawn():
    given = data()
    values, faults = read(tradeoff.switches(given), {"x": "wall", "under": "nonsense"})
    assert "under=nonsense" in faults[0]
    assert set(given.conditions) == {
        "A chip, 1 thread, eager, batch 1, float32",
        "A chip, 1 thread, onnxruntime, batch 1, float32",
    }
    drawn = tradeoff.drawn(given, values)
    assert [point.x for point in drawn.info.points] == [5.0, 4.0]
    assert {conditions_of(one.run) for one in drawn.timed} == {given.conditions[0]}
    (plot,) = tradeoff.plots(given, values)
    assert plot.grade == "C"
    assert given.conditions[0] in plot.draw(LIGHT).layout.title.text.replace("<br>", " ")


def test_the_best_under_two_budgets_is_said():
    values = {"x": "macs", "max_macs": "0.03M", "max_ms": "6"}
    (plot,) = tradeoff.plots(data(), values)
    asked = "Best top-1 accuracy with MACs up to 30 k and wall time up to 6 ms: "
    assert plot.caption.startswith(f"{asked}mgic_resnet20(group_size=4), 90.2 ± 0.2 % at 20 k MACs, 5 ms")
    assert [one["network"] for one in plot.rows()] == ["mgic_resnet20(group_size=4)", "resnet20(width=8)"]


def test_every_cost_may_have_a_budget():
    for limit in ({"max_params": "1"}, {"max_cpu_ms": "0.001"}, {"max_mb": "0.001"}):
        found = tradeoff.drawn(data(), limit)
        assert not any(point.within for point in found.info.points), limit
    values = {"x": "params", "max_params": "300k"}
    assert tradeoff.drawn(data(), values).axes.limit == 300_000
    assert {one.name for one in tradeoff.switches(data())} >= {
        "max_macs",
        "max_params",
        "max_ms",
        "max_cpu_ms",
        "max_mb",
    }


def test_the_plot_stays_beside_a_budget_that_is_no_amount():
    found = tradeoff.drawn(data(), {"max_macs": "much", "max_ms": "6"})
    assert found.faults == ("At most MACs: “much” is no amount above 0, such as 20M or 1.5",)
    assert [budget.name for budget in found.budgets] == ["max_ms"]
    assert len(tradeoff.plots_of(found)) == 1


@pytest.mark.parametrize("text", ["much", "-1", "0", "nan", "1e999", "M"])
def test_a_budget_that_is_no_amount_is_refused_by_its_name(text):
    with pytest.raises(BadConfig, match="At most MACs"):
        tradeoff.plots(data(), {"max_macs": text})


def test_runs_that_stopped_early_are_left_out_and_counted():
    stopped = [one.model_copy(update={"result": one.result | {"stopped_early": True}}) for one in trained()[:2]]
    (plot,) = tradeoff.plots(data(runs=(*stopped, *trained()[2:])), {"x": "macs"})
    assert "Left out: 2 runs that stopped early." in plot.caption
    assert {one["n"] for one in plot.rows()} == {3, 5}


def test_without_times_there_is_no_switch_for_them():
    names = {one.name: one.options for one in tradeoff.switches(data(times=()))}
    assert list(names["x"]) == ["macs", "params"]
    assert "max_ms" not in names
    assert tradeoff.switches(data(runs=())) == ()


def test_the_paper_s_rows_of_the_same_data_set_stand_beside_and_never_on_the_front():
    about = {"id": "1.1", "table": "1", "setting": "", "figure_of": "quoted", "quoted_from": "Somebody 2019"}
    about |= {"verdict": "quoted", "says": "", "why": "", "metrics": {"top1": 99.0}, "macs": 10_000}
    rows = tuple(Standing(label=name, scale={"dataset": name}, **about) for name in ("digits", "imagenet"))
    (plot,) = tradeoff.plots(data(printed=rows), {"x": "macs", "paper": "yes"})
    assert [one["network"] for one in plot.rows()][2:] == ["digits, table 1, quoted from Somebody 2019: 99 at 10 k"]
    assert [one.get("on_front") for one in plot.rows()] == [True, True, None]
    (hidden,) = tradeoff.plots(data(printed=rows), {"x": "macs"})
    assert len(hidden.rows()) == 2
    (none,) = tradeoff.plots(data(printed=rows[1:]), {"x": "macs", "paper": "yes"})
    assert "The paper prints no row of this data set" in none.caption
