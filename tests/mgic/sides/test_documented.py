"""The steps of docs/ci.md, executed as they stand there, in a repository of somebody else with a remote of its own.

What lies outside of the machine is played: `pip` has installed all already, and `gh` keeps comments in a file.
"""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from mgic.cli.terminal import Code
from tests.outside import ROOT, commit, git

NETS = '''
from timm.layers import SqueezeExcite
from torch import nn


def net(*, num_classes: int = 10, in_channels: int = 3, width: int = 16, img_size: int = 32) -> nn.Module:
    """Two convolutions about a block of timm."""
    layers = [nn.Conv2d(in_channels, width, 3), SqueezeExcite(width), nn.ReLU(), nn.Conv2d(width, width, 3)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))
'''
SAME = f"# a remark\n{NETS}"
WIDER = NETS.replace("width: int = 16", "width: int = 24")
GH = """#!/bin/sh
case "$*" in
  *--paginate*) [ -f "$COMMENTS" ] && echo 17 ;;
  *PATCH*) cp gate.md "$COMMENTS" && echo patched ;;
  *POST*) cp gate.md "$COMMENTS" && echo posted ;;
esac
exit 0
"""
LIMITS = '[tool.mgic.gate]\nmodels = ["our.nets:net"]\nbudget = "{}"\n'


def blocks() -> list[dict]:
    """The workflow of GitHub and the job of GitLab."""
    parts = (ROOT / "docs" / "ci.md").read_text("utf-8").split("```yaml\n")[1:]
    return [yaml.safe_load(part.partition("```")[0]) for part in parts]


def of_github() -> tuple[list[str], str]:
    """What its job runs, and how it comments."""
    *steps, comment = [step for step in blocks()[0]["jobs"]["gate"]["steps"] if "run" in step]
    return [step["run"] for step in steps], comment["run"]


def of_gitlab() -> list[str]:
    return blocks()[1]["gate"]["script"]


@dataclass(frozen=True)
class Host:
    """Where jobs run: a bare remote with `main`, and programs of the host in a folder of `PATH`."""

    folder: Path

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    def pull_request(self, text: str, *clone: str, **files: str) -> Path:
        """A branch with this code is pushed; a runner's clone of it."""
        work = self.folder / "work"
        git(work, "checkout", "--quiet", "-B", "feature", "main")
        (work / "our" / "nets.py").write_text(text)
        for name, content in files.items():
            (work / name.replace("_", ".")).write_text(content)
        commit(work)
        git(work, "push", "--quiet", "--force", "origin", "feature")
        runner = self.folder / "runner"
        git(self.folder, "clone", "--quiet", *clone, "--branch", "feature", f"file://{self.remote}", str(runner))
        return runner

    def run(self, runner: Path, steps: list[str]) -> subprocess.CompletedProcess[str]:
        """As both hosts do: one after another in a shell that ends with the first that fails."""
        variables = {name: text for name, text in os.environ.items() if not name.startswith(("GITHUB_", "CI"))}
        variables |= {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COMMENTS": str(self.folder / "comments"),
            "GITHUB_BASE_REF": "main",
            "GITHUB_REPOSITORY": "they/shop",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "MGIC_REPOSITORY": "https://git.example.org/lab",
            "PULL": "7",
        }
        command = ["bash", "-eo", "pipefail", "-c", "\n".join(steps)]
        return subprocess.run(command, cwd=runner, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    programs, work = tmp_path / "bin", tmp_path / "work"
    (work / "our").mkdir(parents=True)
    (work / "our" / "__init__.py").touch()
    (work / "our" / "nets.py").write_text(NETS)
    git(work, "init", "--quiet", "--initial-branch", "main")
    commit(work)
    (work / "pyproject.toml").write_text(LIMITS.format("0"))
    commit(work)
    git(tmp_path, "clone", "--quiet", "--bare", str(work), "remote.git")
    git(work, "remote", "add", "origin", f"file://{tmp_path / 'remote.git'}")
    programs.mkdir()
    mgic = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m mgic "$@"\n'
    for name, text in {"pip": "#!/bin/sh\n", "gh": GH, "mgic": mgic}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return Host(tmp_path)


def test_4_a_shallow_clone_is_told_how_to_be_deepened(host):
    runner = host.pull_request(SAME, "--depth", "1")
    done = host.run(runner, of_github()[0])
    assert done.returncode == Code.NOTHING, done.stderr
    assert "this clone is shallow" in done.stderr
    assert "actions/checkout with fetch-depth: 0" in done.stderr


@pytest.mark.thorough
def test_0_unchanged_code_passes_and_the_comment_is_kept_in_one_place(host):
    runner = host.pull_request(SAME)
    steps, comment = of_github()
    done = host.run(runner, steps)
    assert done.returncode == Code.OK, done.stderr
    text = (runner / "gate.md").read_text()
    assert text in done.stdout
    assert text.startswith(("**pass**: ", "**inconclusive**: ")), "unchanged code is never a regression"
    assert text == (host.folder / "summary.md").read_text()
    assert [host.run(runner, [comment]).stdout.split() for _ in range(2)] == [["posted"], ["patched"]]
    assert (host.folder / "comments").read_text() == text


@pytest.mark.thorough
def test_1_a_wider_network_is_a_regression_and_is_commented_on_too(host):
    runner = host.pull_request(WIDER)
    steps, comment = of_github()
    done = host.run(runner, steps)
    assert done.returncode == Code.REGRESSION, done.stderr
    text = (runner / "gate.md").read_text()
    assert "regression" in text.splitlines()[0]
    assert "another network is counted: width 16 -\\> 24" in text
    assert host.run(runner, [comment]).stdout.split() == ["posted"]


@pytest.mark.thorough
def test_3_or_0_what_cannot_be_settled_in_a_second_is_inconclusive(host):
    runner = host.pull_request(NETS, pyproject_toml=LIMITS.format("1s"))
    done = host.run(runner, of_gitlab())
    assert done.returncode == Code.OK, done.stderr
    assert "mgic: inconclusive:" in done.stderr
    assert 'name="cpu_time"' in (runner / "gate.xml").read_text()
    strict = [f"{step} --on-inconclusive fail" if step.startswith("mgic") else step for step in of_gitlab()]
    assert host.run(runner, strict).returncode == Code.INCONCLUSIVE


@pytest.mark.thorough
def test_4_a_model_that_is_gone_is_not_measured(host):
    runner = host.pull_request(NETS.replace("def net(", "def other("))
    done = host.run(runner, of_gitlab())
    assert done.returncode == Code.NOTHING, done.stderr
    assert "our.nets:net is gone" in done.stderr
    assert "our.nets:net" in (runner / "gate.xml").read_text(), "what is wrong stands in the report too"


@pytest.mark.thorough
def test_a_baseline_that_the_pull_request_changed_is_told_in_the_first_line(host):
    runner = host.pull_request(WIDER)
    made = "mgic --import our.nets baseline our.nets:net --out baseline.json"
    assert host.run(runner, [made]).returncode == Code.OK
    done = host.run(runner, ["mgic --import our.nets gate --baseline baseline.json --format md"])
    assert done.returncode == Code.OK, done.stderr
    assert "baseline.json was changed by the pull request itself" in done.stdout.splitlines()[0]


@pytest.mark.thorough
def test_5_a_service_that_is_away_is_no_regression(host):
    runner = host.pull_request(SAME)
    there = "--send --api-url https://lab.example.org"
    assert there in (ROOT / "docs" / "ci.md").read_text("utf-8")
    away = there.replace("https://lab.example.org", "http://127.0.0.1:9")
    done = host.run(runner, [step.replace("--format", f"{away} --format") for step in of_gitlab()])
    assert done.returncode == Code.UNREACHABLE, done.stderr
    assert "127.0.0.1:9" in done.stderr
