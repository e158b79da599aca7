"""The secrets of a deployment, each made once: `python -m backend.secrets make`, `renew NAME`, `show NAME`.

Each is a file in one folder, read by those who have its group: which services have it, `group_add` in the compose
file says. Whoever makes them has all groups, and a number of its own, so that nobody else is their owner.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.keys import mint, read_key
from mgic.errors import BadConfig

FOLDER = Path("/run/mgic")


def _password() -> str:
    """192 bits, in letters that need no quoting in an address, in SQL and in a shell."""
    return secrets.token_hex(24)


def _key() -> str:
    return mint().text


@dataclass(frozen=True)
class Secret:
    """`given_by`: the variable whose value is taken when there is none yet."""

    group: int
    new: Callable[[], str]
    given_by: str = ""


SECRETS: Mapping[str, Secret] = {
    "database-password": Secret(20001, _password, "POSTGRES_PASSWORD"),
    "broker-password": Secret(20002, _password, "REDIS_PASSWORD"),
    "admin-key": Secret(20003, _key),
    "pages-key": Secret(20004, _key),
    "worker-key": Secret(20005, _key, "MGIC_WORKER_KEY"),
}


def make(folder: Path, given: Mapping[str, str]) -> list[str]:
    """Make those that are missing; what is there stays.

    Args:
        folder: Where they lie.
        given: Variables.

    Returns:
        A line for each that was made, and for each variable that says otherwise than its file.

    Raises:
        BadConfig: A variable that is to be a key is none.
    """
    said = []
    for name, secret in SECRETS.items():
        wanted = given.get(secret.given_by, "")
        if wanted and secret.new is _key:
            read_key(secret.given_by, wanted)
        if _write(folder, name, wanted or secret.new(), again=False):
            said.append(f"{name} is made" + (f", as {secret.given_by} says" if wanted else ""))
        elif wanted and wanted != show(folder, name):
            said.append(f"{name} stays as it is: {secret.given_by} says otherwise, and counts only where there is none")
    return said


def renew(folder: Path, name: str) -> None:
    """Another one in its place, from one moment to the next; who has read the old one goes on with it."""
    _write(folder, name, SECRETS[name].new(), again=True)


def show(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8").strip()


def _write(folder: Path, name: str, text: str, again: bool) -> bool:
    """Whole or not at all; False if there is one and it is not to be written `again`."""
    beside = folder / f".{name}.{os.getpid()}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fchown(descriptor, -1, SECRETS[name].group)
            os.fchmod(descriptor, 0o440)
            os.fsync(descriptor)
        if again:
            beside.rename(folder / name)
        else:
            (folder / name).hardlink_to(beside)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(prog="backend.secrets", description="The secrets of a deployment")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    words = parser.add_subparsers(dest="word", required=True)
    words.add_parser("make", help="those that are missing")
    for word in ("renew", "show"):
        words.add_parser(word).add_argument("name", choices=SECRETS)
    asked = parser.parse_args()
    try:
        if asked.word == "show":
            sys.stdout.write(f"{show(asked.folder, asked.name)}\n")
        elif asked.word == "renew":
            renew(asked.folder, asked.name)
            sys.stderr.write(f"{asked.name} is another one now; those who use it are to be told: docker/README.md\n")
        else:
            sys.stderr.writelines(f"{line}\n" for line in make(asked.folder, os.environ))
    except BadConfig as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(os.EX_CONFIG) from error
    except OSError as error:
        sys.stderr.write(f"{error.filename or asked.folder}: {error.strerror}\n")
        raise SystemExit(os.EX_CONFIG) from error


if __name__ == "__main__":
    main()
