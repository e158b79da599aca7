"""Settings of `[tool.mgic.gate]`, budgets, and which options belong together."""

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.gate import Given
from mgic.cli.terminal import Code
from mgic.cli.versions import Settings, parse_budget, read_settings
from mgic.errors import BadConfig

TABLE = """
[tool.mgic.gate]
import = ["theirs.nets"]
models = ["theirs.nets:small"]
budget = "90s"
batch-size = 4
[tool.mgic.gate.limits]
cpu_time = "+10%"
"theirs.*" = {params = "+1000"}
"""


def call(*words: str):
    return CliRunner().invoke(app, ["gate", *words], env={"MGIC_API_URL": "http://127.0.0.1:9"})


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("0", 0)])
def test_a_budget_has_a_unit_or_is_in_seconds(text, seconds):
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "5 minutes", "7h", "1d", "1e3", "nan"])
def test_a_budget_that_is_none_is_refused(text):
    with pytest.raises(BadConfig, match="--budget: a time from 0 to 6h"):
        parse_budget(text)


def test_settings_are_of_the_nearest_file_within_the_repository(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.mgic.gate]\nbudget = '7s'\n")
    root = tmp_path / "repository"
    inner = root / "src"
    inner.mkdir(parents=True)
    (root / ".git").mkdir()
    assert read_settings(inner) == Settings()
    (root / "pyproject.toml").write_text(TABLE)
    found = read_settings(inner)
    assert (found.imports, found.models, found.budget) == (("theirs.nets",), ("theirs.nets:small",), "90s")
    assert (found.batch_size, found.rules.of("theirs.nets:small").params) == (4, "+1000")
    assert found.rules.of("other").cpu_time == "+10%"


def test_the_command_line_counts_more_than_the_file():
    given = Given("5s", None, None, 8, True, None)
    found = given.over(Settings(imports=("a",), budget="90s", engine="optimized"), ("b", "a"))
    assert (found.imports, found.budget, found.engine, found.batch_size) == (("a", "b"), "5s", "optimized", 8)
    assert found.allow_gone is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gate = 3", "gate. should be a table"),
        ("[tool.mgic.gate]\nbudgte = '3s'", "no key 'budgte'; known: import"),
        ("[tool.mgic.gate]\nbudget = 3", "budget: a text is wanted"),
        ("[tool.mgic.gate]\nbatch-size = true", "batch-size: a whole number"),
        ("[tool.mgic.gate]\nimport = 'a'", "import: a list of texts"),
        ("[tool.mgic.gate.limits]\nmcas = '+1%'", "did you mean 'macs'"),
        ("[tool.mgic.gate.limits]\nmacs = 1", "limits: macs"),
        ("[tool", "cannot be read"),
    ],
)
def test_a_table_with_a_slip_is_named(tmp_path, text, said):
    text = f"[tool.mgic]\n{text}" if text.startswith("gate") else text
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(BadConfig, match=said):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--base: either --base REF"),
        (("--base", "main", "--baseline", "b.json"), "--base: either --base REF"),
        (("--baseline", "b.json", "--budget", "3s"), "--budget: it is of a measurement of two versions"),
        (("--baseline", "b.json", "--allow-gone"), "--allow-gone: it is of a measurement"),
        (("--base", "main", "--run", "x"), "--run"),
        (("--base", "main", "--engine", "compile"), "--engine: one of eager, optimized, onnxruntime, openvino"),
        (("--base", "main", "--batch-size", "0"), "--batch-size: a whole number from 1"),
        (("--base", "main", "--fail-on", "cpu_time:5%"), "cpu_time: should be how far it may rise"),
        (("--base", "main", "--name", "a/b"), "--name"),
    ],
)
def test_options_that_do_not_fit_are_named(words, said):
    done = call(*words)
    assert done.exit_code == Code.USAGE
    assert said in done.stderr
