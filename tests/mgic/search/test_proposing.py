"""What a sampler proposes: the same from the same trials, no cell twice, none that cannot run, better than chance."""

import json
from statistics import median

import optuna
import pytest

from mgic.errors import BadConfig
from mgic.records import Range, Trial
from mgic.search.proposing import MOST_ATTEMPTS, next_trials
from mgic.search.space import Space
from tests.cases import thorough
from tests.mgic.search.by_hand import AXES, BEST, SPACE, asking, loss, macs, plan, search, values

SAMPLERS = ["qmc", "tpe", "nsga2", *thorough("random")]


def cells(found):
    return [point.requested for point in found.plan.points]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_next_trials_follow_from_those_before(sampler):
    """In one process or another: each is proposed of what was stored, as JSON, of those before."""
    request = asking(sampler, trials=24, seed=7)
    once, _, _ = search(request)
    stored = [Trial.model_validate_json(trial.model_dump_json()) for trial in once]
    for number in (0, 1, 11, 23):
        assert cells(next_trials(request, stored[:number], (), 1, plan)) == [once[number].requested]
    assert [one.requested for one in search(asking(sampler, trials=24, seed=8))[0]] != [one.requested for one in once]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_at_once_are_those_that_would_be_asked_for_one_by_one(sampler):
    request = asking(sampler)
    past, _, _ = search(asking(sampler, trials=15))
    found = next_trials(request, past, (), 4, plan)
    one_by_one = list(past)
    for cell, notes in zip(cells(found), found.notes, strict=True):
        assert cells(next_trials(request, one_by_one, (), 1, plan)) == [cell]
        one_by_one.append(Trial(requested=cell, state="running", macs=macs(cell), notes=notes))
    assert len({json.dumps(cell) for cell in cells(found)}) == 4


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_cell_lies_in_the_space(sampler):
    space = {**SPACE, "depth": Range(min=2, max=11, step=3), "share": Range(min=0.0, max=0.5, step=0.125)}
    trials, _, _ = search(asking(sampler, space=space, trials=25))
    for one in trials:
        cell = one.requested
        assert cell["kind"] in AXES["kind"]
        assert cell["group_size"] in AXES["group_size"]
        assert 1e-5 <= cell["rate"] <= 1
        assert isinstance(cell["width"], int)
        assert 8 <= cell["width"] <= 256
        assert cell["depth"] in (2, 5, 8, 11)
        assert cell["share"] in (0, 0.125, 0.25, 0.375, 0.5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_small_space_is_gone_through_to_its_last_cell_and_no_further(sampler):
    trials, refused, why = search(asking(sampler, space={}, trials=50), score=lambda cell: float(cell["group_size"]))
    assert len({json.dumps(one.requested, sort_keys=True) for one in trials}) == len(trials) == 15
    assert (refused, why) == ([], "all 15 cells have been tried or cannot be run")


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_cells_with_too_many_multiply_accumulates_are_not_run(sampler):
    request = asking(sampler, max_macs=1000, trials=20)
    trials, refused, why = search(request)
    assert len(trials) == 20
    assert why == ""
    assert all(one.macs <= 1000 for one in trials)
    assert refused
    assert all(macs(one.requested) / 1000 - 1 == pytest.approx(one.excess) for one in refused)


@pytest.mark.thorough
def test_a_sampler_that_is_told_proposes_fewer_that_cost_too_much():
    told = [len(search(asking("tpe", max_macs=600, trials=25, seed=seed))[1]) for seed in range(3)]
    chance = [len(search(asking("random", max_macs=600, trials=25, seed=seed))[1]) for seed in range(3)]
    assert median(told) < median(chance) / 2, (told, chance)


@pytest.mark.parametrize(("space", "looked_at"), [({}, 15), *thorough((SPACE, MOST_ATTEMPTS))])
def test_a_search_of_which_no_cell_can_run_ends_and_says_why(space, looked_at):
    trials, refused, why = search(asking("tpe", max_macs=1, trials=5, space=space))
    assert trials == []
    assert len(refused) == looked_at
    assert f"{looked_at} cells" in why
    assert "max_macs is 1" in why


def refusing(request):
    if request.axes["kind"] == ["b"]:
        raise BadConfig("b cannot be built")
    return plan(request)


def test_a_cell_that_cannot_be_built_is_no_trial():
    trials, refused, _ = search(asking("tpe", trials=20), plan=refusing)
    assert {one.requested["kind"] for one in trials} <= {"a", "c"}
    assert {(one.requested["kind"], one.why, one.excess) for one in refused} == {("b", "b cannot be built", 1.0)}


def test_what_takes_too_long_is_told_so_far_and_gone_on_with():
    request = asking("random", max_macs=100, trials=3)
    trials, refused, calls = [], [], 0
    while len(trials) < 3:
        calls += 1
        found = next_trials(request, trials, refused, 3, plan, budget_s=0.0)
        assert len(found.refused) + len(found.plan.points) == 1
        refused += found.refused
        trials += [Trial(requested=cell, state="running", macs=macs(cell)) for cell in cells(found)]
    assert calls > 3
    assert [one.requested for one in trials] == [one.requested for one in search(request)[0]]


def test_failed_trials_count_and_hold_nothing_up():
    trials, _, _ = search(asking("tpe", trials=20), score=lambda cell: None if cell["kind"] == "b" else loss(cell))
    assert len(trials) == 20
    assert {one.state for one in trials} == {"failed", "complete"}


def test_a_trial_that_was_stopped_is_worse_than_one_that_came_to_its_end():
    """The sampler keeps away from where trainings are stopped."""

    def share_of_a(state):
        past = []
        for number in range(30):
            kind = "ab"[number % 2]
            told = {"state": state if kind == "a" else "complete", "value": 1.0, "step": 3}
            past.append(Trial(requested={"kind": kind, "rate": 0.01 + number / 100}, macs=1, **told))
        space = {"rate": SPACE["rate"]}
        drawn = [
            cells(next_trials(asking("tpe", 99, {"kind": ["a", "b"]}, space, seed=seed), past, (), 1, plan))[0]
            for seed in range(20)
        ]
        return sum(cell["kind"] == "a" for cell in drawn)

    assert share_of_a("stopped") < share_of_a("complete")


@pytest.mark.parametrize(("number", "seeds"), [(20, 8), *thorough((20, 20), (30, 20), (50, 20))])
def test_tpe_finds_better_cells_than_chance(number, seeds):
    best = {
        sampler: median(min(values(search(asking(sampler, trials=number, seed=seed))[0])) for seed in range(seeds))
        for sampler in ("tpe", "random")
    }
    assert loss(BEST) == 0
    assert best["tpe"] < 0.7 * best["random"], best


@pytest.mark.thorough
def test_two_goals_lead_to_a_better_front_than_chance():
    """Of Zitzler, Deb and Thiele's first function, of six variables: what the fronts of 10 seeds dominate."""
    rest = "abcde"

    def error(cell):
        width, slope = cell["width"] / 256, 1 + 9 * sum(cell[name] for name in rest) / len(rest)
        return slope * (1 - (width / slope) ** 0.5)

    def dominated(trials):
        """The area up to the worst of both goals, 1 by 10."""
        area, least = 0.0, 10.0
        for cost, value in sorted((one.macs / 256, one.value) for one in trials):
            if value < least:
                area += (1 - cost) * (least - value) / 10
                least = value
        return area

    space = {"width": SPACE["width"], **{name: Range(min=0.0, max=1.0) for name in rest}}
    found = {
        sampler: median(dominated(search(asking(sampler, 120, {}, space, seed=seed), error)[0]) for seed in range(10))
        for sampler in ("nsga2", "random")
    }
    assert found["nsga2"] > found["random"], found


def test_the_quasi_random_sequence_is_optunas():
    """Of real numbers; Optuna draws the first trial at random, and begins the sequence with the second."""
    space = {"rate": SPACE["rate"], "width": Range(min=0.0, max=1.0)}
    trials, _, _ = search(asking("qmc", 16, {}, space, seed=5), score=lambda cell: 0.0)
    ours = [(one.requested["rate"], one.requested["width"]) for one in trials]
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        study = optuna.create_study(sampler=optuna.samplers.QMCSampler(scramble=True, seed=5))
    spread = Space.of({}, space).distributions("qmc")
    theirs = []
    for _ in range(17):
        trial = study.ask(spread)
        theirs.append((trial.params["rate"], trial.params["width"]))
        study.tell(trial, 0.0)
    assert ours == theirs[1:]
