"""Which runs belong to a row of the paper, and what is made of them."""

from uuid import UUID, uuid5

import pytest

from backend.store import MeasuredRun
from backend.verdicts import option_defaults, standings, summarise, wanted
from mgic.records import Counted, ModelInfo, Reference

SCALE = {"dataset": "cifar10", "epochs": 100, "model": "net", "group_size": 8}
DEFAULTS = {"net": {"group_size": 4, "width": 16}}


def row(**more) -> Reference:
    given = {
        "id": "13.1",
        "table": "13",
        "label": "Net",
        "setting": "CIFAR-10",
        "figure_of": "ours",
        "metrics": {"top1": 94.2},
        "model": "net",
        "options": {"group_size": 8},
        "experiment": "classification",
        "metric": "top1",
        "scale": SCALE,
        "test_size": 10_000,
        "test_set": "same",
        "margin": 1.0,
    }
    return Reference(**(given | more))


def run(top1=94.2, metric="top1", version=1, **config) -> MeasuredRun:
    config = {"width": 16, "seed": 0, "device": "cpu", "max_steps": None} | SCALE | config
    return MeasuredRun(
        uuid5(UUID(int=0), repr((top1, sorted(config.items(), key=str)))), version, config, {metric: top1}
    )


def lose(reason="diverged", **config) -> MeasuredRun:
    return run(None, **config)._replace(failed=reason)


def stand(*runs, **more):
    (found,) = standings([row(**more)], {"classification": runs}, DEFAULTS)
    return found


def test_runs_at_the_scale_of_a_row_are_judged_together_over_their_seeds():
    found = stand(run(94.0, seed=0), run(94.2, seed=1, device="cuda"), run(94.4, seed=2))
    assert (found.measured.n, found.measured.mean) == (3, pytest.approx(94.2))
    assert found.measured.interval[0] == pytest.approx(94.2 - 4.302653 * 0.2 / 3**0.5)
    half = 4.302653 * 0.2 * (4 / 3) ** 0.5
    assert found.measured.prediction == pytest.approx((94.2 - half, 94.2 + half), abs=1e-4)
    assert (found.verdict, found.says, found.quick) == ("reproduced", "reproduced", None)  # 0.05 + 2.92 * 0.231 < 1
    assert found.measured.smallest_gap == pytest.approx(0.05 + 5.653489 * 0.2 * (4 / 3) ** 0.5, abs=1e-4)
    assert "seed" not in found.measured.config


def test_on_other_images_the_row_says_so_and_the_interval_is_wider():
    runs = [run(94.0, seed=0), run(94.2, seed=1), run(94.4, seed=2)]
    half = ((4.302653 * 0.2) ** 2 * 4 / 3 + 1.959964**2 * 2 * 94.18233 * 5.81767 / 10_000) ** 0.5
    found = stand(*runs, test_set="other")
    assert found.measured.prediction == pytest.approx((94.2 - half, 94.2 + half), abs=1e-4)
    assert "on other samples" in found.why


def test_a_row_names_its_own_margin():
    runs = [run(94.0, seed=0), run(94.2, seed=1), run(94.4, seed=2)]
    assert stand(*runs, margin=0.5).verdict == "within noise"  # 0.05 + 2.92 * 0.231 = 0.72
    assert "the margin is 0.5 points" in stand(*runs, margin=0.5).why


@pytest.mark.parametrize("apart", ["another network", "quoted"])
def test_what_is_set_apart_is_shown_and_not_judged(apart):
    runs = [run(90.0, seed=0), run(90.2, seed=1), run(90.4, seed=2)]
    found = stand(*runs, apart=apart, apart_words=f"{apart} (-43 % parameters)", quoted_from="He et al. 2016")
    assert (found.verdict, found.says) == (apart, f"{apart} (-43 % parameters)")
    assert (found.measured.n, found.measured.prediction, found.measured.smallest_gap) == (3, None, None)
    assert ("He et al. 2016" in found.why) == (apart == "quoted")


def test_seeds_that_failed_are_part_of_the_verdict():
    kept = [run(94.0, seed=0), run(94.2, seed=1), run(94.4, seed=2)]
    lost = [lose(seed=3), lose(seed=4), lose("worker_lost", seed=5)]
    found = stand(*kept, *lost)
    assert (found.measured.n, found.measured.seeds) == (3, 6)
    assert found.measured.lost == {"diverged": 2, "worker_lost": 1}
    assert (found.verdict, found.says) == ("within noise", "within noise (3 of 6 seeds)")
    assert found.why.startswith("2 seeds diverged, 1 seed failed (worker lost), so that mean and interval are those of")
    assert "Nothing is called reproduced while a seed has no figure" in found.why
    assert stand(*[run(90 + n / 10, seed=n) for n in range(5)], lose(seed=7)).says == "contradicts (5 of 6 seeds)"


def test_a_seed_that_failed_and_has_a_figure_from_another_run_is_not_lost():
    assert stand(lose(seed=0), run(94.2, seed=0)).measured.lost == {}
    assert stand(run(94.2, seed=0), lose(seed=0)).measured.lost == {}


def test_a_seed_without_the_number_is_lost_too():
    assert stand(run(94.2, seed=0), run(None, seed=1)).measured.lost == {"no figure": 1}


def test_a_seed_that_is_no_better_than_guessing_is_lost_with_that_word():
    kept = [run(94.0, seed=0), run(94.2, seed=1), run(94.4, seed=2)]
    wild = [run(10.0, seed=seed) for seed in (3, 4)]
    wild = [one._replace(values=one.values | {"no_better_than_guessing": True}) for one in wild]
    fine = [one._replace(values=one.values | {"no_better_than_guessing": False}) for one in kept]
    found = stand(*fine, *wild)
    assert (found.measured.n, found.measured.mean) == (3, pytest.approx(94.2))
    assert found.measured.lost == {"no_better_than_guessing": 2}
    assert found.says == "within noise (3 of 5 seeds)"
    assert found.why.startswith("2 seeds are no better than guessing, so that")
    assert stand(*wild).why == "none of 2 seeds at the row's scale gave a figure: 2 seeds are no better than guessing"


def test_only_runs_of_the_present_version_of_the_experiment_are_judged():
    old = [run(94.0 + seed / 10, seed=seed, version=1) for seed in range(3)]
    (found,) = standings([row()], {"classification": old}, DEFAULTS, versions={"classification": 2})
    assert (found.measured, found.verdict, found.quick.n) == (None, "not run", 3)
    assert "in an older version of the experiment, is shown, not judged" in found.why
    new = [run(93.0 + seed / 10, seed=seed, version=2) for seed in range(3)]
    (found,) = standings([row()], {"classification": old + new}, DEFAULTS, versions={"classification": 2})
    assert (found.measured.mean, found.quick.mean) == (pytest.approx(93.1), pytest.approx(94.1))


def test_a_row_of_which_every_seed_failed_says_so_and_has_no_mean():
    found = stand(lose(seed=0), lose(seed=1))
    assert (found.measured, found.verdict, found.says) == (None, "not run", "not run (0 of 2 seeds)")
    assert found.why == "none of 2 seeds at the row's scale gave a figure: 2 seeds diverged"


def test_of_a_seed_that_ran_twice_the_last_counts():
    again = run(94.4, seed=0)
    found = stand(run(10.0, seed=0), again)
    assert found.measured.runs == (again.id,)


@pytest.mark.parametrize("change", [{"epochs": 2}, {"dataset": "digits"}, {"max_steps": 10}, {"epochs": None}])
def test_a_run_at_another_scale_is_shown_and_never_judged(change):
    found = stand(run(94.2, seed=0, **change), run(94.2, seed=1, **change), run(94.2, seed=2, **change))
    assert found.measured is None
    assert (found.quick.n, found.quick.mean, found.quick.prediction) == (3, 94.2, None)
    assert found.verdict == "not run"
    assert "shown, not judged" in found.why


def test_a_training_with_other_settings_than_usual_is_not_at_scale_though_the_row_does_not_name_them():
    fields = {"classification": {"schedule": "step", "ema": 0.0, "processes": 1, "seed": 0}}
    usual = [run(93.0 + seed / 10, seed=seed, schedule="step", ema=0.0, processes=4) for seed in range(3)]
    tuned = [run(95.0 + seed / 10, seed=seed, schedule="cosine", ema=0.9, processes=1) for seed in range(3)]
    (found,) = standings([row()], {"classification": usual + tuned}, DEFAULTS, fields)
    assert (found.measured.mean, found.quick.mean) == (pytest.approx(93.1), pytest.approx(95.1))


def test_one_lucky_run_and_an_older_version_do_not_hide_a_group():
    three = [run(94.0 + seed / 10, seed=seed, version=2) for seed in range(3)]
    lucky = run(99.0, seed=9, version=2, label="other")
    old = [run(96.0 + seed / 10, seed=seed, version=1) for seed in range(5)]
    assert stand(*old, *three, lucky).measured.n == 3


@pytest.mark.parametrize("change", [{"model": "other"}, {"group_size": 4}, {"width": 8}])
def test_a_run_of_another_network_is_not_of_the_row(change):
    found = stand(run(**change))
    assert (found.measured, found.quick, found.verdict) == (None, None, "not run")


def test_an_option_that_a_data_set_decides_does_not_set_a_quick_run_apart():
    asked = {"options": {"group_size": 8, "num_classes": 1000}, "scale": SCALE | {"num_classes": 1000}}
    assert stand(run(dataset="digits", num_classes=10), **asked).quick is not None
    assert stand(run(num_classes=10), **asked).measured is None


def test_another_way_of_pruning_is_another_row():
    asked = {"scale": SCALE | {"method": "l1"}}
    assert stand(run(method="taylor_bn", epochs=1), **asked).quick is None
    assert stand(run(method="l1", epochs=1), **asked).quick is not None


def test_a_row_without_a_model_is_known_by_the_options_that_its_experiment_has():
    scale = {"samples": 1024, "group_size": 8}
    asked = {"model": None, "options": {"channels": 64, "group_size": 8}, "scale": scale}
    asked |= {"metric": "mse", "metrics": {"mse": 0.011}}
    configs = [scale | {"seed": seed} for seed in (0, 1)]
    runs = [MeasuredRun(UUID(int=n), 1, config, {"mse": 0.0111}) for n, config in enumerate(configs)]
    quick = MeasuredRun(UUID(int=7), 1, scale | {"samples": 16}, {"mse": 0.2})
    other = MeasuredRun(UUID(int=8), 1, scale | {"group_size": 4}, {"mse": 0.001})
    found = stand(*runs, quick, other, **asked)
    assert (found.measured.n, found.quick.mean) == (2, 0.2)


def test_of_several_groups_the_best_mean_is_shown():
    runs = [run(94.0, learning_rate=0.1), run(95.0, learning_rate=0.2), run(96.0, learning_rate=0.1, seed=1)]
    runs += [run(91.0, learning_rate=0.2, seed=1)]
    found = stand(*runs)
    assert (found.measured.mean, found.measured.config["learning_rate"]) == (95.0, 0.1)  # the other: 93
    assert found.measured.searched == 2


def test_of_an_error_the_lowest_mean_is_best():
    runs = [run(0.02, "mse", learning_rate=0.1), run(0.01, "mse", learning_rate=0.2)]
    found = stand(*runs, metric="mse", metrics={"mse": 0.011})
    assert found.measured.mean == 0.01


@pytest.mark.parametrize("value", [None, "94", True, float("nan"), float("inf")])
def test_a_result_without_the_number_is_no_result(value):
    assert stand(run(value)).measured is None


def test_runs_of_two_versions_of_the_experiment_are_not_averaged():
    found = stand(run(94.0, seed=0), run(94.2, seed=1, version=2), run(94.6, seed=2, version=2))
    assert (found.measured.n, found.measured.mean) == (2, pytest.approx(94.4))


def test_a_later_run_without_the_number_does_not_hide_an_earlier_one():
    assert stand(run(94.2), run(None)).measured.mean == 94.2


@pytest.mark.parametrize("top1", [94.2, 10.0])
def test_one_run_at_scale_is_no_verdict_for_want_of_a_second(top1):
    found = stand(run(top1))
    assert (found.verdict, found.says) == ("spread unknown", "spread unknown (needs 2 seeds)")
    assert (found.measured.prediction, found.measured.interval) == (None, None)
    assert stand(run(top1), lose(seed=1)).says == "spread unknown (1 of 2 seeds, needs 2 seeds)"
    assert stand(run(top1), run(top1, seed=1)).says == "spread unknown (needs 3 seeds)"


def test_a_figure_of_other_samples_with_an_unknown_spread_is_shown_and_never_judged():
    given = {"metric": "mse", "metrics": {"mse": 0.011}, "test_set": "other", "test_size": None}
    words = "not judged: its samples are others and their spread is not known"
    runs = [run(0.5 + seed / 1e4, "mse", seed=seed) for seed in range(3)]
    found = stand(*runs, **given, apart="other samples", apart_words=words)
    assert (found.verdict, found.says, found.measured.n) == ("other samples", words, 3)
    assert "no number of seeds can settle it" in found.why
    assert stand(*runs, **given).verdict == "other samples"


def test_a_mean_far_from_the_printed_figure_contradicts_it():
    found = stand(*[run(90 + n / 10, seed=n) for n in range(5)])
    assert found.verdict == "contradicts"
    assert "4 points lower than printed" in found.why


def test_a_mean_intersection_over_union_has_no_binomial_error():
    values = [run(v, "miou", seed=n) for n, v in enumerate((70.0, 70.2, 70.4))]
    found = stand(*values, metric="miou", metrics={"miou": 70.2})
    assert found.measured.prediction[1] == pytest.approx(70.2 + 4.302653 * 0.2 * (4 / 3) ** 0.5)


@pytest.mark.parametrize("gone", [{"cannot_run": "because it is closed", "experiment": None}, {"experiment": None}])
def test_a_row_without_an_experiment_cannot_run(gone):
    found = stand(run(), **gone)
    assert (found.verdict, found.measured) == ("cannot run", None)
    assert found.why == gone.get("cannot_run", "because no experiment here measures it")


def test_a_row_that_prints_no_such_figure_is_not_judged():
    found = stand(run(), metrics={"top5": 99.0})
    assert (found.verdict, found.measured.n) == ("not run", 1)
    assert "prints no top1" in found.why


def test_the_store_is_asked_for_the_models_and_columns_of_the_rows():
    rows = [row(), row(model="b", metric="top5"), row(experiment="other", model=None), row(experiment=None)]
    assert wanted(rows) == {"classification": ({"net", "b"}, ("top1", "top5")), "other": (None, ("top1",))}


def test_defaults_are_read_from_the_schema_of_a_model():
    properties = {"width": {"default": 16}, "num_classes": {"default": 10}, "depth": {}}
    info = ModelInfo(
        name="net",
        summary="",
        options={"properties": properties},
        task="image classification",
        input_size=(3, 32, 32),
        smallest=(8, 8),
        package="mgic",
    )
    assert option_defaults([info]) == {"net": {"width": 16}}


def test_the_summary_counts_rows():
    cost = Counted(
        params=1,
        macs=1,
        transfer_macs=0,
        params_deviation=0.0,
        macs_deviation=None,
        macs_deviation_without_transfer=None,
        transfer_counted=True,
        params_match="match",
        macs_match=None,
    )
    off = cost.model_copy(update={"macs_match": "off"})
    rounds = cost.model_copy(update={"macs_match": "rounds"})
    rows = [
        row(params=1, counted=cost),
        row(params=1, macs=2, counted=off, apart="another network", apart_words="another network (+50 % MACs)"),
        row(params=1, macs=2, counted=rounds, apart="quoted", apart_words="quoted: trained otherwise there"),
        row(counted=cost.model_copy(update={"params_match": None})),  # prints no cost
        row(params=1, experiment=None, cannot_run="because"),
    ]
    found = summarise(standings(rows, {"classification": [run()]}, DEFAULTS))
    assert (found.rows, found.runnable, found.with_cost, found.cost_matches, found.cost_rounds) == (5, 4, 3, 1, 1)
    assert (found.judgeable, found.measured) == (2, 2)
    assert found.judged == {
        "reproduced": 0,
        "within noise": 0,
        "contradicts": 0,
        "spread unknown": 2,
        "not run": 0,
        "another network": 1,
        "quoted": 1,
        "other samples": 0,
        "cannot run": 1,
    }


def test_rows_that_print_one_figure_of_one_network_are_named():
    rows = [row(params=5), row(id="8.1", params=5), row(id="8.2", params=6), row(id="8.3", params=5, apart="quoted")]
    assert summarise(standings(rows, {}, DEFAULTS)).printed_twice == (("13.1", "8.1"),)
