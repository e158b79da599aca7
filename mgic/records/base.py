"""What every record is made of: plain values, grids of them, pages."""

import re
from math import isfinite
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # with halves of characters, which UTF-8 cannot say
Scalar = bool | int | float | str | None


def _plain(value: Any) -> Any:
    """One clear error for a value that no field could take, instead of one for each member of the union."""
    for item in value if isinstance(value, list) else [value]:
        if item is not None and not isinstance(item, bool | int | float | str):
            raise PydanticCustomError("plain_value", "must be a number, a string, true, false, null or a list of these")
        if isinstance(item, float) and not isfinite(item):
            raise PydanticCustomError("finite_number", "must be a finite number")
        if isinstance(item, int) and abs(item) >= 2**63:
            raise PydanticCustomError("int_size", "must be below 2^63")
        if isinstance(item, str) and (len(item) > 500 or CONTROL.search(item)):
            raise PydanticCustomError("plain_text", "must be text of at most 500 characters, none a control character")
    return value


Value = Annotated[Scalar | list[Scalar], BeforeValidator(_plain)]
Config = dict[str, Value]
Axis = Annotated[list[Value], Field(min_length=1, max_length=500)]
Grid = Annotated[dict[str, Axis], Field(max_length=50)]

Queue = Literal["cpu", "gpu", "timing"]
Task = Literal["image classification", "segmentation", "point cloud", "function"]

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,119}$"
MODEL_NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_.-]*([/:][A-Za-z0-9_.-]+)*"  # timm/convnext_atto
MAX_SWEEP_RUNS = 2000
MAX_TAGS = 20
DEMO_TAG = "demo"  # of what is there to be looked at, and can be removed
TAG_PATTERN = r"^[a-z0-9][a-z0-9._/-]{0,39}$"
MAX_NOTES = 4000  # characters


def plain_tag(value: Any) -> Any:
    """A tag as it is kept: in small letters, `-` for what is blank within it."""
    return "-".join(value.lower().split()) if isinstance(value, str) else value


def _plain_notes(text: str) -> str:
    text = text.replace("\r\n", "\n")
    for character in text:
        if (character < " " and character not in "\n\t") or character == "\x7f" or "\ud800" <= character <= "\udfff":
            raise PydanticCustomError("plain_text", "must be text without control characters")
    return text


Tag = Annotated[str, Field(pattern=TAG_PATTERN), BeforeValidator(plain_tag)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS), AfterValidator(lambda tags: tuple(sorted(set(tags))))]
Notes = Annotated[str, Field(max_length=MAX_NOTES), AfterValidator(_plain_notes)]


class Record(BaseModel):
    """An immutable value with no unknown fields and no coercion; numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Item = TypeVar("Item")


class Page(Record, Generic[Item]):
    """A list, and how to go on: pass `next_cursor` as `cursor`; null at the end."""

    items: tuple[Item, ...]
    next_cursor: str | None = None
