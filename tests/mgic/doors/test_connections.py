"""A server that waits for nobody for ever: real connections to a small application."""

import asyncio
import socket
import threading
import time
from contextlib import closing, contextmanager

import pytest
import uvicorn
from websockets.sync.client import connect

from mgic.doors import connections
from mgic.doors.connections import patient
from tests.conftest import free_port, wait_for

left = threading.Event()  # the client of an endless answer is known to have gone


async def poll(receive) -> str | None:
    """The type of a message that is there already."""
    try:
        return (await asyncio.wait_for(receive(), 0.01))["type"]
    except TimeoutError:
        return None


async def application(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": "still here"})
        return
    while (await receive()).get("more_body", False):
        pass
    if scope["path"] == "/endless":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await poll(receive)) != "http.disconnect":
            await send({"type": "http.response.body", "body": bytes(10**6), "more_body": True})
        left.set()
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def served():
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(application, port=port, http=patient(), ws="websockets-sansio", log_level="error")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started, 10, "the server")
        yield port
    finally:
        server.should_exit = True
        thread.join(10)


def knock(port: int, first: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 20)
    connection.sendall(first)
    return connection


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: a",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHo",
    ],
    ids=["nothing", "half-a-head", "half-a-body", "half-a-second-one"],
)
def test_who_sends_no_whole_request_is_left(first, monkeypatch):
    monkeypatch.setattr(connections, "REQUEST_S", 0.2)
    with served() as port, closing(knock(port, first)) as connection:
        with connection.makefile("rb") as told:
            answers = told.read()  # until the server leaves
        assert answers.count(b"200 OK") == first.count(b"\r\n\r\n") - first.count(b"POST")


def test_of_too_many_the_one_that_has_waited_longest_leaves_and_who_asks_is_answered(monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    with served() as port:
        silent = [knock(port) for _ in range(6)]
        for connection in silent[:3]:
            assert connection.recv(1) == b""
        with closing(knock(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")) as asking:
            assert asking.recv(100).startswith(b"HTTP/1.1 200 OK")
            assert silent[3].recv(1) == b""
        for connection in silent[4:]:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
        for connection in silent:
            connection.close()


@pytest.mark.fault
def test_who_reads_nothing_of_an_answer_is_left(monkeypatch):
    monkeypatch.setattr(connections, "UNREAD_MS", 300)
    left.clear()
    with served() as port, closing(knock(port, b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")):
        assert left.wait(30)


def test_a_websocket_stays_open_after_its_handshake(monkeypatch):
    monkeypatch.setattr(connections, "REQUEST_S", 0.2)
    with served() as port, connect(f"ws://127.0.0.1:{port}/") as socket_:
        time.sleep(0.5)  # past the limit of a request
        socket_.send("hello")
        assert socket_.recv(10) == "still here"
