"""What reaches Streamlit, and what every answer of the pages says to browsers."""

import asyncio

import pytest

from dashboard.guard import MOST_STRANGERS, Guard
from mgic.doors.callers import read_hosts

HERE = {"host": "127.0.0.1:8501"}


def answered(scope: dict, **headers: str) -> list[dict]:
    """The messages for a request to pages that would say "in" to anybody."""
    sent: list[dict] = []

    async def inside(scope, receive, send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(Guard(inside, read_hosts("lab"))(scope | {"headers": raw}, receive, send))
    return sent


def http(method: str = "GET", path: str = "/", **headers: str) -> tuple[int, dict[str, str]]:
    start, *_ = answered({"type": "http", "method": method, "path": path}, **headers)
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8501", "origin": "http://evil.example:8501"},
        HERE | {"origin": "http://evil.example"},
        HERE | {"origin": "http://127.0.0.1:8501", "sec_fetch_site": "cross-site"},
        {},
    ],
)
def test_a_socket_of_another_name_or_page_is_not_opened(headers):
    (closed,) = answered({"type": "websocket", "path": "/_stcore/stream"}, **headers)
    assert closed["type"] == "websocket.close"


@pytest.mark.parametrize("headers", [HERE, HERE | {"origin": "http://127.0.0.1:8501"}, {"host": "lab"}])
def test_a_socket_of_our_own_page_is_opened(headers):
    assert answered({"type": "websocket", "path": "/_stcore/stream"}, **headers) == [{"type": "websocket.accept"}]


def test_a_page_is_shown_to_who_follows_a_link_and_changed_only_from_itself():
    elsewhere = HERE | {"origin": "http://evil.example", "sec_fetch_site": "cross-site"}
    assert http(**elsewhere)[0] == 200
    assert http("PUT", **elsewhere)[0] == 403
    assert http("PUT", **HERE)[0] == 200
    assert http(host="evil.example")[0] == 403
    for path in ("metrics", "upload_file/session/file", "agent/interact"):
        assert http("PUT", path=f"/lab/_stcore/{path}", **HERE)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example"])
def test_no_page_may_be_framed(host):
    _, headers = http(host=host)
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"


def test_strangers_open_so_many_sockets_and_who_has_signed_in_has_room():
    waiting, sent = asyncio.Event(), []

    async def inside(_scope, _receive, send) -> None:
        await send({"type": "websocket.accept"})
        await waiting.wait()

    async def send(message) -> None:
        sent.append(message["type"])

    async def knock() -> None:
        guard = Guard(inside, read_hosts("lab"), is_known=lambda headers: "cookie" in headers)
        for more in [[]] * (MOST_STRANGERS + 1) + [[(b"cookie", b"x=y")]]:
            asked = {"type": "websocket", "path": "/_stcore/stream", "headers": [(b"host", b"lab"), *more]}
            tasks.append(asyncio.create_task(guard(asked, None, send)))
            await asyncio.sleep(0)
        waiting.set()
        await asyncio.gather(*tasks)
        assert guard._strangers == 0

    tasks: list[asyncio.Task] = []
    asyncio.run(knock())
    assert sent == ["websocket.accept"] * MOST_STRANGERS + ["websocket.close", "websocket.accept"]


def test_a_stranger_is_led_to_the_entrance_and_only_of_what_has_one():
    async def inside(_scope, _receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def asked(path: str, **headers: str) -> list[dict]:
        sent: list[dict] = []

        async def send(message) -> None:
            sent.append(message)

        guard = Guard(
            inside,
            read_hosts("lab"),
            is_known=lambda headers: "cookie" in headers,
            entrance=lambda scope: "/in" if scope["path"] == "/page" else None,
        )
        raw = [(name.encode(), value.encode()) for name, value in {"host": "lab", **headers}.items()]
        asyncio.run(guard({"type": "http", "method": "GET", "path": path, "headers": raw}, None, send))
        return sent

    led = asked("/page")[0]
    assert (led["status"], dict(led["headers"])[b"location"]) == (303, b"/in")
    assert [asked("/page", cookie="x=y")[0]["status"], asked("/other")[0]["status"]] == [200, 200]
