"""Telling others that a sweep has ended: a signed POST to an address, or a command of the operator's.

A receiver checks `X-MGIC-Signature`, `sha256=` and the HMAC-SHA256 of `X-MGIC-Timestamp`, a dot and the body, with the
secret that both know; it refuses what is older than some minutes, so that nothing is played to it again.
"""

import hashlib
import hmac
import ipaddress
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx2 as httpx

from mgic import __version__
from mgic.errors import MgicError

POST_S = 10.0  # that a receiver may take
COMMAND_S = 60.0
# Their last 32 bits are the address that is reached: of RFC 6052, which translates, and of RFC 4291, 2.5.5.1.
ENDING_IN_IPV4 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TZ")  # of ours, which has passwords in it


class NotTold(MgicError):
    """The receiver was not reached, did not take it, or may not be asked."""


@dataclass(frozen=True)
class Notice:
    """What is told.

    Args:
        event: What has happened, `sweep.ended`.
        subject: The id of what it happened to.
        attempt: 1 the first time; the same notice may arrive more than once.
        body: JSON.
    """

    event: str
    subject: str
    attempt: int
    body: bytes


def signature(secret: str, timestamp: str, body: bytes) -> str:
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def post(url: str, secret: str, notice: Notice, private: bool) -> None:
    """Send it; redirects are not followed.

    Args:
        url: http or https.
        secret: Signs it.
        notice: What.
        private: Whether the address may be one of this machine or of a private network.

    Raises:
        NotTold: It was not taken.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    address = _address(host, port, private)
    now = str(int(time.time()))
    headers = {
        "Host": parts.netloc.rpartition("@")[2],
        "Content-Type": "application/json",
        "User-Agent": f"mgic/{__version__}",
        "X-MGIC-Event": notice.event,
        "X-MGIC-Delivery": f"{notice.subject}-{notice.attempt}",
        "X-MGIC-Timestamp": now,
        "X-MGIC-Signature": signature(secret, now, notice.body),
    }
    # To the very address that was looked at: a name may lead elsewhere the next time it is asked for.
    pinned = urlunsplit((parts.scheme, f"{address}:{port}", parts.path or "/", parts.query, ""))
    try:
        with (
            httpx.Client(timeout=POST_S, trust_env=False, follow_redirects=False) as client,
            client.stream(
                "POST", pinned, content=notice.body, headers=headers, extensions={"sni_hostname": host}
            ) as answer,
        ):
            pass  # of the answer its status counts: what comes behind it may never end, and is not read
    except httpx.HTTPError as error:
        raise NotTold(f"{host}: {type(error).__name__}: {error}"[:300]) from error
    if not answer.is_success:
        raise NotTold(f"{host} answered {answer.status_code}")


def _address(host: str, port: int, private: bool) -> str:
    """One that the name stands for, as it stands in a URL. Raises `NotTold` where one is private and may not be."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotTold(f"{host}: {error}") from error
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    if not private and (inner := [one for one in addresses if not is_public(one)]):
        raise NotTold(f"{host} is {inner[0]}, of a private network: MGIC_WEBHOOK_PRIVATE=true allows such addresses")
    return f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]


def is_public(address: str) -> bool:
    """Whether anybody in the internet has it; what is mapped, translated or tunnelled is what it leads to."""
    one = ipaddress.ip_address(address)
    if isinstance(one, ipaddress.IPv6Address):
        inner = one.ipv4_mapped or one.sixtofour or (one.teredo and one.teredo[1])
        if any(one in network for network in ENDING_IN_IPV4):
            inner = ipaddress.IPv4Address(int(one) & 0xFFFFFFFF)
        one = inner or one
    return one.is_global and not one.is_multicast


def execute(command: str, notice: Notice) -> None:
    """Run it without a shell, the notice on its standard input. Raises `NotTold` unless it ends with 0 in time."""
    words = split(command)
    told = {"MGIC_EVENT": notice.event, "MGIC_SWEEP": notice.subject}
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    try:
        done = subprocess.run(
            words, input=notice.body, env=environment | told, capture_output=True, timeout=COMMAND_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotTold(f"{words[0]}: {error}") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise NotTold(f"{words[0]} ended with {done.returncode}: {last[:200]}")


def split(command: str) -> Sequence[str]:
    """Raises `ValueError` where quotes do not fit, or there is nothing."""
    words = shlex.split(command)
    if not words:
        raise ValueError("there is no command")
    return words
