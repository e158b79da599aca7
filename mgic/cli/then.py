"""`--then EXPERIMENT field=value ...`: the fields behind it are those of the second sweep."""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

from mgic.cli.values import FIELD

THEN = "--then"
THEN_FIELD = "--then-field"


class WithThen(TyperCommand):
    """A command of which the words behind `--then` belong to what comes then."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, fields_apart(args))


def fields_apart(words: Sequence[str]) -> list[str]:
    """The words, each field behind `--then` and its value with `--then-field` before it."""
    place = next((at for at, word in enumerate(words) if word == THEN or word.startswith(f"{THEN}=")), len(words))
    first = place + (2 if words[place : place + 1] == [THEN] else 1)
    apart = list(words[:first])
    for word in words[first:]:
        field, equals, _ = word.partition("=")
        apart += [THEN_FIELD, word] if equals and FIELD.fullmatch(field) else [word]
    return apart
