"""The running service against pages of other sites: raw handshakes, as a browser that was led astray sends them."""

import base64
import socket
from urllib.parse import urlsplit

import pytest


def first_line(url: str, request: str) -> str:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 20) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        return connection.recv(4096).decode().split("\r\n")[0]


def handshake(service, host: str | None = None, more: str = "") -> str:
    own = urlsplit(service.dashboard_url).netloc
    key = base64.b64encode(b"sixteen bytes of").decode()
    return first_line(
        service.dashboard_url,
        f"GET /_stcore/stream HTTP/1.1\nHost: {host or own}\nConnection: Upgrade\nUpgrade: websocket\n"
        f"Sec-WebSocket-Version: 13\nSec-WebSocket-Key: {key}\nSec-WebSocket-Protocol: streamlit\n{more}\n",
    )


def test_the_pages_open_their_socket_to_their_own_page_only(service):
    assert "101" in handshake(service)
    assert "101" in handshake(service, more=f"Origin: {service.dashboard_url}\nSec-Fetch-Site: same-origin\n")
    assert "403" in handshake(service, "evil.example:8501", "Origin: http://evil.example:8501\n")
    assert "403" in handshake(service, "evil.example:8501")
    assert "403" in handshake(service, more="Origin: http://evil.example:8501\n")
    assert "403" in handshake(service, more="Origin: http://localhost:3000\n")


@pytest.mark.parametrize("says", ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site", "Origin: null"])
@pytest.mark.parametrize("body", ["", '{"experiment": "cost"}'])
def test_the_api_takes_nothing_that_changes_from_a_page_of_another_site(service, says, body):
    host = urlsplit(service.url).netloc
    kind = f"Content-Type: application/json\nContent-Length: {len(body)}\n"
    before = [sweep.id for sweep in service.client.sweeps(limit=1).items]
    for path in ("sweeps", "sweeps/00000000-0000-4000-8000-000000000000/cancel"):
        told = first_line(service.url, f"POST /api/v1/{path} HTTP/1.1\nHost: {host}\n{says}\n{kind}\n{body}")
        assert told.startswith("HTTP/1.1 403")
    assert [sweep.id for sweep in service.client.sweeps(limit=1).items] == before
