"""Gives each request an id, which its log lines and its answer have, and takes the time that it took.

The outermost part of the application, so that what the guard refuses is seen too.
"""

import logging
import time
from collections.abc import Callable
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.doorkeeper import READING
from backend.logs import of_request

log = logging.getLogger(__name__)
NO_ROUTE = "none"  # that the path led to
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Observed:
    """Middleware around all others.

    Args:
        app: What is watched.
        answered: Told of each answer: method, route, status, and seconds to its first byte.
    """

    def __init__(self, app: ASGIApp, answered: Callable[[str, str, int, float], None]) -> None:
        self._app = app
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name, start = str(uuid4()), time.perf_counter()

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = name
                self._tell(scope, message["status"], time.perf_counter() - start)
            await send(message)

        with of_request(name):
            await self._app(scope, receive, send_on)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", None) or NO_ROUTE
        self._answered(method, route, status, seconds)
        if method not in READING:
            caller = scope.get("state", {}).get("caller")
            by = {"by": caller.name} if caller and caller.name else {}
            log.info(
                "%s %a %d in %.0f ms",  # %a: nobody's words may look like a line of ours
                *(method, scope["path"][:500], status, 1000 * seconds),
                extra={"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1), **by},
            )
