"""`mgic reference`: the overview, one table, the exports, and the document they are written to."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.terminal import Code
from mgic.reference import counting

ROOT = Path(__file__).parents[3]


def call(*arguments: str):
    return CliRunner().invoke(app, ["reference", *arguments])


def test_the_document_is_what_the_command_prints():
    assert call("--format", "markdown").stdout == (ROOT / "docs" / "paper.md").read_text()


def test_the_overview_has_a_line_for_each_table():
    done = call()
    assert done.exit_code == Code.OK
    named = [line.split()[0] for line in done.stdout.splitlines()]
    assert named == ["1", "2", "3", "5", "7", "7-text", "8", "10", "11", "13"]
    assert "81 rows" in done.stderr


def test_one_table_is_shown_with_its_notes():
    done = call("13")
    assert done.exit_code == Code.OK
    assert "printed twice" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith("13.") and "MGIC-ResNet-56" in line]) == 7


@pytest.mark.parametrize(("kind", "sign"), [("markdown", "| 7.1 |"), ("latex", r"\toprule"), ("text", "7.1 ")])
def test_a_table_can_be_had_in_each_format(kind, sign):
    done = call("7", "--format", kind)
    assert done.exit_code == Code.OK
    assert sign in done.stdout


def test_json_has_the_records():
    found = json.loads(call("7", "--json").stdout)
    assert [table["name"] for table in found["tables"]] == ["7"]
    assert len(found["rows"]) == 14
    assert found["rows"][6]["counted"]["params"] == 9_235_240
    assert len(json.loads(call("--json").stdout)["rows"]) == 81


def test_an_unknown_table_is_a_wrong_use():
    done = call("7text")
    assert done.exit_code == Code.USAGE
    assert "did you mean '7-text'?" in done.stderr
    assert done.stdout == ""


def test_recounting_says_where_it_wrote(monkeypatch):
    monkeypatch.setattr(counting, "recount", lambda: 58)
    done = call("--recount")
    assert done.exit_code == Code.OK
    assert "58 networks counted" in done.stderr


def test_a_file_that_cannot_be_written_is_told(monkeypatch):
    def refuse() -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(counting, "recount", refuse)
    done = call("--recount")
    assert done.exit_code == Code.USAGE
    assert "cannot be written: Permission denied" in done.stderr
