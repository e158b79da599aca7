"""Ids in an address."""

from collections.abc import Mapping
from uuid import UUID

from mgic.errors import BadConfig


def ids(asked: Mapping[str, str], name: str, most: int = 1) -> list[str]:
    """Those that the parameter `name` has, with commas between them.

    Raises:
        BadConfig: There is none, more than `most`, or what is none.
    """
    given = [one.strip() for one in asked.get(name, "").split(",") if one.strip()]
    if not given:
        raise BadConfig(f"no {name} is named: the address has ?{name}= and an id")
    if len(given) > most:
        raise BadConfig(f"{name}: {len(given)} ids, at most {most} are shown")
    for one in given:
        try:
            UUID(one)
        except ValueError:
            raise BadConfig(f"{name}: “{one[:60]}” is not an id: it has 32 hexadecimal digits") from None
    return given
