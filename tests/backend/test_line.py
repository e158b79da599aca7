"""Who waits in a line, and who is sent away."""

import threading

import pytest

from backend.line import Line
from mgic.errors import Unavailable
from tests.conftest import wait_for


def test_one_at_a_time_has_its_turn_and_who_finds_the_line_full_is_told_at_once():
    line, inside, go = Line("mill", 3, 30), [], threading.Event()

    def customer() -> None:
        with line.turn():
            inside.append(None)
            go.wait(20)

    customers = [threading.Thread(target=customer) for _ in range(3)]
    for thread in customers:
        thread.start()
    wait_for(lambda: line._places._value == 0, 10, "a full line")
    assert len(inside) == 1
    with pytest.raises(Unavailable, match="the mill is busy: 3 requests wait for it already"), line.turn():
        pass
    go.set()
    for thread in customers:
        thread.join(20)
    assert len(inside) == 3
    with line.turn():
        assert len(inside) == 3


def test_who_waits_for_a_client_that_has_left_makes_room():
    line = Line("mill", 2, 30)
    with line.turn():
        with pytest.raises(Unavailable, match="the client left"), line.turn(lambda: True):
            pass
        assert line._places._value == 1


def test_who_waits_too_long_gives_up():
    line = Line("mill", 2, 0)
    with line.turn(), pytest.raises(Unavailable, match=r"the mill is busy$"), line.turn():
        pass
