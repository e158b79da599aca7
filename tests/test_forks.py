"""Tests that run in forks: each is told once, and a process that ends takes no other test with it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HANDED_OUT = """
from tests.forks import run_in_forks

def pytest_runtestloop(session):
    run_in_forks(session, [[0, 1, 2], [3]], 2)
    return True
"""
TESTS = """
import os, signal

def test_passes(tmp_path):
    (tmp_path / "file").touch()

def test_ends_its_process():
    os.kill(os.getpid(), signal.SIGKILL)

def test_comes_after_it(subtests):
    for number in range(2):
        with subtests.test(number=number):
            assert number == 0, "told by the test"

def test_is_elsewhere(capfd):
    os.system("echo a word")
    assert capfd.readouterr().out == "a word\\n"
"""


def test_a_process_that_ends_fails_its_test_and_the_others_are_run(tmp_path):
    (tmp_path / "conftest.py").write_text(HANDED_OUT)
    (tmp_path / "test_four.py").write_text(TESTS)
    (tmp_path / "pytest.ini").touch()
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:schemathesis", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    summary = done.stdout.partition("short test summary info")[2]
    assert sorted(line.partition(" - ")[0] for line in summary.splitlines() if "test_four.py" in line) == [
        "FAILED test_four.py::test_comes_after_it",
        "FAILED test_four.py::test_ends_its_process",
        "PASSED test_four.py::test_is_elsewhere",
        "PASSED test_four.py::test_passes",
        "SUBFAILED(number='1') test_four.py::test_comes_after_it",
    ]
    assert "the process of this test ended, with exit code -9" in done.stdout
    assert "told by the test" in done.stdout
