"""Who waits in a line, and who is sent away."""

import threading
from contextlib import ExitStack

import pytest

from backend.line import Line, asking
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
    wait_for(lambda: line._standing.total() == 3, 10, "a full line")
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
        assert line._standing.total() == 1


def test_who_waits_too_long_gives_up():
    line = Line("mill", 2, 0)
    with line.turn(), pytest.raises(Unavailable, match=r"the mill is busy$"), line.turn():
        pass


def test_one_caller_has_a_quarter_of_a_line_and_the_others_get_in():
    line = Line("mill", 8, 30)
    with ExitStack() as hers:
        with asking("ada"):
            for _ in range(2):
                hers.enter_context(line.place())
            with pytest.raises(Unavailable, match="2 requests with this key wait for it already"), line.place():
                pass
        with asking("bob"), line.turn():
            assert line._standing == {"ada": 2, "bob": 1}
        with ExitStack() as nobodys:
            for _ in range(6):
                nobodys.enter_context(line.place())
            with asking("bob"), pytest.raises(Unavailable, match="8 requests wait"), line.place():
                pass
    assert not line._standing


def test_who_has_kept_others_waiting_for_long_gives_way_for_a_while():
    now = [0.0]
    line = Line("mill", 8, 30, lambda: now[0])

    def grind(who: str, seconds: float) -> None:
        with asking(who), line.turn():
            now[0] += seconds

    grind("ada", 100)
    grind("ada", 100)  # nobody waited
    with asking("bob"), line.place():
        grind("ada", 61)
        with pytest.raises(Unavailable, match="kept for others: requests with this key have taken long"):
            grind("ada", 1)
        grind("", 1)
        now[0] += 10
        grind("ada", 1)
