"""`mgic gate --base` in a repository of somebody else: what it counts, measures and says, and with which exit code."""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from mgic import create, export_onnx
from mgic.cli.terminal import Code
from tests.mgic.sides.conftest import NETS
from tests.outside import commit, git

MODEL = "theirs.nets:small"


def gate(foreign, *words: str) -> subprocess.CompletedProcess[str]:
    """As a CI job runs it, in the folder of the sources."""
    command = [sys.executable, "-P", "-m", "mgic", "gate", "--import", "theirs.nets", *words]
    quiet = {name: text for name, text in os.environ.items() if not name.startswith(("GITHUB_", "CI"))}
    return subprocess.run(command, cwd=foreign.root / "src", capture_output=True, text=True, env=quiet, check=False)


def told(done: subprocess.CompletedProcess[str]) -> dict:
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def verdicts(comparison: dict) -> dict[tuple[str, str | None], str]:
    return {(row["model"], row["metric"]): row["verdict"] for row in comparison["rows"]}


def clean(foreign) -> bool:
    return git(foreign.root, "worktree", "list").count("\n") == 1


@pytest.mark.thorough
def test_a_wider_default_a_model_that_is_gone_and_a_new_one_are_each_told(foreign):
    text = NETS.replace("width: int = 8", "width: int = 9").replace("def large(", "def other(")
    foreign.write(text)
    done = gate(foreign, "--base", "main", "--budget", "0", "--format", "json")
    found = told(done)
    assert done.returncode == Code.REGRESSION, done.stderr
    assert found["verdict"] == "regression", "a regression elsewhere wins over a model that is gone"
    assert verdicts(found) == {
        (MODEL, "params"): "regression",
        (MODEL, "macs"): "regression",
        (MODEL, "size_bytes"): "pass",  # 1 KiB is allowed
        ("theirs.nets:large", None): "gone",
        ("theirs.nets:other", None): "new",
    }
    assert f"{MODEL}: another network is counted: width 8 -> 9." in found["notes"]
    assert (found["base_side"]["commit"], found["base_side"]["ref"]) == (foreign.main, "main")
    assert (found["head_side"]["branch"], found["head_side"]["dirty"]) == ("feature", True)
    assert clean(foreign)


def test_unchanged_code_is_measured_in_turns_and_not_called_anything_after_one_block(foreign):
    done = gate(foreign, MODEL, "--base", "main", "--budget", "1s", "--format", "json", "--on-inconclusive", "fail")
    found = told(done)
    assert done.returncode == Code.INCONCLUSIVE, done.stderr
    assert [one["arm"] for one in found["samples"]] == ["base", "head", "head", "control"]
    assert all(one["cpu_ms"] > 0 and one["wall_ms"] > 0 for one in found["samples"])
    states = verdicts(found)
    assert (states[MODEL, "params"], states[MODEL, "cpu_time"]) == ("pass", "inconclusive")
    (row,) = [row for row in found["rows"] if row["metric"] == "cpu_time"]
    assert row["note"] == "1 block was measured, and 6 are needed at least"
    assert (found["conditions"]["blocks"], found["conditions"]["threads"]) == (1, 1)
    assert clean(foreign)


@pytest.mark.thorough
def test_a_model_that_is_gone_is_not_measured_unless_that_is_allowed(foreign):
    foreign.write(NETS.split("def large(")[0])
    arguments = ("--base", "main", "--budget", "0", "--format", "json")
    gone = gate(foreign, *arguments)
    assert (gone.returncode, told(gone)["verdict"]) == (Code.NOTHING, "not measured")
    assert "theirs.nets:large is gone" in told(gone)["summary"]
    allowed = gate(foreign, *arguments, "--allow-gone")
    assert (allowed.returncode, told(allowed)["verdict"]) == (Code.OK, "pass")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        ("def small(:", "the head cannot be imported: theirs.nets: SyntaxError", Code.NOTHING),
        (
            "import nothing_of_the_kind",
            "theirs.nets: ModuleNotFoundError: No module named 'nothing_of_the_kind'",
            Code.NOTHING,
        ),
        ("raise SystemExit(3)", "its import ended the program", Code.NOTHING),
        (NETS.replace("(width, width, 3)", "(width, width + 1, 3)"), "not measured", Code.NOTHING),
        (NETS + "\nimport os\nos._exit(7)\n", "ended with code 7", Code.NOTHING),
    ],
)
def test_a_head_that_does_not_work_is_not_measured_and_named(foreign, text, said, code):
    foreign.write(text)
    done = gate(foreign, MODEL, "--base", "main", "--budget", "0")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert clean(foreign)


@pytest.mark.thorough
def test_a_head_that_counts_and_does_not_run_is_no_pass(foreign):
    broken = "class Broken(nn.Identity):\n    def forward(self, x):\n        return x if x.is_meta else 1 // 0\n"
    foreign.write(
        NETS.replace("def _network", f"{broken}\n\ndef _network").replace("*layers, nn", "*layers, Broken(), nn")
    )
    done = gate(foreign, MODEL, "--base", "main", "--budget", "1s", "--format", "json")
    assert done.returncode == Code.NOTHING, done.stderr
    (row,) = [row for row in told(done)["rows"] if row["metric"] is None]
    assert (row["verdict"], "head: ZeroDivisionError" in row["note"]) == ("not measured", True)


@pytest.mark.thorough
def test_where_all_models_are_new_nothing_was_compared(foreign):
    (foreign.package / "more.py").write_text(NETS)
    command = ("--import", "theirs.more", "theirs.more:small", "--base", "main", "--budget", "0", "--format", "json")
    done = gate(foreign, *command)
    assert done.returncode == Code.NOTHING, done.stderr
    assert "no model is on both sides" in done.stderr
    assert verdicts(told(done)) == {("theirs.more:small", None): "new"}


@pytest.mark.thorough
def test_other_worktrees_stay_even_where_their_folder_is_away(foreign, tmp_path):
    other, away = tmp_path / "other", tmp_path / "away"
    git(foreign.root, "worktree", "add", "--quiet", "--detach", str(other), "main")
    other.rename(away)
    assert gate(foreign, MODEL, "--base", "main", "--budget", "0").returncode == Code.OK
    away.rename(other)
    assert git(other, "status", "--porcelain") == ""


@pytest.mark.thorough
def test_code_of_a_submodule_is_there_on_both_sides(foreign, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.file.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "always")
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    (inner / "theirs").mkdir(parents=True)
    (inner / "theirs" / "nets.py").write_text(NETS)
    outer.mkdir()
    for root in (inner, outer):
        git(root, "init", "--quiet", "--initial-branch", "main")
    commit(inner)
    git(outer, "submodule", "--quiet", "add", str(inner), "src")
    commit(outer)
    git(outer, "checkout", "--quiet", "-b", "feature")
    (outer / "src" / "theirs" / "nets.py").write_text(NETS.replace("width: int = 8", "width: int = 64"))
    commit(outer / "src")
    git(outer / "src", "push", "--quiet", "origin", "HEAD:refs/heads/wider")
    commit(outer)
    command = [sys.executable, "-P", "-m", "mgic", "gate", "--import", "theirs.nets", MODEL, "--base", "main"]
    command += ["--budget", "0", "--format", "json"]
    done = subprocess.run(command, cwd=outer, capture_output=True, text=True, check=False)
    assert done.returncode == Code.REGRESSION, done.stderr
    assert git(outer, "worktree", "list").count("\n") == 1


@pytest.mark.thorough
def test_a_builder_that_ends_the_program_is_told_of_its_model_alone(foreign):
    foreign.write(NETS.replace("    return _network(16", "    raise SystemExit(5)\n    return _network(16"))
    done = gate(foreign, "--base", "main", "--budget", "0", "--format", "json")
    assert done.returncode == Code.NOTHING, done.stderr
    states = verdicts(told(done))
    assert states["theirs.nets:large", None] == "not measured"
    assert states[MODEL, "params"] == "pass"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--fail-on", "nope*=cpu_time:+5%"), "no model fits 'nope*'", Code.USAGE),
        (("--fail-on", "top1:-0.5pp"), "wanted and not measured", Code.NOTHING),
        (("--fail-on", "cpu_time:+5%"), "wanted and not measured", Code.NOTHING),
        (("./net v2.onnx",), "a file is named by its path from here", Code.USAGE),
        (("../net.onnx",), "a file is named by its path from here", Code.USAGE),
    ],
)
def test_what_is_named_must_be_there(foreign, words, said, code):
    done = gate(foreign, MODEL, *words, "--base", "main", "--budget", "0")
    assert done.returncode == code, done.stderr
    assert said in done.stderr


@pytest.mark.thorough
def test_a_name_that_neither_side_has_is_a_slip(foreign):
    done = gate(foreign, "theirs.nets:smal", "--base", "main", "--budget", "0")
    assert done.returncode == Code.USAGE
    assert "neither the base nor the head has it" in done.stderr


@pytest.mark.thorough
def test_imports_that_leave_threads_are_not_forked_and_that_is_said(foreign, monkeypatch):
    installed = foreign.root.parent / "site-packages"
    installed.mkdir()
    (installed / "busy.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()\n"
    )
    known = [text for text in [os.environ.get("PYTHONPATH")] if text]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed), *known]))
    foreign.write(f"import busy\n{NETS}")
    foreign.commit()
    git(foreign.root, "branch", "--force", "main")
    found = told(gate(foreign, MODEL, "--base", "main", "--budget", "1s", "--format", "json"))
    assert len(found["samples"]) == 4
    assert any("threads of their own" in remark for remark in found["conditions"]["remarks"])


@pytest.mark.thorough
def test_each_side_may_have_an_environment_of_its_own(foreign):
    (foreign.root / "setup.sh").write_text(
        'site=$(echo "$VIRTUAL_ENV"/lib/python*/site-packages); echo "WIDTH = 8" > "$site/theirs_size.py"\n'
    )
    foreign.write(
        NETS.replace("width: int = 8", "width: int = theirs_size.WIDTH").replace(
            "\nfrom torch", "\nimport theirs_size\nfrom torch"
        )
    )
    foreign.commit()
    git(foreign.root, "branch", "--force", "main")
    (foreign.root / "setup.sh").write_text((foreign.root / "setup.sh").read_text().replace("= 8", "= 16"))
    arguments = ("--base", "main", "--install", "sh setup.sh", "--budget", "0", "--format", "json")
    found = told(gate(foreign, MODEL, *arguments))
    assert f"{MODEL}: another network is counted: width 8 -> 16." in found["notes"]
    failed = gate(foreign, MODEL, "--base", "main", "--install", "echo no such package >&2; exit 3")
    assert failed.returncode == Code.USAGE
    assert "--install: on the base side the command ended with code 3: no such package" in failed.stderr


@pytest.mark.thorough
def test_a_network_is_exported_once_a_side_for_an_engine_that_reads_graphs(foreign):
    foreign.write(NETS.replace("nn.Conv2d(width, width, 3)", "nn.Conv2d(width, width, 5)"))
    done = gate(foreign, MODEL, "--base", "main", "--engine", "onnxruntime", "--budget", "30s", "--format", "json")
    found = told(done)
    assert found["conditions"]["engine"] == "onnxruntime"
    assert verdicts(found)[MODEL, "macs"] == "regression"
    assert {one["arm"] for one in found["samples"]} == {"base", "control", "head"}
    assert all(one["cpu_ms"] > 0 for one in found["samples"])


@pytest.mark.thorough
def test_files_of_networks_are_held_against_each_other_without_any_code(foreign):
    for width in (8, 16):
        network = create("mgic_resnet20", width=width)
        export_onnx(network.eval(), torch.zeros(1, 3, 32, 32), foreign.root / "net.onnx")
        save_file(network.state_dict(), foreign.root / "net.safetensors")
        if width == 8:
            foreign.commit()
            git(foreign.root, "branch", "--force", "main")
    command = [sys.executable, "-P", "-m", "mgic", "gate", "net.onnx", "net.safetensors", "--base", "main"]
    done = subprocess.run(
        [*command, "--budget", "1s", "--format", "json"], cwd=foreign.root, capture_output=True, text=True, check=False
    )
    found = told(done)
    assert done.returncode == Code.REGRESSION
    assert verdicts(found)["net.onnx", "macs"] == "regression"
    assert ("net.safetensors", "macs") not in verdicts(found)
    assert {one["model"] for one in found["samples"]} == {"net.onnx"}
