"""`mgic figure` and what of `mgic table` needs no service."""

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.terminal import Code
from mgic.extras import how_to_get

NOWHERE = "http://127.0.0.1:9"
ID = "0" * 32


def call(*arguments: str):
    return CliRunner().invoke(app, [*arguments, "--api-url", NOWHERE], env={"MGIC_API_KEY": ""})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("figure", f"http://lab/sweep?sweep={ID}"), "--out: a file is wanted"),
        (("figure", f"http://lab/sweep?sweep={ID}", "--out", "fig.gif"), "none of .svg, .pdf, .png"),
        (("figure", "http://lab/nowhere", "--list"), "'nowhere' has no plots"),
        (("figure", "http://lab/sweep", "--list"), "no sweep is named"),
        (("figure", "http://lab/sweep?sweep=x", "--list"), "is not an id"),
        (("figure", "http://lab/model", "--list"), "no model is named"),
        (("figure", "http://lab/sweep", "--list", "--width", "100"), "85"),
        (("table", "check"), "files to be checked are wanted"),
        (("table", "check", "/nowhere.tex"), "/nowhere.tex cannot be read"),
        (("table", "http://lab/sweep?older=1", "--format", "latex"), "?sweep=ID"),
        (("table", ID, "1" * 32), "give --by"),
    ],
)
def test_a_slip_is_2_and_says_what_is_wrong(arguments, said):
    done = call(*arguments)
    assert done.exit_code == Code.USAGE, done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    "arguments", [("figure", f"http://lab/sweep?sweep={ID}", "--list"), ("table", ID, "--by", "config")]
)
def test_no_service_is_5(arguments):
    done = call(*arguments)
    assert done.exit_code == Code.UNREACHABLE
    assert "mgic up" in done.stderr


def test_a_file_without_a_table_of_ours_is_4(tmp_path):
    (tmp_path / "paper.tex").write_text(r"\begin{tabular}{l} 1 \\ \end{tabular}")
    assert call("table", "check", str(tmp_path / "paper.tex")).exit_code == Code.NOTHING


def test_without_plotly_the_extra_is_named(monkeypatch):
    error = ModuleNotFoundError("No module named 'plotly'", name="plotly")
    monkeypatch.setattr("mgic.cli.figure.import_module", lambda _: (_ for _ in ()).throw(error))
    done = call("figure", "http://lab/sweep", "--list")
    assert done.exit_code == Code.USAGE
    assert how_to_get(error) in done.stderr
    assert "mgic[figures]" in done.stderr
