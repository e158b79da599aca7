"""Which names a server answers to, and whether a request comes from a page of somebody else."""

import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ANY = "*"
OWN_SITE = ("same-origin", "none")  # of Sec-Fetch-Site: our own pages, or typed into the address bar
# What a proxy says of whom it speaks for: a request that has one of these may come from anywhere.
HANDED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
NAME = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?")


def read_hosts(text: str) -> tuple[str, ...]:
    """Names with commas between them, and always the loopback ones before them; `*` stands for any.

    Raises:
        ValueError: One is no name of a host.
    """
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if name and name != ANY and not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a host: write lab.example.org, without http://, port or path")
    return tuple(dict.fromkeys([*LOOPBACK, *(name for name in names if name)]))


def knows_host(host: str, names: Collection[str]) -> bool:
    """Whether a `Host` header, with a port or without, is one of the names. It stops DNS rebinding."""
    return ANY in names or _without_port(host.lower()) in names


def is_foreign(headers: Mapping[str, str], names: Collection[str]) -> bool:
    """Whether a browser says that a page of another site sent this; what is no browser says nothing of the kind.

    Another port of this machine is another site too. A name that was given, behind which a proxy may
    stand, is our own at any port.

    Args:
        headers: Of the request, by lower-case names.
        names: From `read_hosts`.
    """
    if headers.get("sec-fetch-site", OWN_SITE[0]) not in OWN_SITE:
        return True
    origin = headers.get("origin")
    if origin is None or ANY in names:
        return False
    try:
        of = urlsplit(origin).netloc.lower()
    except ValueError:
        return True
    given = set(names) - set(LOOPBACK)
    return of != headers.get("host", "").lower() and _without_port(of) not in given


def listens_here_only(address: str) -> bool:
    """Whether nobody outside of this machine reaches what listens there; unlike 0.0.0.0, which is every address."""
    try:
        return address == "localhost" or ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def is_from_here(address: str, headers: Mapping[str, str]) -> bool:
    """Whether a request came straight from this machine: to an address of its own, by such a name, past no proxy.

    A proxy that says nothing of itself, and gives our own name as `Host`, is not told from the machine's user.

    Args:
        address: At which it arrived.
        headers: Of the request, by lower-case names.
    """
    handed_on = any(name in headers for name in HANDED_ON)
    return listens_here_only(address) and knows_host(headers.get("host", ""), LOOPBACK) and not handed_on


def path_within(scope: Mapping[str, Any]) -> str:
    """Of an ASGI request: its path without what a proxy has put in front, whether that has come along or not."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if port.isdecimal() else host
