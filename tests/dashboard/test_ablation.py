"""The ablation: which runs are compared, what is answered, what is proposed, and what each plot is drawn from."""

import json

import pytest

from mgic.figures.ablation.answer import Answer, answer, axes
from mgic.figures.ablation.choices import Chosen, all_switches, facets_of, part_of
from mgic.figures.ablation.effects import effect_rows, effects
from mgic.figures.ablation.fields import Data
from mgic.figures.ablation.many import importance, parallel_axes, settings
from mgic.figures.ablation.reference import against, references
from mgic.figures.scenes.ablation import plots
from mgic.figures.style import LIGHT
from mgic.figures.switches import read
from mgic.records import Reason, Run, RunStatus, View
from tests.dashboard.made import experiment, failed, run

SEEDS = (0, 1, 2)
OFF = {0: -0.1, 1: 0.0, 2: 0.1}  # of a run of that seed, in columns past the first
GRID = View(title="Grid", kind="heatmap", x="group_size", y="coarsest_size", z="top1")
INFO = experiment(
    {},
    views=(GRID,),
    result_schema={"properties": {"top1": {"unit": "%", "goal": "max"}, "macs": {"goal": "min"}, "loss": {}}},
)


def top1(group: int, coarse: int, seed: int) -> float:
    """16 instead of 8 channels a group gain 0.2, 4 lose 1; 32 instead of 16 coarse ones gain 2."""
    return (
        90.0 + seed + {4: -1.0, 8: 0.0, 16: 0.2}[group] + {16: 0.0, 32: 2.0}[coarse] + (OFF[seed] if group > 4 else 0)
    )


def trained(number: int, group: int, coarse: int, seed: int, value: float | None = None, **more) -> Run:
    result = {"top1": top1(group, coarse, seed) if value is None else value, "macs": group * 1000, "loss": 1.0}
    config = {"model": "mgic_resnet20", "group_size": group, "coarsest_size": coarse, "seed": seed}
    return run(number, result=result | more.pop("result", {}), **(config | more))


CELLS = [(group, coarse, seed) for group in (4, 8, 16) for coarse in (16, 32) for seed in SEEDS]


def grid(**more) -> list[Run]:

    return [trained(number, *cell, **more) for number, cell in enumerate(CELLS)]


def chosen(runs: list[Run], info=INFO, **asked: str) -> Chosen:
    data = Data(info, (), tuple(runs), asked)
    values, faults = read(all_switches(data), asked)
    assert not faults
    return Chosen(part_of(data, values), values)


def answers(runs: list[Run], **asked: str) -> dict[str, Answer]:
    return {one.field: one for one in chosen(runs, **asked).answers}


def without(runs: list[Run], **config) -> list[Run]:
    return [one for one in runs if not config.items() <= one.config.items()]


def test_a_sweep_over_both_sizes_asks_the_papers_question_at_half_a_point():
    values = chosen(grid()).values
    assert (values["metric"], values["x"], values["y"]) == ("top1", "group_size", "coarsest_size")
    assert (values["enough-x"], values["enough-y"], values["margin"], values["reference"]) == (
        "8",
        "16",
        "0.5",
        "16/32",
    )


def test_a_small_gain_suffices_and_a_large_one_does_not():
    found = answers(grid())
    assert [found[name].verdict for name in ("group_size", "coarsest_size")] == ["suffices", "does not suffice"]
    assert found["group_size"].sentence == "Group size s_g = 8 suffices."
    (step,) = found["group_size"].steps
    assert (step["gain"], step["n"], step["over"]) == (pytest.approx(0.2), 6, "Coarsest size s_c 16, 32")
    assert "at 32: +2.00" in found["coarsest_size"].numbers
    assert answers(grid(), margin="2.5")["coarsest_size"].verdict == "suffices"


def test_one_seed_is_not_settled_and_the_next_runs_are_named_with_their_cost():
    one = [single.model_copy(update={"seconds": 30.0}) for single in grid() if single.config["seed"] == 0]
    found = answers(one)["coarsest_size"]
    assert (found.verdict, found.all) == ("not settled", None)
    assert (found.next.count, found.next.cost) == (4, "4 runs, 2 min")
    (proposed,) = found.next.grids
    assert proposed == {
        "model": ["mgic_resnet20"],
        "group_size": [4],
        "coarsest_size": [16, 32],
        "seed": [1, 2],
    }
    assert "too few pairs for a spread" in found.next.why


def test_seeds_that_are_queued_are_not_proposed_again():
    one = [single for single in grid() if single.config["seed"] == 0]
    waiting = [run(100 + place, RunStatus.QUEUED, **(single.config | {"seed": 1})) for place, single in enumerate(one)]
    (proposed,) = answers([*one, *waiting])["coarsest_size"].next.grids
    assert proposed["seed"] == [2, 3]


def test_an_open_answer_offers_as_many_seeds_in_every_cell():
    wide = [trained(n, *cell, value=90 + gap) for n, (cell, gap) in enumerate(open_cells())]
    found = answers(wide)["coarsest_size"]
    assert found.verdict == "not settled"
    (proposed,) = found.all.grids
    count = len(proposed["seed"])
    assert found.all.count == 2 * 2 * count  # two group sizes, two coarsest sizes
    assert min(proposed["seed"]) == 3  # seeds that no cell has
    assert f"About {count} seeds more" in found.numbers


def open_cells():
    """A gain of 0.3 that spreads by 0.5."""
    gains = {0: -0.2, 1: 0.3, 2: 0.8}
    return [((g, c, s), gains[s] if c == 32 else 0.0) for g in (4, 8) for c in (16, 32) for s in SEEDS]


def test_a_value_at_which_runs_failed_is_not_called_sufficient():
    runs = without(grid(), group_size=8, coarsest_size=16, seed=2)
    lost = failed(50, Reason.DIVERGED, model="mgic_resnet20", group_size=8, coarsest_size=16, seed=2)
    found = answers([*runs, lost])["group_size"]
    assert (found.verdict, found.next) == ("not settled", None)
    assert found.numbers.startswith("1 run at 8 failed or learnt nothing.")


def test_runs_that_stopped_early_or_learnt_nothing_are_in_no_mean_and_named():
    runs = without(without(grid(), group_size=4, coarsest_size=16), group_size=16, coarsest_size=32, seed=0)
    bad = [trained(60 + s, 4, 16, s, value=10.0, result={"no_better_than_guessing": True}) for s in SEEDS]
    early = trained(70, 16, 32, 0, value=50.0, result={"stopped_early": True})
    part = chosen([*runs, *bad, early]).part
    assert part.map.cells[0][0].missing == "✖ no better than guessing"
    assert (part.map.cells[1][2].n, part.map.cells[1][2].lost) == (2, 1)
    assert part.left_out() == {"✖ no better than guessing": 3, "◑ stopped early": 1}
    caption = next(plot.caption for plot in plots(part.data, chosen([*runs, *bad, early]).values) if plot.name == "map")
    assert "3 left out: ✖ no better than guessing." in caption


def test_cells_without_a_number_say_whether_they_failed_are_impossible_or_wait():
    cells = [
        failed(80, Reason.INVALID, model="mgic_resnet20", group_size=16, coarsest_size=16, seed=0),
        failed(81, Reason.OOM, model="mgic_resnet20", group_size=16, coarsest_size=32, seed=0),
        run(82, RunStatus.QUEUED, model="mgic_resnet20", group_size=32, coarsest_size=16, seed=0),
    ]
    info = chosen([*without(grid(), group_size=16), *cells]).part.map
    assert [cell.missing for cell in info.cells[0][2:]] == ["⊘ impossible", "◷ queued"]
    assert [cell.missing for cell in info.cells[1][2:]] == ["✖ failed: oom", "not in this sweep"]


def test_differences_are_to_the_full_network_where_there_is_one():
    full = [run(90 + s, result={"top1": 93.0 + s, "macs": 9}, model="resnet20", seed=s) for s in SEEDS]
    found = chosen([*grid(), *full], cells="difference")
    assert list(references(found.part))[:2] == ["resnet20", "16/32"]
    info = against(found.part, "resnet20")
    assert info.cells[0][0].mean == pytest.approx(-4.0)  # 89 + s against 93 + s
    assert info.cells[1][2].mean == pytest.approx(-0.8)
    assert info.cells[1][2].half == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-5)
    assert info.diverging
    drawn = next(plot for plot in plots(found.part.data, found.values) if plot.name == "map").draw(LIGHT)
    assert (drawn.data[0].zmin, drawn.data[0].zmax) == (pytest.approx(-4.0), pytest.approx(4.0))


def test_the_reference_may_be_any_cell_and_is_outlined_itself():
    found = chosen(grid(), cells="difference", reference="8/16")
    info = against(found.part, "8/16")
    assert info.chosen == (0, 1)
    assert (info.cells[0][1].text, info.cells[0][1].mean) == ("reference", 0.0)
    assert info.cells[1][1].mean == 2.0


def test_effects_are_over_all_values_of_the_other_field():
    across, down = axes(chosen(grid()).part)
    assert [one.difference.mean for one in effects(across, 8)] == pytest.approx([-1.0, 0.0, 0.2])
    rows = effect_rows(down, 16, effects(down, 16))
    assert rows[1]["difference to 16"] == pytest.approx(2.0)
    assert (rows[1]["n"], rows[1]["group_size=4"]) == (9, 2.0)


def test_other_fields_are_held_at_what_most_runs_have_and_maps_may_be_by_one():
    narrow, wide = grid(width=16), grid(width=32)
    runs = [*narrow, *(one.model_copy(update={"id": run(200 + one.number).id}) for one in wide[:9])]
    found = chosen(runs)
    assert found.values["with-width"] == "16"
    assert len(found.part.runs) == 18
    by_width = chosen(runs, facet="width")
    assert list(facets_of(by_width)) == ["Width = 16", "Width = 32"]
    drawn = [plot for plot in plots(by_width.part.data, by_width.values) if plot.name.startswith("map")]
    assert [plot.name for plot in drawn] == ["map-width-16", "map-width-32"]
    limits = {(plot.draw(LIGHT).data[0].zmin, plot.draw(LIGHT).data[0].zmax) for plot in drawn}
    assert len(limits) == 1, "one range of colours for all"


def test_where_neither_end_is_good_nothing_is_asked_of_it():
    found = chosen(grid(), metric="loss")
    assert found.answers == []
    assert found.part.map.best is None


def test_a_metric_that_is_better_when_small_gains_by_falling():
    part = chosen(grid(), metric="macs").part
    one = answer(axes(part)[0], 8, 100.0, 1)
    assert one.verdict == "suffices"
    assert one.steps[0]["gain"] == -8000.0


def test_every_plot_can_be_drawn_and_has_its_numbers():
    found = chosen(grid())
    drawn = plots(found.part.data, found.values)
    assert [plot.name for plot in drawn] == ["map", "effect-group-size", "effect-coarsest-size", "interaction"]
    for plot in drawn:
        assert plot.draw(LIGHT).data
        assert plot.rows()
    assert "cannot be tested" in drawn[3].caption or "F(" in drawn[3].caption


def three_fields(seeds=SEEDS) -> Data:
    runs = []
    for width in (8, 16):
        for one in grid():
            if one.config["seed"] in seeds:
                result = one.result | {"top1": one.result["top1"] + width / 8}
                fresh = {"id": run(300 + len(runs)).id, "config": one.config | {"width": width}, "result": result}
                runs.append(one.model_copy(update=fresh))
    return Data(INFO, (), tuple(runs))


def test_three_fields_have_a_line_a_run_with_their_values_as_ticks():
    data = three_fields()
    found = {axis.name: axis for axis in parallel_axes(data, "top1", ["macs"])}
    assert list(found) == ["group_size", "coarsest_size", "width", "macs", "top1"]
    assert found["group_size"].ticks == ((0.0, "4"), (1.0, "8"), (2.0, "16"))
    assert set(found["width"].places) == {0.0, 1.0}
    assert len(found["top1"].places) == 36
    values, _ = read(all_switches(data), {})
    names = [plot.name for plot in plots(data, values)]
    assert names[-2:] == ["parallel", "importance"]


def test_importance_finds_the_field_that_matters_and_says_when_it_cannot_be_trusted():
    found = importance(three_fields(), "top1")
    assert found.caution == ""
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.shares["coarsest_size"] > found.shares["group_size"]
    few = Data(INFO, (), three_fields(seeds=(0,)).runs[:11])
    assert importance(few, "top1").caution == "11 runs for 3 fields are too few to trust it"
    assert importance(Data(INFO, (), tuple(run(n, result={"top1": 1.0}, a=n) for n in range(3))), "top1") is None


def test_a_table_of_settings_has_a_row_a_config_with_interval_and_n():
    rows = settings(Data(INFO, (), tuple(grid())), ["top1", "macs"])
    assert len(rows) == 6
    assert rows[0] == {
        "Group size s_g": 4,
        "Coarsest size s_c": 16,
        "Top-1 accuracy (%)": 90.0,
        "Top-1 accuracy ±": pytest.approx(4.302653 / 3**0.5, rel=1e-5),
        "MACs": 4000.0,
        "MACs ±": 0.0,
        "n": 3,
        "± is": "95 % interval",
    }


def test_what_is_proposed_can_be_read_by_the_form_of_a_sweep():
    one = [single for single in grid() if single.config["seed"] == 0]
    text = ", ".join(json.dumps(of) for of in answers(one)["coarsest_size"].next.grids)
    assert json.loads(f"[{text}]")[0]["seed"] == [1, 2]


def test_where_the_fields_act_on_each_other_the_answers_say_that_they_are_means():
    bent = [
        trained(n, g, c, s, value=90 + g * (c - 16) / 16 + OFF[s] * (1 + n % 2)) for n, (g, c, s) in enumerate(CELLS)
    ]
    assert chosen(bent).caution.startswith("The effect of Group size s_g depends on Coarsest size s_c: F(")
    assert chosen(grid()).caution == ""


def test_fields_that_were_searched_over_are_no_grid():
    """Forty learning rates are no axis, and no value of them is asked about."""
    runs = [trained(n, 4 * (1 + n % 2), 16, n % 3, learning_rate=0.001 * (n + 1)) for n in range(40)]
    found = chosen(runs)
    assert found.values["x"] == "group_size"
    assert chosen(runs, x="learning_rate").answers == []
