"""What a worker and its child say to each other arrives as it was said, and nothing else passes for it."""

import json

import pytest

from mgic.protocol import Checkpoint, Curve, Damaged, Finished, Job, Log, Progress, Resumed, decode, encode
from mgic.records import Artifact, Outcome, RunStatus

OUTCOME = Outcome(status=RunStatus.SUCCEEDED, config={"x": 1}, result={"y": 0.1}, environment={}, seconds=0.5)
MESSAGES = [
    Progress(0.25, "training"),
    Curve("train/loss", 3, 0.1),
    Curve("train/loss", 4, None),
    Log("half a character: \udc80, and a whole one: é"),
    Checkpoint("0002-x.pt"),
    Resumed(7),
    Finished(OUTCOME, [Artifact(name="a.txt", media_type="text/plain", size=1, sha256="0" * 64)]),
]


def test_every_message_arrives_as_it_was_told():
    lines = [encode(message) for message in MESSAGES]
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    assert [decode(line.encode()) for line in lines] == MESSAGES


def test_a_job_arrives_as_it_was_given():
    job = Job("cost", {"model": "resnet20", "width": [1, 2.5, None]}, "cpu", 2, "/data", "/run/1", "/run/checkpoints")
    assert Job.decode(job.encode()) == job


DAMAGED = [
    '{"kind": "curve", "na',
    "\ufffd",
    '["curve"]',
    '{"name": "x", "step": 1, "value": 1.0}',
    '{"kind": "verse", "name": "x"}',
    '{"kind": ["curve"]}',
    '{"kind": "curve", "name": "x", "value": 1.0}',
    '{"kind": "curve", "name": "x", "step": "1", "value": 1.0}',
    '{"kind": "progress", "progress": NaN, "phase": ""}',
    '{"kind": "outcome", "outcome": {"status": "succeeded"}, "artifacts": []}',
    "[" * 100_000,
]


def test_what_is_no_message_is_damaged():
    for line in DAMAGED:
        with pytest.raises(Damaged):
            decode(line.encode())


def test_what_is_no_number_is_a_missing_value():
    line = json.dumps({"kind": "curve", "name": "x", "step": 1, "value": float("nan")})
    assert decode(line.encode()) == Curve("x", 1, None)
