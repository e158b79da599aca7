"""Which names a server answers to, and whether a request comes from a page of somebody else."""

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ANY = "*"
OWN_SITE = ("same-origin", "none")  # of Sec-Fetch-Site: our own pages, or typed into the address bar
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


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if port.isdecimal() else host
