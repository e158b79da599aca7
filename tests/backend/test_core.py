"""A core whose process cannot be had, or fails: every question is answered in words, and it is tried again."""

import errno
import os
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import ClassVar

import pytest

import backend.core
from backend.core import Core
from mgic.errors import Unavailable
from tests.conftest import wait_for

LATER = object()  # an answer that is given when the test says so


class Pool:
    """Stands in for the process: `answers` has what a question gets, by its name; "any": all; "start": no process."""

    unanswered: ClassVar[list[Future]] = []
    answers: ClassVar[dict[str, object]] = {}
    made: ClassVar[int] = 0

    def __init__(self, *_args, **_more) -> None:
        type(self).made += 1

    def submit(self, function, *args) -> Future:
        name = args[0] if args else function.__name__
        answer = self.answers.get(name, self.answers.get("any", 1))
        future: Future = Future()
        if "start" in self.answers:
            raise self.answers["start"]
        if answer is LATER:
            self.unanswered.append(future)
        elif isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future

    def shutdown(self, **_how) -> None:
        pass


@pytest.fixture
def core(monkeypatch):
    monkeypatch.setattr(backend.core, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(os, "kill", lambda *_: None)
    monkeypatch.setattr(Pool, "answers", {})
    monkeypatch.setattr(Pool, "unanswered", [])
    monkeypatch.setattr(Pool, "made", 0)
    return Core(timeout_s=5)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "cannot be started: Cannot allocate memory"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "cannot be started: Resource temporarily"),
        (RuntimeError("can't start new thread"), "cannot be started: can't start new thread"),
    ],
)
def test_a_process_that_cannot_be_started_is_said_and_tried_again_after_a_pause(core, failure, words):
    Pool.answers = {"start": failure}
    core.start()
    assert words in core.trouble
    assert Pool.made == 2  # at once, and once more
    for _ in range(3):
        with pytest.raises(Unavailable, match=words):
            core.ask("models", ())
    assert Pool.made == 2  # the pause is not over
    Pool.answers = {"experiments": ["all"], "models": ["m"]}
    core._due = 0
    assert core.ask("models", ()) == ["m"]
    assert (core.trouble, core.loaded) == ("", True)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (MemoryError(), "cannot answer: there is not enough memory"),
        (ImportError("libtorch.so: failed to map segment"), "cannot answer: libtorch.so: failed to map segment"),
        (BrokenProcessPool("gone"), "ended before it had loaded"),
    ],
)
def test_a_process_that_cannot_load_is_said(core, failure, words):
    Pool.answers = {"any": failure}
    core.start()
    wait_for(lambda: Pool.made == 2 and words in core.trouble and core._pool is None, 10, "two failures")
    assert not core.loaded
    with pytest.raises(Unavailable, match=words):
        core.ask("models", ())


def test_a_process_that_loads_for_longer_than_an_answer_may_take_is_left_to_load(core):
    core._timeout_s = 0.01
    Pool.answers = {"any": LATER}
    for _ in range(3):
        with pytest.raises(Unavailable, match="did not answer within"):
            core.ask("models", ())
    assert Pool.made == 1
    for question in [one for one in Pool.unanswered if not one.cancelled()]:
        question.set_result(["all"])
    assert len([one for one in Pool.unanswered if one.cancelled()]) == 3  # nobody waits for these any more
    with pytest.raises(Unavailable, match="did not answer within"):
        core.ask("models", ())  # it has loaded: from now on it must answer in time
    assert Pool.made == 2


def test_a_process_that_never_gets_loaded_is_replaced_in_the_end(core):
    core._timeout_s = 0.01
    Pool.answers = {"any": LATER}
    core.start()
    core._opened -= backend.core.LONGEST_START_S
    with pytest.raises(Unavailable, match="did not answer within"):
        core.ask("models", ())
    assert Pool.made == 2


def test_a_question_that_takes_more_memory_than_there_is_costs_the_process_and_not_the_service(core):
    Pool.answers = {"plan": MemoryError()}
    core.start()
    with pytest.raises(Unavailable, match="there is not enough memory"):
        core.ask("plan", ())
    assert Pool.made == 2
    assert core.ask("models", ()) == 1


def test_a_file_that_cannot_be_read_shows_no_path_and_costs_no_process(core):
    Pool.answers = {"datasets": PermissionError(errno.EACCES, "Permission denied", "/secret/place")}
    core.start()
    with pytest.raises(Unavailable, match=r"cannot answer: Permission denied$"):
        core.ask("datasets", ())
    assert Pool.made == 1


def test_who_asks_at_the_end_is_told_so(core):
    core.start()
    core.stop()
    with pytest.raises(Unavailable, match="the service is ending"):
        core.ask("models", ())


def test_a_process_that_nobody_asks_ends_and_the_next_question_has_another_one(core, monkeypatch):
    monkeypatch.setattr(backend.core, "LOOK_S", 0.01)
    core = Core(timeout_s=5, idle_s=0.05)
    core.start()
    wait_for(lambda: core._resting, 10, "the process rests")
    assert (Pool.made, core.loaded, core.trouble) == (1, True, "")
    core.start()  # as `/ready` does
    assert Pool.made == 1
    assert core.ask("models", ()) == 1
    assert Pool.made == 2
    wait_for(lambda: core._resting, 10, "the process rests")
    core.stop()


def test_a_process_with_a_question_does_not_rest(core, monkeypatch):
    monkeypatch.setattr(backend.core, "LOOK_S", 0.01)
    monkeypatch.setattr(Pool, "answers", {"models": LATER})
    core = Core(timeout_s=0.5, idle_s=0.05)
    with pytest.raises(Unavailable, match="did not answer within"):
        core.ask("models", ())
    assert Pool.made == 2, "replaced since it took too long, and not ended meanwhile"
    core.stop()
