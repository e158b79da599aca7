"""What is made of gates that were recorded: read back, summed up, and drawn from block by block."""

import json
from datetime import UTC, datetime

import pytest

from tests.bench.gates import record, resample
from tests.bench.gates.record import Kept
from tests.bench.gates.repository import MODEL
from tests.comparisons import drawn

AT = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    """Three gates of the same code and two of a slower head, in the place where they are recorded."""
    cases = [("same", "pass", number) for number in range(3)] + [
        ("slower", "regression", number) for number in range(2)
    ]
    kept = [Kept(branch, 80.0, drawn(case, number, [MODEL], created_at=AT)) for branch, case, number in cases]
    record.path_of(tmp_path).write_text("".join(one.line() + "\n" for one in kept))
    (tmp_path / "repository").mkdir()
    change = {"n": 60, "estimate": 1.1, "low": 1.09, "high": 1.12, "confidence": 0.95}
    (tmp_path / "repository" / "changes.json").write_text(json.dumps({"slower": change}))
    return tmp_path


def test_what_was_recorded_is_read_back_and_summed_up(folder):
    assert [one.branch for one in record.read(folder)] == ["same"] * 3 + ["slower"] * 2
    told = record.summary(folder)
    assert told.startswith("Made on 2026-11-29: ")
    assert "| same | 3 | 3: 100 % (29.2 to 100) | 0: 0 % (0 to 70.8) |" in told
    assert "| slower: cpu_time +10.0 % (+9.0 to +12.0) | 2 |" in told
    assert "| same | 36 |" in told, "three gates of twelve blocks"
    assert "| slower | 24 | +9.8 % (+9.5 to +10.2)" in told


def test_gates_are_drawn_from_whole_blocks(folder):
    same = [one for one in record.read(folder) if one.branch == "same"]
    pool = resample.pool(same)
    assert len(pool) == 36
    ended = resample.drawn(same, 50, 1)
    assert {one.verdict for one in ended} == {"pass"}
    told = resample.page(folder)
    assert told.startswith("1,000 gates a branch, drawn from ")
    assert "fewer than 200" in told
    assert "| same | 36 | 100 %" in told


def test_nothing_recorded_is_an_empty_list(tmp_path):
    assert record.read(tmp_path) == []
