"""One short title for a name, and an author's own where there is one."""

import pytest
from pydantic import BaseModel, Field

from mgic.records import title_of, titled


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("group_size", "Group size s_g"),
        ("median_ms", "Median latency"),
        ("p90_ms", "p90 latency"),
        ("peak_memory_mb", "Peak memory"),
        ("val_top1", "Validation top-1 accuracy"),
        ("our_own_field", "Our own field"),
        ("_", ""),
    ],
)
def test_a_title_is_made_of_the_name(name, title):
    assert title_of(name) == title


class Row(BaseModel):
    macs: int


class Result(BaseModel):
    top1: float = Field(title="Our score")
    mse_of_all: float
    rows: list[Row]


def test_a_title_of_the_author_s_own_stays_and_the_others_are_ours():
    schema = titled(Result.model_json_schema())
    found = {name: about["title"] for name, about in schema["properties"].items()}
    assert found == {"top1": "Our score", "mse_of_all": "MSE of all", "rows": "Rows"}
    assert schema["$defs"]["Row"]["properties"]["macs"]["title"] == "MACs"
