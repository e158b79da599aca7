"""What a request must be before any endpoint sees it: for a known host, from no page of another site if it
changes something, of somebody who is let in, here within a while, small, and JSON that means one thing.

Pure ASGI, so that answers may stream.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.doorkeeper import READING, Doorkeeper, Refused
from backend.errors import problem
from mgic.doors.callers import is_foreign, knows_host, path_within

log = logging.getLogger(__name__)
MAX_DEPTH = 20
MAX_HEADER_BYTES = 2**15
NO_LARGER: Mapping[str, int] = MappingProxyType({})
BODY_S = 10.0  # that a body may take to arrive
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """Middleware around the whole application.

    Args:
        app: What it guards.
        doorkeeper: Who lets callers in, and writes down what they change.
        hosts: The names this server answers to, from `read_hosts`.
        max_body: Largest body, bytes.
        larger: Paths that take a larger one, with its size.
        root: What a proxy has put in front of all paths; a request may have it or not.
    """

    def __init__(
        self,
        app: ASGIApp,
        doorkeeper: Doorkeeper,
        hosts: Sequence[str],
        max_body: int,
        larger: Mapping[str, int] = NO_LARGER,
        root: str = "",
    ) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._hosts = frozenset(hosts)
        self._max_body = max_body
        self._larger = larger
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        scope["root_path"] = self._root

        async def send_safe(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                if not started and scope["method"] not in READING:
                    await self._doorkeeper.note(scope, message["status"])
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            given = self._expected(scope)
            await self._doorkeeper.admit(scope, given)
            with self._doorkeeper.at_work(scope):
                await self._app(scope, await self._checked(scope, given, receive), send_safe)
        except Refused as refused:
            status, kind, title, detail = refused.args
            await problem(status, kind, title, detail, retry_s=refused.retry_s)(scope, receive, send_safe)
        except Exception:  # the outermost boundary: log it whole, show nothing of it
            log.exception("%s %a failed", scope["method"], scope["path"][:500])  # %a: as in `backend.errors`
            if not started:
                words = "the server met an error it did not expect"
                await problem(500, "internal", "Internal error", words)(scope, receive, send_safe)

    def _expected(self, scope: Scope) -> Headers:
        """Of a request for us, and not from a page of others. Raises `Refused`."""
        headers = Headers(scope=scope)
        if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADER_BYTES:
            words = f"headers have at most {MAX_HEADER_BYTES} bytes together"
            raise Refused(431, "too-large", "Request is too large", words)
        if not knows_host(headers.get("host", ""), self._hosts):
            raise Refused(400, "bad-host", "Bad request", "this server does not answer to that Host")
        if scope["method"] not in READING and is_foreign(headers, self._hosts):
            words = "a page of another site may not do this; MGIC_ALLOWED_HOSTS names the sites that may"
            raise Refused(403, "foreign-origin", "Not from another site", words)
        return headers

    async def _checked(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """Raises `Refused`, or gives back the body, read and found good."""
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            return receive
        try:
            body = await asyncio.wait_for(
                self._body(headers, receive, self._larger.get(path_within(scope), self._max_body)), BODY_S
            )
        except TimeoutError as error:
            words = f"the body was not here within {BODY_S:g} s"
            raise Refused(408, "timeout", "Request took too long", words) from error
        if body:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise Refused(415, "unsupported-media-type", "Unsupported media type", "send application/json")
            await asyncio.to_thread(_check_json, body) if len(body) > self._max_body else _check_json(body)
        done = False

        async def replay() -> Message:
            nonlocal done
            if done:
                return await receive()  # the client's going away
            done = True
            return {"type": "http.request", "body": body, "more_body": False}

        return replay

    async def _body(self, headers: Headers, receive: Receive, most: int) -> bytes:
        large = Refused(413, "too-large", "Request is too large", f"a body has at most {most} bytes")
        length = headers.get("content-length", "0")
        if length.isascii() and length.isdecimal() and int(length[:20]) > most:
            raise large
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "bad-request", "Bad request", "the client left before the body's end")
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise large
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


def _check_json(body: bytes) -> None:
    """Well-formed, UTF-8, no key twice in an object, at most `MAX_DEPTH` deep. NaN is left to the fields."""
    try:
        parsed = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
        deep = _depth(parsed) > MAX_DEPTH
    except (ValueError, RecursionError) as error:
        words = str(error) if isinstance(error, _Twice) else "the body is not well-formed JSON in UTF-8"
        raise Refused(400, "malformed-json", "Malformed JSON", words) from error
    if deep:
        raise Refused(400, "malformed-json", "Malformed JSON", f"more than {MAX_DEPTH} levels deep")


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice("an object has the same key twice")
    return found


def _depth(value: Any) -> int:
    level, layer = 0, [value]
    while layer:
        level += 1
        layer = [
            child
            for item in layer
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return level
