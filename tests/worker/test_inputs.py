"""What a run reads of others is brought to its host before it begins, whole, or it does not begin."""

import hashlib

import pytest

from backend.artifacts import ArtifactsAway, attempt
from backend.store import NewInput, NewRun, NewSweep
from mgic.records import Artifact, Outcome, Reason, RunStatus
from tests.worker.conftest import ME
from worker.child import inputs_folder
from worker.courier import clear_disk

NAME = "model.safetensors"
READ = """
folder = job["inputs"]["trained"]
succeed(read=open(f"{folder}/model.safetensors").read())
"""


@pytest.fixture
def trained(store, artifacts, tmp_path):
    """A run that has left a file, as an input."""
    store.add_sweep(NewSweep("x", 1, [{}], [NewRun({}, {}, "trained", "cpu", "cpu", None)]))
    claim = store.claim(ME)
    (tmp_path / "model").write_text("weights")
    artifacts.put(tmp_path / "model", attempt(claim.run_id, claim.fence, NAME))
    file = Artifact(name=NAME, media_type="x", size=7, sha256=hashlib.sha256(b"weights").hexdigest())
    outcome = Outcome(status=RunStatus.SUCCEEDED, config={}, result={}, environment={}, seconds=1.0)
    assert store.finish(claim.run_id, claim.fence, outcome, [file])
    return NewInput(claim.run_id, (NAME,))


def test_a_run_finds_the_files_of_its_inputs_and_leaves_none(execute, settings, trained):
    run = execute(READ, inputs={"trained": trained}, again=True)
    assert (run.status, run.result, run.made_from) == ("succeeded", {"read": "weights"}, {"trained": trained.input_id})
    assert not (settings.scratch / str(run.id)).exists()


@pytest.mark.parametrize(
    ("fault", "words"), [("gone", "is gone"), ("changed", "is not what that run left"), ("unknown", "has left no")]
)
def test_a_run_whose_input_is_not_whole_fails_and_names_the_file(execute, artifacts, trained, tmp_path, fault, words):
    if fault == "gone":
        artifacts.remove(attempt(trained.input_id, 1))
    elif fault == "changed":
        (tmp_path / "model").write_text("wejghts")
        artifacts.put(tmp_path / "model", attempt(trained.input_id, 1, NAME))
    else:
        trained = NewInput(trained.input_id, ("other.png",))
    run = execute(READ, inputs={"trained": trained})
    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.INPUT_FAILED)
    assert words in run.failure.message
    assert (trained.files[0] in run.failure.message, str(trained.input_id) in run.failure.message) == (True, True)


def test_a_place_that_does_not_answer_at_first_is_asked_again(execute, artifacts, trained, monkeypatch):
    get, refused = artifacts.get, []

    def get_later(*arguments):
        if len(refused) < 2:
            refused.append(arguments)
            raise ArtifactsAway("no route to host")
        get(*arguments)

    monkeypatch.setattr(artifacts, "get", get_later)
    monkeypatch.setattr("worker.courier.AGAIN_S", 0.05)
    assert execute(READ, inputs={"trained": trained}).status is RunStatus.SUCCEEDED
    assert len(refused) == 2


def test_an_attempt_whose_inputs_stay_away_is_given_up_and_the_run_queued_again(
    execute, store, artifacts, trained, monkeypatch
):
    def away(*_):
        raise ArtifactsAway("no route to host")

    monkeypatch.setattr(artifacts, "get", away)
    monkeypatch.setattr("worker.supervise.FETCH_FOR_S", 0.3)
    run = execute(READ, inputs={"trained": trained})
    assert (run.status, run.attempt) == (RunStatus.QUEUED, 1)
    assert "inputs of the run could not be fetched: no route to host" in store.events(run.id)[-1].note


def test_an_attempt_that_is_over_leaves_the_files_of_the_next_one(tmp_path):
    for fence in (1, 2):
        kept = inputs_folder(tmp_path, fence) / "trained" / NAME
        kept.parent.mkdir(parents=True)
        kept.write_text("weights")
    clear_disk(tmp_path, 1, others=False)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]
    clear_disk(tmp_path, 2, others=False)
    assert not tmp_path.exists()
