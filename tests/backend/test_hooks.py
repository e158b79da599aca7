"""Who watches is told that a sweep has ended: signed, again until it was taken, and never inside of a network."""

import hashlib
import hmac
import json
import shlex
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from backend.herald import MOST_ATTEMPTS, Herald, hooks_of
from backend.hooks import Notice, NotTold, execute, is_public, post
from backend.settings import Settings
from mgic.records import SweepRequest
from tests.backend.store_points import add, fail, succeeded, taken
from tests.conftest import wait_for

SECRET = "a secret of the receiver"
# What is asked of the store is asked of both in one test; the rest lies beyond it.
of_one_store = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
NOTICE = Notice("sweep.ended", "an-id", 1, b'{"x": 1}')


@contextmanager
def receiver(*codes: int):
    """Answers with these, then with 204; what it has got, as (headers, body)."""
    left, got = list(codes), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(left.pop(0) if left else 204)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/hook?a=b", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_is_sent_is_signed_with_its_time():
    with receiver() as (url, got):
        post(url, SECRET, NOTICE, private=True)
    ((headers, body),) = got
    assert body == NOTICE.body
    assert headers["Host"] == url.split("/")[2]
    signed = f"{headers['X-MGIC-Timestamp']}.".encode() + body
    assert headers["X-MGIC-Signature"] == "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert (headers["X-MGIC-Event"], headers["X-MGIC-Delivery"]) == ("sweep.ended", "an-id-1")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "2002:7f00:1::1", "::", "::7f00:1", "64:ff9b::a00:1"],
)  # fmt: skip
def test_addresses_of_this_machine_and_of_private_networks_are_not_public(address):
    assert not is_public(address)


def test_nothing_is_sent_to_a_private_address_unless_that_is_allowed():
    assert is_public("1.1.1.1")
    assert is_public("2606:4700::1111")
    with receiver() as (url, got):
        for name in ("localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "127.1", "0x7f.1"):
            with pytest.raises(NotTold, match="of a private network: MGIC_WEBHOOK_PRIVATE=true allows"):
                post(url.replace("localhost", name), SECRET, NOTICE, private=False)
    assert got == []


def test_what_is_no_success_was_not_told():
    with receiver(302, 500) as (url, got):
        for code in (302, 500):
            with pytest.raises(NotTold, match=f"localhost answered {code}"):
                post(url, SECRET, NOTICE, private=True)
    assert len(got) == 2, "a redirect is not followed"
    with pytest.raises(NotTold, match="localhost: "):
        post("http://localhost:9/", SECRET, NOTICE, private=True)
    with pytest.raises(NotTold, match=r"no-such-host\.invalid"):
        post("https://no-such-host.invalid/", SECRET, NOTICE, private=True)


def test_a_receiver_that_answers_without_end_is_not_read():
    """One of another kind than `receiver`: it has answered with success, and goes on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://localhost:{server.getsockname()[1]}/"
        sent = []

        def answer() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(2**16)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(1000):
                    connection.sendall(b"10000\r\n" + b"x" * 2**16 + b"\r\n")
                    sent.append(2**16)

        endless = threading.Thread(target=answer)
        endless.start()
        post(url, SECRET, NOTICE, private=True)
        endless.join(30)
    assert not endless.is_alive()
    assert sum(sent) < 2**24


def command(script: str) -> str:
    return shlex.join([sys.executable, "-c", script])


def test_a_command_gets_it_on_its_input_and_none_of_our_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("MGIC_DATABASE_URL", "postgresql://u:password@h/d")
    place = tmp_path / "got"
    script = f"import os, sys, json; json.dump([dict(os.environ), sys.stdin.read()], open({str(place)!r}, 'w'))"
    execute(command(script), NOTICE)
    environment, body = json.loads(place.read_text())
    assert (body, environment["MGIC_EVENT"], environment["MGIC_SWEEP"]) == ('{"x": 1}', "sweep.ended", "an-id")
    assert "MGIC_DATABASE_URL" not in environment
    with pytest.raises(NotTold, match="ended with 3: no room"):
        execute(command("import sys; print('no room', file=sys.stderr); sys.exit(3)"), NOTICE)
    with pytest.raises(NotTold, match="No such file"):
        execute("/no/such/command", NOTICE)


class Listener:
    """A hook that fails so often, and then keeps what it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.got: list[Notice] = []

    def __call__(self, notice: Notice) -> None:
        if self.failures:
            self.failures -= 1
            raise NotTold("not now")
        self.got.append(notice)


def herald(store, *listeners: Listener) -> Herald:
    return Herald(store, {str(number): one for number, one in enumerate(listeners)}, 60, first_pause_s=0)


def test_a_sweep_is_announced_once_when_all_of_it_has_ended(store):
    told = Listener()
    mine = herald(store, told)
    first, _ = add(store, 2)
    for expected in (0, 0):
        assert mine.announce() == expected
        claim = taken(store)
        store.finish(claim.run_id, claim.fence, succeeded())
    assert herald(store, told).announce() == 1, "also by who comes after a crash"
    assert mine.announce() == 0
    (notice,) = told.got
    said = json.loads(notice.body)
    assert (said["event"], said["sweep"]["counts"]) == ("sweep.ended", {"succeeded": 2})
    assert said["sweep"]["id"] == notice.subject == str(store.run(first).sweep_id)


def test_what_is_retried_is_announced_again(store):
    told = Listener()
    mine = herald(store, told)
    (run_id,) = add(store)
    fail(store, taken(store))
    mine.announce()
    store.retry(run_id)
    assert mine.announce() == 0
    claim = taken(store)
    store.finish(claim.run_id, claim.fence, succeeded())
    mine.announce()
    assert [json.loads(notice.body)["sweep"]["counts"] for notice in told.got] == [{"failed": 1}, {"succeeded": 1}]


@of_one_store
def test_who_could_not_be_told_is_told_later_and_others_not_twice(store):
    away, there = Listener(failures=2), Listener()
    mine = herald(store, away, there)
    store.cancel_run(add(store)[0])
    mine.announce()
    assert [notice.attempt for notice in away.got] == [3]
    assert [notice.attempt for notice in there.got] == [1]


@of_one_store
def test_after_many_attempts_it_is_given_up(store, caplog):
    away = Listener(failures=MOST_ATTEMPTS)
    mine = herald(store, away)
    store.cancel_run(add(store)[0])
    mine.announce()
    assert (away.failures, away.got, mine.announce()) == (0, [], 0)
    assert "is not tried again" in caplog.text


@of_one_store
def test_a_deleted_sweep_is_not_announced_and_nobody_is_no_trouble(store):
    (run_id,) = add(store)
    store.cancel_run(run_id)
    store.delete_sweep(store.run(run_id).sweep_id)
    assert herald(store, told := Listener()).announce() == 0
    assert told.got == []
    store.cancel_run(add(store)[0])
    assert herald(store).announce() == 1


def test_the_settings_say_who_is_told(tmp_path):
    assert hooks_of(Settings()) == {}
    with receiver() as (url, got):
        told = hooks_of(Settings(webhook_urls=f"{url}, ", webhook_secret=SECRET, webhook_private=True))
        ((name, tell),) = told.items()
        tell(NOTICE)
    assert len(got) == 1
    assert name == "webhook 1 (localhost)", "what is logged has nothing of a secret in a path"
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    assert Settings(webhook_urls=url, webhook_secret_file=tmp_path / "secret").webhook_key == SECRET
    for values, words in (
        ({"webhook_urls": url}, "needs 16 characters"),
        ({"webhook_urls": "lab.example.org", "webhook_secret": SECRET}, "https://host/path is wanted"),
        ({"webhook_urls": "https://lab.example.org:99999/", "webhook_secret": SECRET}, "https://host/path is wanted"),
        ({"sweep_command": "a 'b"}, "No closing quotation"),
    ):
        with pytest.raises(ValidationError, match=words):
            Settings(**values)


def test_a_sweep_is_waited_for_and_watched_to_its_end(api):
    sweep = api.client.submit(SweepRequest(experiment="cost", axes={"model": ["mgic_resnet20"], "group_size": [4, 8]}))
    events, waited = [], []

    def watch() -> None:
        with api.http.stream("GET", f"/sweeps/{sweep.id}/events") as answer:
            for line in answer.iter_lines():
                if line.startswith("event:"):
                    events.append(line.split()[1])

    watcher = threading.Thread(target=watch)
    waiter = threading.Thread(target=lambda: waited.append(api.http.get(f"/sweeps/{sweep.id}?wait=30").json()))
    for thread in (watcher, waiter):
        thread.start()
    wait_for(lambda: events, 20, "the first event")
    api.client.cancel_sweep(sweep.id)
    for thread in (watcher, waiter):
        thread.join(60)
    assert events == ["sweep", "ended"]
    assert waited[0]["counts"] == {"cancelled": 2}
    assert api.http.get(f"/sweeps/{sweep.id}?wait=30").json()["finished"]
    assert api.http.get("/sweeps/00000000-0000-0000-0000-000000000000/events").status_code == 404
    assert api.http.get(f"/sweeps/{sweep.id}?wait=31").status_code == 422
