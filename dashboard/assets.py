"""Streamlit's own JavaScript, quickly: from memory, and that of plots with the page itself; and how wide a window is.

Streamlit reads each file anew, in pieces that go through a thread each, and the browser asks for the 5 MB of Plotly
only when a page's script has come as far as its first plot. What a page's script does not learn of the window a cookie
tells it, which is set before Streamlit's own code begins.
"""

import mimetypes
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util

AHEAD = "PlotlyChart"
WIDTH_COOKIE = "width"  # of the window, pixels
TELLING = f'<script>document.cookie = "{WIDTH_COOKIE}=" + innerWidth + "; path=/; samesite=strict"</script>'.encode()
IMPORTED = re.compile(r'(?:from|import)\s*"\./([^"]+\.js)"')
HEAD = 8192  # characters of a module in which all that it imports stands
FOR_GOOD = {"Cache-Control": "public, immutable, max-age=31536000"}  # the names have hashes of what is in them


class Assets:
    """Middleware: answers for files whose names have a hash; a page's answer links to what its plots need.

    Args:
        app: What it stands before.
        root: In front of all paths.
    """

    def __init__(self, app: ASGIApp, root: str = "") -> None:
        self._app = app
        folder = _folder()
        self._files = {f"{root}/{path.relative_to(folder)}": path for path in (folder / "static").rglob("*.*")}
        self._kept: dict[str, bytes] = {}
        self._links = ", ".join(f"<./static/js/{name}>; rel=modulepreload" for name in modules(AHEAD))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
        elif scope["path"] in self._files:
            await self._answer(scope["path"])(scope, receive, send)
        else:
            await self._app(_plain(scope), receive, self._led(send))

    def _answer(self, path: str) -> Response:
        if path not in self._kept:
            self._kept[path] = self._files[path].read_bytes()
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        return Response(self._kept[path], media_type=kind, headers=FOR_GOOD)

    def _led(self, send: Send) -> Send:
        """A page has links to its code in its head, and a last line that tells the window's width."""
        page = False

        async def send_led(message: Message) -> None:
            nonlocal page
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                page = message["status"] == 200 and headers.get("content-type", "").startswith("text/html")
                if page:
                    headers["Link"] = self._links
                if page and "content-length" in headers:
                    headers["content-length"] = str(int(headers["content-length"]) + len(TELLING))
            elif page and message["type"] == "http.response.body" and not message.get("more_body", False):
                message = {**message, "body": message.get("body", b"") + TELLING}
            await send(message)

        return send_led


def _plain(scope: Scope) -> Scope:
    """The same request, whose answer is not to be compressed where it is a page."""
    asks = dict(scope["headers"]).get(b"accept", b"").startswith(b"text/html")
    headers = [(name, value) for name, value in scope["headers"] if not asks or name != b"accept-encoding"]
    return {**scope, "headers": headers}


@cache
def modules(element: str) -> Sequence[str]:
    """The module of an element and what it imports, less what every page loads anyway."""
    page = (_folder() / "index.html").read_text()
    found: list[str] = []
    left = [path.name for path in (_folder() / "static" / "js").glob(f"{element}.*.js")]
    while left:
        name = left.pop()
        if name not in page and name not in found:
            found.append(name)
            with (_folder() / "static" / "js" / name).open() as file:
                left += IMPORTED.findall(file.read(HEAD))
    return found


def _folder() -> Path:
    return Path(file_util.get_static_dir())
