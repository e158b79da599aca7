"""Clients that are slow, silent or many, and a queue that is long: the others are served all the while."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from backend.store import Store
from tests.backend.api_alone import PREFIX, Api, running_api
from tests.backend.store_points import add, check_all, new_sweep, succeeded, taken
from tests.cases import thorough
from tests.conftest import new_database, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.thorough]
LISTENERS = 200
QUEUED = 5_000
ESTABLISHED = "01"  # include/net/tcp_states.h
WIDE = "x" * 20_000  # in a row, so that many make more than a socket holds


class Alone(NamedTuple):
    """An API, and the store that it serves."""

    api: Api
    store: Store


@pytest.fixture(scope="module", params=["sqlite", *thorough("postgres")])
def alone(request, tmp_path_factory) -> Iterator[Alone]:
    folder: Path = tmp_path_factory.mktemp("alone")
    url = f"sqlite:///{folder / 'mgic.db'}"
    if request.param == "postgres":
        url = new_database(request.getfixturevalue("_postgres"))
    with running_api(folder, url) as api:
        store = Store.open(url)
        yield Alone(api, store)
        check_all(store)
        store.close()
    assert "Traceback" not in api.log()


def opened(api: Api, request: str, body: bytes = b"") -> socket.socket:
    """A connection on which this was sent; it takes little of what comes back."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", api.port))
    connection.sendall(f"{request} HTTP/1.1\r\nHost: localhost\r\n".encode() + body)
    return connection


def resident(api: Api) -> int:
    """Bytes of the API's own process."""
    lines = Path(f"/proc/{api.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def connections(api: Api) -> int:
    """Clients that the API is connected with."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{api.port:04X}") and row[3] == ESTABLISHED for row in rows)


def test_a_body_that_comes_drop_by_drop_is_refused_in_our_shape_and_left(alone):
    head = b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    with closing(opened(alone.api, f"POST {PREFIX}/sweeps", head)) as connection:
        connection.settimeout(0.5)
        answer = b""
        deadline = time.monotonic() + 60
        while b"}" not in answer and time.monotonic() < deadline:
            assert alone.api.http.get("/health").status_code == 200
            connection.sendall(b" ")
            try:
                answer += connection.recv(4096)
            except TimeoutError:
                continue
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["type"] == "/problems/timeout"


def test_a_file_that_nobody_reads_is_given_up_and_takes_no_memory(alone):
    runs = add(alone.store, [{"x": x} for x in range(1500)])
    for _ in runs:
        claim = taken(alone.store)
        assert alone.store.finish(claim.run_id, claim.fence, succeeded(y=1, words=WIDE))
    api = alone.api
    assert len(api.http.get("/results", params={"experiment": "cost", "format": "csv"}).content) > 1500 * len(WIDE)
    before, memory = connections(api), resident(api)
    with closing(opened(api, f"GET {PREFIX}/results?experiment=cost&format=csv", b"\r\n")) as connection:
        assert connection.recv(16).startswith(b"HTTP/1.1 200")
        assert connections(api) > before
        for _ in range(20):
            assert api.http.get("/runs", params={"limit": 1}).status_code == 200
        assert resident(api) - memory < 50 * 2**20
        wait_for(lambda: connections(api) <= before, 90, "the end of a connection whose client takes nothing")


def test_200_listeners_who_say_nothing_take_little_and_keep_nobody_waiting(alone):
    (run_id,) = add(alone.store)
    api = alone.api
    before, memory = connections(api), resident(api)
    with ExitStack() as stack:
        for _ in range(LISTENERS):
            stack.enter_context(closing(opened(api, f"GET {PREFIX}/runs/{run_id}/events", b"\r\n")))
        wait_for(lambda: connections(api) >= before + LISTENERS, 30, "all of them")
        for _ in range(20):
            assert api.http.get("/runs", params={"limit": 50}).status_code == 200
        assert resident(api) - memory < 50 * 2**20
        alone.store.cancel_run(run_id)  # which ends every stream
        wait_for(lambda: connections(api) <= before, 60, "the end of the streams")


def test_5000_queued_runs_are_listed_page_by_page_claimed_in_order_and_cancelled_at_once(alone):
    api, store = alone
    first = new_sweep([{"x": x, "first": True} for x in range(3000)], priority=5)
    second = new_sweep([{"x": x} for x in range(2000)], priority=4)
    ids = [store.add_sweep(sweep).id for sweep in (first, second)]
    listed, cursor = [], None
    while True:
        page = api.http.get(
            "/runs", params={"limit": 500, "status": "queued", **({"cursor": cursor} if cursor else {})}
        )
        listed += page.json()["items"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    mine = [run for run in listed if run["sweep_id"] in map(str, ids)]
    assert len({run["id"] for run in mine}) == len(mine) == QUEUED
    assert api.http.get("/runs/count", params={"status": "queued"}).json()["total"] == len(listed)
    claims = [taken(store) for _ in range(60)]
    assert [claim.config.get("first") for claim in claims] == [None] * 60, "the higher priority comes first"
    assert [claim.config["x"] for claim in claims] == list(range(60)), "and then the older"
    for sweep_id in ids:
        assert api.http.post(f"/sweeps/{sweep_id}/cancel").status_code == 200
    assert store.queued().get("cpu", 0) == len(listed) - QUEUED
    for claim in claims:
        assert store.heartbeat(claim.run_id, claim.fence, 0.5) == "cancel"
        store.release(claim.run_id, claim.fence, None)
