"""HTTP for servers that strangers may knock at: who opens a connection and says nothing does not keep it.

uvicorn closes a connection that is idle between two requests, but waits for ever for the first one, and for
the rest of one that was begun; and where no descriptor is left, asyncio fills the log.
"""

import asyncio
from socket import IPPROTO_TCP, TCP_USER_TIMEOUT
from socket import socket as Socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 20.0  # from its first byte, or from the opening of the connection, to its last
UNREAD_MS = 60_000  # a client that takes nothing of an answer for so long has gone
MAX_CONNECTIONS = 500  # with more than these, who has waited longest without a whole request has to leave


class Patient(H11Protocol):
    """One connection, with a limit to the time a request may take to arrive, and to how many there are."""

    _waiting: dict["Patient", asyncio.TimerHandle]  # of this server, the oldest first; set by `serving`

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        socket: Socket = transport.get_extra_info("socket")
        socket.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, UNREAD_MS)
        self._await_request()
        if len(self.connections) > MAX_CONNECTIONS:
            next(iter(self._waiting))._leave()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_protocol() is not self:  # it speaks websocket now, and has its own pings
            return
        whole = self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        if whole or self.transport.is_closing():
            self._arrived()
        elif self not in self._waiting and self.timeout_keep_alive_task is None:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._arrived()
        super().handle_websocket_upgrade(event)

    def _await_request(self) -> None:
        self._waiting[self] = self.loop.call_later(REQUEST_S, self._leave)

    def _arrived(self) -> None:
        if timer := self._waiting.pop(self, None):
            timer.cancel()

    def _leave(self) -> None:
        self._arrived()
        self.transport.abort()


def patient() -> type[Patient]:
    """The protocol of one server, which counts those who wait there."""
    attributes: dict[str, Any] = {"_waiting": {}}
    return type("PatientProtocol", (Patient,), attributes)
