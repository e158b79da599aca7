"""A run begun on one host and ended on another: all they share is the database and a bucket."""

import hashlib
from uuid import uuid4

import pytest

from backend.artifacts import Artifacts, checkpoint
from backend.janitor import Janitor
from backend.settings import Settings
from backend.store import NewInput, NewRun, NewSweep, Slot
from mgic.records import InputRun, RunStatus, SweepRequest
from mgic.sweep import expand
from tests.bucket import BUCKET, bucket, environment
from worker.child import Child
from worker.supervise import supervise

CONFIG = {"model": "resnet20", "width": 2, "dataset": "digits", "epochs": 4, "batch_size": 128, "learning_rate": 0.1}


def submit(store, experiment, asked, trained=None):
    request = SweepRequest(experiment=experiment, axes={name: [value] for name, value in asked.items()})
    known = {str(trained.id): InputRun(experiment=trained.experiment, config=trained.config)} if trained else {}
    (point,) = expand(request, known)
    inputs = {"trained": NewInput(trained.id, ("model.safetensors",))} if trained else {}
    new = NewRun(asked, point.config, uuid4().hex, "cpu", "cpu", None, inputs=inputs)
    store.add_sweep(NewSweep(experiment, 1, [{}], [new]))


def attempt_at(host, store, artifacts, folder, stopping):
    """Claim the run and have a real child execute it on a host with a disk of its own."""
    settings = Settings(home=folder / host, poll_s=0.05, grace_s=1, shutdown_grace_s=1)
    claim = store.claim(Slot(host, host, "cpu", "cpu"))
    child = Child(folder / "data", settings.scratch, 1, None)
    if supervise(claim, child, store, artifacts, settings, stopping).usable:
        child.dismiss()
    return store.run(claim.run_id)


@pytest.mark.thorough
def test_a_run_goes_on_elsewhere_from_its_checkpoint_in_the_bucket_and_its_weights_are_read_elsewhere_again(
    store, tmp_path
):
    with bucket() as keys, environment(keys):
        artifacts = Artifacts(f"{BUCKET}/{uuid4()}")
        submit(store, "classification", CONFIG)
        there_is_one = lambda: bool(artifacts.names("checkpoints"))  # noqa: E731
        run = attempt_at("first", store, artifacts, tmp_path, stopping=there_is_one)
        assert (run.status, run.attempt) == (RunStatus.QUEUED, 0)
        run = attempt_at("second", store, artifacts, tmp_path, stopping=lambda: False)
        assert (run.status, run.result["resumed"], run.result["epochs_done"]) == (RunStatus.SUCCEEDED, True, 4)
        assert len(artifacts.names(checkpoint(run.id))) <= 2
        epochs = [point.step for point in store.curves(run.id)[0] if point.name == "test/top1"]
        assert epochs == sorted(set(epochs))
        assert len(epochs) == 4
        ((file, owner, fence),) = store.artifacts(run.id)
        content = b"".join(artifacts.read(f"{owner}/{fence}/{file.name}", 0, file.size))
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert not list((tmp_path / "second" / "scratch").iterdir())
        assert Janitor(store, artifacts, 60).clean() == 1
        submit(store, "evaluate", {"trained": str(run.id)}, run)
        measured = attempt_at("third", store, artifacts, tmp_path, stopping=lambda: False)
        assert (measured.status, measured.result["top1"]) == (RunStatus.SUCCEEDED, run.result["top1"])
        assert not list((tmp_path / "third" / "scratch").iterdir())
