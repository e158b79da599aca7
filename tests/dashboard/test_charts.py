"""The numbers behind each plot, worked out by hand."""

import warnings

import pytest

from mgic.figures.columns import axis_title
from mgic.figures.cost_axis import counted
from mgic.figures.curves import curves_info, draw_curves, ema, outliers
from mgic.figures.heatmap import entries, facets, heatmap_info
from mgic.figures.heatmap_drawing import draw_heatmap, text_colour
from mgic.figures.placement import place
from mgic.figures.sample_size import size_words
from mgic.figures.samples import differing, groups, label, samples, spread_note, told
from mgic.figures.style import DARK, LIGHT
from mgic.figures.ticks import exact_ticks, log_ticks
from mgic.figures.tradeoff import axes_of, draw_tradeoff, tradeoff_info
from mgic.figures.view import draw_view, view_info
from mgic.records import CurvePoint, Reason, RunStatus, Table, View, telling_keys
from tests.dashboard.made import experiment, failed, run

TOP1 = View(title="Accuracy", kind="scatter", x="macs", y="top1", series="model", log_x=True)


def grid_runs(seeds: int) -> list:
    """s_g 4 and 8, top1 = 80 + s_g + seed, MACs = s_g million, a tenth of them R and P; and a reference."""
    runs = []
    for size in (4, 8):
        for seed in range(seeds):
            result = {"top1": 80.0 + size + seed, "macs": size * 1_000_000, "transfer_macs": size * 100_000}
            runs.append(
                run(len(runs), result=result, model="mgic_resnet20", group_size=size, coarsest_size=16, seed=seed)
            )
    reference = {"top1": 95.0, "macs": 40_000_000, "transfer_macs": 0}
    return [*runs, run(len(runs), result=reference, model="resnet20", seed=0)]


def test_runs_that_differ_in_the_seed_are_one_group():
    found = groups(samples(grid_runs(3)))
    assert [len(group.samples) for group in found] == [3, 3, 1]
    assert found[0].summary("top1").mean == 85.0
    assert found[0].seeds == ["0", "1", "2"]


def test_the_later_of_two_runs_of_one_seed_counts():
    twice = [run(1, result={"top1": 1.0}, seed=0), run(2, result={"top1": 2.0}, seed=0)]
    assert groups(samples(twice))[0].numbers("top1") == [2.0]


def test_a_table_is_a_sample_a_row_and_without_it_a_run_is_one():
    rows = [{"model": "a", "median_ms": 1.0}, {"model": "b", "median_ms": 2.0}]
    given = [run(result={"rows": rows, "note": "x"}, models=["a", "b"], seed=0)]
    found = groups(samples(given, Table("rows", ("model", "median_ms"), ("model",))))
    assert [(group.config["model"], group.numbers("median_ms")) for group in found] == [("a", [1.0]), ("b", [2.0])]
    (whole,) = samples(given)
    assert whole.values == {"models": ["a", "b"], "seed": 0, "note": "x"}


def test_a_line_over_a_numeric_key_has_a_mark_for_each_row():
    """Rows with sigma 0, 0.1 and 0.3 are three points of each run, and means over its seeds."""
    table = Table("noise", ("sigma", "top1"), ("sigma",))
    noise = lambda seed: [{"sigma": sigma, "top1": 90.0 - 100 * sigma + seed} for sigma in (0, 0.1, 0.3)]  # noqa: E731
    runs = [run(seed, result={"top5": 1.0, "noise": noise(seed)}, seed=seed) for seed in (0, 2)]
    view = View(title="Noise", table="noise", x="sigma", y="top1")
    drawn = view_info(view, samples(runs, table, view.columns))
    (marks,) = drawn.series.values()
    assert [(mark.x, mark.y, mark.singles) for mark in marks] == [
        (0.0, 91.0, (90.0, 92.0)),
        (0.1, 81.0, (80.0, 82.0)),
        (0.3, 61.0, (60.0, 62.0)),
    ]


def test_a_heat_map_over_two_numeric_keys_has_a_cell_for_each_row():
    table = Table("grid", ("level", "sigma", "mse"), ("level", "sigma"))
    rows = [{"level": level, "sigma": sigma, "mse": level + sigma} for level in (0, 1) for sigma in (0.0, 0.5)]
    runs = [run(0, result={"grid": rows}), failed(1, Reason.OOM)]
    made = heatmap_info(facets(entries(runs, table), "level", "sigma")["all runs"], "level", "sigma", "mse", goal="min")
    assert [[cell.mean for cell in row] for row in made.cells] == [[0.0, 1.0], [0.5, 1.5]]
    assert made.best == (0, 0)


def test_a_key_that_follows_from_the_others_is_in_no_label():
    table = Table("rows", ("place", "role", "model", "ms"), ("place", "role", "model"))
    rows = [{"place": n, "role": "measured", "model": model, "ms": 1.0} for n, model in enumerate("ab")]
    again = {"place": 2, "role": "measured", "model": "b", "ms": 2.0}
    assert telling_keys(table, [{"rows": rows}]) == ("model",)
    assert telling_keys(table, [{"rows": rows}], kept=("role",)) == ("role", "model")
    assert telling_keys(table, [{"rows": [*rows, again]}]) == ("place",)
    assert telling_keys(table, [{"rows": [{"model": "a"}]}]) == ("model",), "as results were stored once"


def test_a_mean_over_the_seeds_that_ended_well_says_of_how_many():
    """Seeds 0 to 2 ended, 3 and 4 did not; seed 5 failed and a second run of it ended."""
    ended = [run(seed, result={"top1": 80.0 + seed, "macs": 5}, model="a", seed=seed) for seed in (0, 1, 2, 5)]
    bad = [failed(10 + seed, Reason.DIVERGED, model="a", seed=seed) for seed in (3, 4, 5)]
    (group,) = groups(samples([*ended, *bad]))
    assert group.lost == ("diverged", "diverged")
    assert "n = 4 of 6 seeds (2 diverged): 80, 81, 82, 85" in told(group, "top1", "%")
    assert spread_note([group], "top1").endswith(" 1 of them is of the seeds that ended well only.")
    (one,) = groups(samples([ended[0], bad[0]]))
    assert told(one, "top1") == "top1 80 (one run of 2 seeds (1 diverged))"
    grid = [run(seed, result={"top1": 1.0 + seed}, s=4, c=8, seed=seed) for seed in (0, 1)]
    made = heatmap_info(entries([*grid, failed(9, Reason.OOM, s=4, c=8, seed=2)]), "s", "c", "top1")
    assert (made.cells[0][0].n, made.cells[0][0].lost) == (2, 1)
    text = draw_heatmap(made, "H", ("s", "c"), "top1", LIGHT).layout.annotations[0].text
    assert "± 0.50<br>2 of 3<" in text


def test_only_what_differs_is_in_a_label():
    configs = [group.config for group in groups(samples(grid_runs(1)))]
    assert differing(configs) == ("model", "group_size")
    assert label(configs[0], differing(configs)) == "mgic_resnet20, group_size=4"
    assert label(configs[2], differing(configs)) == "resnet20"
    assert label({"trained": "a3f43358-3554-4e00-ad6e-14f0a444b8cc"}, ("trained",)) == "trained=a3f43358"


def test_an_interval_needs_three_seeds():
    two, three = groups(samples(grid_runs(2)))[0], groups(samples(grid_runs(3)))[0]
    assert told(two, "top1", "%") == "top1 mean 84.5 %, range 84 to 85, n = 2: 84, 85"
    # t(2, 0.975) = 4.3027, sd = 1, so the half-width is 4.3027 / sqrt(3) = 2.484
    assert told(three, "top1", "%") == "top1 mean 85 %, 95 % t-interval 82.52 to 87.48, n = 3: 84, 85, 86"
    assert "range (an interval needs 3 seeds)" in spread_note([two], "top1")
    assert "95 % t-interval" in spread_note([three], "top1")


@pytest.mark.parametrize(("kind", "cost"), [("macs", 4e6), ("flops", 8e6), ("without", 3.6e6)])
def test_the_cost_switch(kind, cost):
    assert counted({"macs": 4_000_000, "transfer_macs": 400_000}, kind) == cost
    assert counted({"top1": 1.0}, kind) is None


def test_without_a_point_there_is_no_tradeoff_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        info = tradeoff_info([], TOP1, "%", goal="max")
    assert (info.series, info.frontier) == ({}, [])


def test_the_tradeoff_has_a_mark_a_config_in_order_of_cost():
    info = tradeoff_info(groups(samples(grid_runs(2))), TOP1, "%", goal="max")
    assert {name: [(mark.x, mark.y) for mark in marks] for name, marks in info.series.items()} == {
        "mgic_resnet20": [(4e6, 84.5), (8e6, 88.5)],
        "resnet20": [(4e7, 95.0)],
    }
    first = info.series["mgic_resnet20"][0]
    assert (first.below, first.above, first.singles) == (0.5, 0.5, (84.0, 85.0))
    assert "n = 2" in first.hover
    assert info.frontier == [(4e6, 84.5), (8e6, 88.5), (4e7, 95.0)]


def test_a_name_is_no_markup_in_a_hover():
    runs = [
        run(1, result={"top1": 1.0, "macs": 10}, model="<b>x</b>"),
        run(2, result={"top1": 2.0, "macs": 20}, model="y"),
    ]
    info = tradeoff_info(groups(samples(runs)), TOP1, "%")
    assert "&lt;b&gt;x&lt;/b&gt;" in info.series["<b>x</b>"][0].hover


def test_a_cell_without_a_number_says_why_and_is_not_zero():
    runs = [
        run(0, result={"top1": 90.0}, s=4, c=8, seed=0),
        run(1, result={"top1": 92.0}, s=4, c=8, seed=1),
        failed(2, Reason.OOM, s=16, c=8, seed=0),
        run(3, RunStatus.RUNNING, s=4, c=32, seed=0),
    ]
    info = heatmap_info(entries(runs), "s", "c", "top1", "%", "max")
    assert (info.xs, info.ys) == ([4, 16], [8, 32])
    cell, oom = info.cells[0]
    assert (cell.mean, cell.half, cell.n) == (91.0, 1.0, 2)
    assert (oom.mean, oom.missing) == (None, "✖ failed: oom")
    assert [one.missing for one in info.cells[1]] == ["▶ running", "not in this sweep"]
    assert info.best == (0, 0)


def test_a_heat_map_never_mixes_configs():
    runs = [run(1, result={}, model="a", s=1, c=1), run(2, result={}, model="b", s=1, c=1), run(3, model="c", s=1)]
    assert {name: len(part) for name, part in facets(entries(runs), "s", "c").items()} == {"a": 1, "b": 1}


def test_a_line_joins_only_points_that_differ_in_x():
    runs = [
        run(n, result={"top1": float(n)}, group_size=size, coarsest_size=coarse, seed=0)
        for n, (size, coarse) in enumerate([(8, 16), (4, 16), (4, 32)])
    ]
    info = view_info(View(title="V", x="group_size", y="top1"), samples(runs))
    assert {name: [(mark.x, mark.y) for mark in marks] for name, marks in info.series.items()} == {
        "coarsest_size=16": [(4.0, 1.0), (8.0, 0.0)],
        "coarsest_size=32": [(4.0, 2.0)],
    }


def test_a_view_with_names_on_x_keeps_them():
    runs = [run(1, result={"speed": 2.0}, model="a"), run(2, result={"speed": 1.0}, model="b"), run(3, model="c")]
    info = view_info(View(title="V", kind="bar", x="model", y="speed"), samples(runs))
    assert not info.x_numbers
    assert [(mark.x, mark.y) for mark in info.series["speed"]] == [("a", 2.0), ("b", 1.0)]


def test_axes_have_units():
    info = experiment({"side": {"unit": "pixels"}, "channels": {"unit": "channels"}})
    titles = [axis_title(info, name) for name in ("top1", "side", "channels")]
    assert titles == ["Top-1 accuracy (%)", "Side (pixels)", "Channels"]
    assert axis_title(info, "macs", "flops") == "FLOPs per image, batch 1 (2 x MACs)"
    assert axis_title(info, "macs", "without", "at 8 x 8") == "MACs per image at 8 x 8 without R and P, batch 1"


def test_the_size_of_the_samples_is_that_of_their_data_set():
    sizes = {"digits": (1, 8, 8), "cifar10": (3, 32, 32), "clouds": (3,)}
    digits, cifar = {"dataset": "digits"}, {"dataset": "cifar10"}
    assert size_words([digits, digits], sizes) == "at 8 x 8"
    assert size_words([digits, cifar], sizes) == "at several sizes"
    assert size_words([{"input_size": [3, 16, 24]}], sizes) == "at 16 x 24"
    assert [size_words([one], sizes) for one in ({}, {"dataset": "clouds"}, {"dataset": "gone"})] == [""] * 3
    assert size_words([digits, {}], sizes) == "" == size_words([], sizes)


def test_the_running_mean_starts_at_the_first_value_and_skips_gaps():
    # weights 1, a: (1 * 0.5 + 3) / 1.5; then (0.25 + 1.5 + 5) / 1.75
    assert ema([1.0, 3.0, None, 5.0], 0.5) == [1.0, 3.5 / 1.5, None, 6.75 / 1.75]


def test_curves_of_one_quantity_share_a_plot_and_show_where_a_run_resumed():
    points = [
        CurvePoint(name="train/loss", step=1, value=2.0, fence=2),
        CurvePoint(name="train/loss", step=0, value=4.0, fence=1),
        CurvePoint(name="val/loss", step=1, value=None, fence=2),
    ]
    plots = curves_info(points, 0.0)
    assert [(one.name, one.steps, one.values, one.resumed) for one in plots["loss"]] == [
        ("train/loss", [0, 1], [4.0, 2.0], [1]),
        ("val/loss", [1], [None], []),
    ]


def curve(values):
    points = [CurvePoint(name="train/loss", step=step, value=value, fence=1) for step, value in enumerate(values)]
    return curves_info(points, 0.0)["loss"]


def test_one_value_far_outside_does_not_flatten_a_curve():
    values = [2 - 0.01 * step for step in range(100)]
    assert outliers(curve(values)) == (None, [])
    assert outliers(curve([*values[:10], 500.0])) == (None, []), "of so few none is called one"
    shown, found = outliers(curve([*values[:50], 500.0, *values[50:]]))
    assert found == [("train/loss", 50, 500.0)]
    assert shown == (pytest.approx(1.01 - 0.05 * 0.99), pytest.approx(2 + 0.05 * 0.99))
    drawn = draw_curves("loss", curve([*values, 500.0]), False, LIGHT)
    assert drawn.layout.yaxis.range[1] < 3
    assert draw_curves("loss", curve([*values, 500.0]), True, LIGHT).layout.yaxis.type == "log"


def test_labels_keep_clear_of_each_other():
    assert place([(0.5, 0.5)], ["a"], 300) == ["top right"]
    sides = place([(0.5, 0.5), (0.5, 0.52)], ["first", "second"], 300)
    assert len(set(sides)) == 2
    assert None in place([(0.5, 0.5)] * 9, ["the same place"] * 9, 300)


def test_a_wider_plot_has_more_labels_and_a_look_says_how_wide_it_is():
    points = [(0.1 * number, 0.5) for number in range(1, 9)]
    narrow, wide = (place(points, ["mgic_resnet20"] * 8, look.across) for look in (LIGHT, LIGHT.as_wide(1400)))
    assert narrow.count(None) > wide.count(None) == 0
    # Above its point and below the next one's, labels would meet where the plot is higher.
    below, above = place([(0.3, 0.5), (0.36, 0.58)], ["a long name", "another name"], 400)
    assert (below, above) != ("top right", "bottom right")
    assert [LIGHT.as_wide(pixels).across for pixels in (0, 390, 430, 431, 1400)] == [300, 300, 360, 360, 1320]


def test_log_ticks_are_at_one_two_five():
    assert log_ticks(5e6, 4e7) == [1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8]
    assert log_ticks(1, 1e6) == [10.0**power for power in range(7)]


def test_a_short_log_axis_has_ticks_all_the_same():
    for low, high in ((1.19e6, 1.38e6), (0.77, 0.81), (2.01e6, 4.9e6), (3.0, 3.001)):
        assert 2 <= sum(low <= tick <= high for tick in log_ticks(low, high)) <= 7


def test_what_stands_in_a_cell_has_the_larger_contrast():
    assert [text_colour((shade, shade, shade)) for shade in (0.0, 0.4, 0.5, 1.0)] == [
        "#FFFFFF",
        "#FFFFFF",
        "#000000",
        "#000000",
    ]


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_every_plot_is_drawn_with_title_and_axis_titles(colours):
    runs = grid_runs(2)
    made = [
        draw_tradeoff(
            tradeoff_info(groups(samples(runs)), TOP1, "%"),
            axes_of(TOP1, ("MACs", "Top-1 (%)"), True),
            colours,
        ),
        draw_heatmap(
            heatmap_info(entries(runs[:4]), "group_size", "coarsest_size", "top1"), "H", ("a", "b"), "c", colours
        ),
        draw_curves("loss", curves_info([CurvePoint(name="a", step=0, value=1.0, fence=1)], 0.5)["a"], True, colours),
    ]
    for kind in ("line", "scatter", "bar"):
        view = View(title="V", kind=kind, x="group_size", y="top1", log_x=True, log_y=True)
        made.append(draw_view(view, view_info(view, samples(runs)), ("a", "b"), colours))
    for figure in made:
        layout = figure.layout
        assert layout.title.text
        assert layout.xaxis.title.text
        assert layout.yaxis.title.text
        assert len(figure.data) > 0


@pytest.mark.parametrize(("goal", "best"), [("max", (0, 1)), ("min", (0, 2)), (None, None)])
def test_the_outline_follows_the_goal_of_the_metric(goal, best):
    runs = [run(n, result={"mse": mse}, s=n, c=8) for n, mse in enumerate((0.5, 0.9, 0.0))]
    assert heatmap_info(entries(runs), "s", "c", "mse", goal=goal).best == best


def test_ticks_of_a_setting_stand_at_its_values_where_there_is_room():
    assert exact_ticks([16, 4, 8, 4], log=True) == [4, 8, 16]
    assert exact_ticks([1, 2, 1000], log=False) == []
    assert exact_ticks(range(9), log=False) == []
