"""What a folder or an address may be called, for whoever reads one: the command, the service, the pages."""

import ipaddress
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

from mgic.errors import BadConfig

PREFIX = "/api/v1"
EXAMPLE = "http://127.0.0.1:8000"


def check_text(name: str, text: str) -> None:
    """Raises `BadConfig` for what no path and no address has: control characters, and bytes that are no text.

    Args:
        name: Of the setting, for the message.
        text: As the system gave it.
    """
    if text.endswith("\r"):
        raise BadConfig(f"{name} ends with a carriage return, as in a file with Windows line ends: take it away")
    for mark in text:
        kind = unicodedata.category(mark)
        if kind == "Cs":
            raise BadConfig(f"{name} has bytes in it that are no UTF-8")
        if kind == "Cc":
            raise BadConfig(f"{name} has the control character {mark!r} in it: take it away")


def check_variables(environment: Mapping[str, str]) -> None:
    """`check_text` of every variable MGIC_*."""
    for name, text in environment.items():
        if name.startswith("MGIC_"):
            check_text(name, text)


def check_folder(name: str, path: Path) -> None:
    """Raises `BadConfig` for a path that names another place than its writer meant."""
    check_text(name, str(path))
    if path.parts[:1] and path.parts[0].startswith("~"):
        raise BadConfig(f"{name}={path}: only a shell knows what {path.parts[0]} is: write the whole path")


def is_loopback(host: str | None) -> bool:
    """Whether it is this machine by its very name, so that no proxy could reach it."""
    name = (host or "").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def service_url(text: str, name: str = "the address of the service") -> str:
    """The address of a service without what the client adds itself: `http://host:8000/api/v1/` is `http://host:8000`.

    Args:
        text: As it was given.
        name: Of the setting, for the message.

    Raises:
        BadConfig: It is no http or https address.
    """
    check_text(name, text)
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadConfig(f"{name} is written {EXAMPLE}, not {text[:200]!r}")
    path = parts.path.rstrip("/").removesuffix(PREFIX).rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _split(text: str) -> SplitResult | None:
    """None where a part of it makes no sense."""
    if any(mark.isspace() for mark in text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port  # read here, since that may fail
    except ValueError:
        return None
    return parts
