"""Runs under several seeds: of which code they are, and whether base and head were trained alike."""

from dataclasses import dataclass

import pytest

from mgic.errors import BadConfig, Conflict
from mgic.gate.runs import Training
from mgic.gate.seeds import of_runs
from mgic.records import RunStatus

COMMITS = ("a" * 40, "b" * 40)
BASE, HEAD = ([90.0, 90.4, 89.8, 90.2], [90.1, 90.3, 89.9, 90.2])


@dataclass
class Made:
    """Runs of one side, by seed from 0."""

    commit: str
    dirty: bool = False
    status: RunStatus = RunStatus.SUCCEEDED

    def runs(self, scores: list[float], **config: object) -> list[Training]:
        return [self._run(seed, score, config) for seed, score in enumerate(scores)]

    def _run(self, seed: int, score: float, config: dict) -> Training:
        told = {"model": "ours.nets:net", "width": 16, "dataset": "digits", "epochs": 3, "seed": seed, **config}
        about = {"subject": {"commit": self.commit, "dirty": self.dirty}}
        result = {"top1": score, "dataset_hash": "h"}
        return Training(f"run {seed}", "--seeds", None, "classification", self.status, told, result, about)


def row(base: list[Training], head: list[Training], model: str = "ours.nets:net"):
    return of_runs(model, (base, head), COMMITS, {"width"}, "-0.5pp")


def test_four_seeds_of_the_same_code_are_equivalent_pair_by_pair():
    found = row(Made(COMMITS[0]).runs(BASE), Made(COMMITS[1]).runs(HEAD, width=24))
    assert (found.verdict, found.n) == ("pass", 4)
    assert "4 pairs of the same seed" in found.note
    worse = row(Made(COMMITS[0]).runs(BASE), Made(COMMITS[1]).runs([score - 2 for score in HEAD]))
    assert worse.verdict == "regression"


def test_one_seed_a_side_settles_nothing():
    found = row(Made(COMMITS[0]).runs(BASE[:1]), Made(COMMITS[1]).runs([88.0]))
    assert found.verdict == "inconclusive"
    assert "that may be the seed" in found.note


def test_one_seed_a_side_is_held_against_the_noise_of_known_runs_of_the_base_and_of_no_others():
    base, head = Made(COMMITS[0]).runs(BASE[:1]), Made(COMMITS[1]).runs([80.0])
    known = Made(COMMITS[0]).runs([90.0, 90.4, 89.8, 90.2, 90.1])
    found = of_runs("ours.nets:net", (base, head), COMMITS, {"width"}, "-0.5pp", known)
    assert found.verdict == "regression"
    assert "5 known runs" in found.note
    others = [*Made(COMMITS[1]).runs(BASE), *Made(COMMITS[0], dirty=True).runs(BASE)]
    others += Made(COMMITS[0]).runs(BASE, epochs=4)
    found = of_runs("ours.nets:net", (base, head), COMMITS, {"width"}, "-0.5pp", others)
    assert (found.verdict, "may be the seed" in found.note) == ("inconclusive", True)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Made(COMMITS[0]), "run 0 is of aaaaaaaaaa, and the head is bbbbbbbbbb"),
        (Made(COMMITS[1], dirty=True), "run 0 is of files that were changed since bbbbbbbbbb"),
    ],
)
def test_a_run_of_other_code_is_not_measured(made, said):
    found = row(Made(COMMITS[0]).runs(BASE), made.runs(HEAD))
    assert found.verdict == "not measured"
    assert said in found.note


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"epochs": 4}, "trained otherwise than run 0: epochs 3 -> 4"),
        ({"seed": 1}, "two runs of one side have seed 1"),
        ({"model": "resnet20"}, "run 0 trained resnet20, not ours.nets:net"),
    ],
)
def test_runs_that_say_nothing_of_it_are_refused(config, said):
    with pytest.raises(BadConfig, match=said):
        row(Made(COMMITS[0]).runs(BASE), Made(COMMITS[1]).runs(HEAD, **config))


def test_a_run_that_failed_is_refused():
    failed = Made(COMMITS[1], status=RunStatus.FAILED).runs(HEAD)
    with pytest.raises(Conflict, match="run 0 is failed"):
        row(Made(COMMITS[0]).runs(BASE), failed)
