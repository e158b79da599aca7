"""Serve an ASGI application on a port until a signal ends it."""

import argparse
import resource
from collections.abc import Sequence
from typing import Any, Literal

import uvicorn

from mgic.doors.connections import MAX_CONNECTIONS, patient

BACKLOG = 128  # asyncio accepts so many at once before it looks at any of them
OTHER_FILES = 256  # databases, logs, sockets of its own
PING_S = 30  # how often a websocket is asked whether it is there, and how long it may take to say so
SHUTDOWN_S = 3  # that answers in work have at the end


def serve(app: Any, host: str, port: int, websockets: bool = False) -> None:
    """Until a signal ends it.

    Args:
        app: An ASGI application, or one as `module:function` that makes it.
        host: An address of this machine.
        port: On it.
        websockets: Whether these are spoken.
    """
    _room_for_connections()
    ws: Literal["websockets-sansio", "none"] = "websockets-sansio" if websockets else "none"
    uvicorn.run(
        app,
        host=host,
        port=port,
        factory=isinstance(app, str),
        http=patient(),
        ws=ws,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        access_log=False,
        log_config=None,  # what it says goes where the process' own lines go
        log_level="warning",
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_S,
        server_header=False,
    )


def read_place(program: str, port: int, words: Sequence[str] | None = None) -> tuple[str, int]:
    """`--host` and `--port` of a command line; 127.0.0.1 and `port` where it does not say."""
    parser = argparse.ArgumentParser(f"python -m {program}")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--port", default=port, type=int)
    given = parser.parse_args(words)
    return given.host, given.port


def _room_for_connections() -> None:
    """As many descriptors as connections and files may take, where the system lets us have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + BACKLOG + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
