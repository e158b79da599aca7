"""What a request must be before Streamlit sees it: for a name of ours, and from our own page if it may change anything.

Streamlit's own list of hosts is off by default, and it takes any origin that is on this machine.
"""

from collections.abc import Callable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mgic.doors.callers import is_foreign, knows_host

READING = ("GET", "HEAD", "OPTIONS")
# Of Streamlit, which asks nobody to sign in: names and sizes of caches, files into its memory, which no page takes, and
# a way in for programs, for which the API is there.
NOBODYS = ("/_stcore/metrics", "/_stcore/upload_file", "/_stcore/agent")
MOST_STRANGERS = 100  # sockets of browsers that have not signed in: the others find room
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """Middleware around all of Streamlit.

    Args:
        app: What it guards.
        hosts: The names these pages answer to, from `read_hosts`.
        is_known: Whether who sends these headers has signed in, or sits at this machine.
        entrance: The place to which others are sent who ask for this; None: they may have it.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str],
        is_known: Callable[[Headers], bool] = lambda _headers: True,
        entrance: Callable[[Scope], str | None] = lambda _scope: None,
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._is_known = is_known
        self._entrance = entrance
        self._strangers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)  # a page that has a stricter policy keeps that
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None and not self._is_known(Headers(scope=scope)):
            await self._let_look(scope, receive, send_safe)
        elif refusal is None:
            await self._app(scope, receive, send_safe)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal})  # before it is accepted: 403
        else:
            await PlainTextResponse(f"{refusal}\n", 403)(scope, receive, send_safe)

    async def _let_look(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A stranger may see how to sign in, through a socket one of so many at a time."""
        if scope["type"] == "http":
            there = self._entrance(scope)
            await (self._app if there is None else RedirectResponse(there, 303))(scope, receive, send)
            return
        if self._strangers >= MOST_STRANGERS:
            await send({"type": "websocket.close", "code": 1013, "reason": "too many who have not signed in"})
            return
        self._strangers += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._strangers -= 1

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        if not knows_host(headers.get("host", ""), self._hosts):
            return "these pages do not answer to that Host; MGIC_ALLOWED_HOSTS lists those they do"
        if any(path in scope["path"] for path in NOBODYS):
            return "these pages have no such place"
        reads = scope["type"] == "http" and scope["method"] in READING
        if not reads and is_foreign(headers, self._hosts):
            return "a page of another site may not do this"
        return None
