"""Clients that read little or nothing, and what they cost the API."""

import socket
from pathlib import Path

from tests.backend.api_alone import Api

ESTABLISHED = "01"  # include/net/tcp_states.h


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
