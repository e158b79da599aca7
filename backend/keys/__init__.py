"""What a key looks like, how one is made, and what is kept of it: its id and a hash, never the secret.

A key is `mgic_ID.SECRET`. The secret has 256 bits of chance, so that a fast hash is the right one: there is no
dictionary to try.
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import NamedTuple

from mgic.errors import BadConfig

PATTERN = re.compile(r"mgic_([0-9a-f]{16})\.([A-Za-z0-9_-]{43,86})")
NOBODY = "0" * 64  # compared with where there is no such key, so that it takes as long


class Token(NamedTuple):
    """A key in the hands of its owner. `id` may be shown and logged."""

    id: str
    secret: str

    @property
    def text(self) -> str:
        return f"mgic_{self.id}.{self.secret}"

    @property
    def digest(self) -> str:
        """What is stored of the secret."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def matches(self, digest: str | None) -> bool:
        """In the same time whatever is stored, and if nothing is."""
        return hmac.compare_digest(self.digest, digest or NOBODY)


def mint() -> Token:
    """A new one."""
    return Token(secrets.token_hex(8), secrets.token_urlsafe(32))


def read_token(text: str) -> Token | None:
    """None for what cannot be a key."""
    found = PATTERN.fullmatch(text)
    return Token(*found.groups()) if found else None


def read_key_file(variable: str, file: Path) -> Token:
    """The key in a file.

    Args:
        variable: The setting that names the file, for the message.
        file: With the key in its only line.

    Raises:
        BadConfig: It cannot be read, or has something else in it, which the message does not repeat.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise BadConfig(f"{variable}: {file} cannot be read: {error}") from error
    return read_key(variable, text, f"{file} has")


def read_key(variable: str, text: str, place: str = "there is") -> Token:
    """A key that a setting has. Raises `BadConfig`, which does not repeat the text."""
    token = read_token(text)
    if token is None:
        raise BadConfig(f"{variable}: {place} no key in it; `python -m backend.keys token` makes one")
    return token
