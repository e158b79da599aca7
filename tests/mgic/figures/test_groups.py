"""Runs that are made from others: seeds of those are seeds of these."""

from mgic.figures.samples import OWN_SEED, differing, groups, label, samples
from mgic.records import InputRun, Reason
from tests.dashboard.made import failed, run


def training(seed: int, **config) -> InputRun:
    return InputRun(experiment="classification", config={"model": "resnet20", "seed": seed, "epochs": 3} | config)


def evaluation(number: int, of: InputRun, seed: int = 0):
    made = run(number, result={"top1": 90.0 + number}, model="resnet20", trained=str(number), seed=seed)
    return made.model_copy(update={"inputs": {"trained": of}})


def test_evaluations_of_trainings_that_differ_in_the_seed_are_one_group():
    (group,) = groups(samples([evaluation(seed, training(seed)) for seed in range(6)]))
    assert group.summary("top1").n == 6
    assert group.seeds == ["0", "1", "2", "3", "4", "5"]
    assert "trained" not in group.config


def test_what_else_the_trainings_differ_in_sets_the_groups_apart_and_names_them():
    made = [evaluation(number, training(number % 2, epochs=3 + number // 2)) for number in range(4)]
    found = groups(samples(made))
    assert [group.summary("top1").n for group in found] == [2, 2]
    fields = differing([group.config for group in found])
    assert [label(group.config, fields) for group in found] == ["trained.epochs=3", "trained.epochs=4"]


def test_of_a_chain_the_seed_of_each_generation_counts():
    pruned = [InputRun(experiment="prune", config={"seed": 0}, inputs={"trained": training(seed)}) for seed in range(3)]
    (group,) = groups(samples([evaluation(number, one) for number, one in enumerate(pruned)]))
    assert group.summary("top1").n == 3


def test_one_training_evaluated_twice_does_not_count_as_two_where_trainings_differ():
    made = [evaluation(number, training(number // 2), seed=number % 2) for number in range(6)]
    found = groups(samples(made))
    assert [(group.config[OWN_SEED], group.summary("top1").n) for group in found] == [("0", 3), ("1", 3)]
    (alone,) = groups(samples(made[:2]))
    assert alone.summary("top1").n == 2


def test_a_seed_whose_evaluation_failed_is_told_of():
    lost = failed(2, Reason.OOM, model="resnet20", trained="2", seed=0)
    lost = lost.model_copy(update={"inputs": {"trained": training(2)}})
    (group,) = groups(samples([*(evaluation(seed, training(seed)) for seed in range(2)), lost]))
    assert group.lost == ("oom",)
