"""A worker finds out what it can do without waiting for it, and again when something has changed."""

import sys
import time
from pathlib import Path

import pytest

from backend.settings import Settings
from mgic.records import Abilities
from tests.conftest import wait_for
from worker import looking
from worker.looking import Looking

ABLE = {"engines": ["eager"], "extras": [], "cores": 2, "datasets": []}
# Tells how many entries the folder of the data sets has, and notes each look.
LOOK = """
import json, os, sys
file, device, folder, *_ = sys.argv[1:]
open({notes!r}, "a").write("look\\n")
assert os.environ["CUDA_VISIBLE_DEVICES"] == "" and device == "cpu"
able = {able!r} | {{"datasets": sorted(os.listdir(folder))}}
json.dump({{"able": able, "files": {files!r}}}, open(file, "w"))
"""


def looker(tmp_path: Path, script: str = LOOK, files: tuple[str, ...] = ()) -> Looking:
    (tmp_path / "data").mkdir(exist_ok=True)
    code = script.format(notes=str(tmp_path / "notes"), able=ABLE, files=list(files)) if script is LOOK else script
    settings = Settings(home=tmp_path, data_dir=tmp_path / "data", device="cpu")
    return Looking(settings, [sys.executable, "-c", code])


def looks(tmp_path: Path) -> int:
    notes = tmp_path / "notes"
    return notes.read_text().count("look") if notes.exists() else 0


def told(one: Looking) -> Abilities:
    found: list[Abilities] = []

    def has_news() -> bool:
        news = one.news(idle=True)
        found.extend([news] if news else [])
        return bool(found)

    wait_for(has_news, 20, "what the worker can do")
    return found[0]


def test_it_looks_at_once_and_again_only_when_the_data_have_changed(tmp_path):
    one = looker(tmp_path)
    assert one.news(idle=False) is None, "nobody waits for it"
    assert told(one).datasets == ()
    assert [one.news(idle=True) for _ in range(3)] == [None] * 3
    (tmp_path / "data" / "cifar10").mkdir()
    assert one.news(idle=False) is None, "nothing is looked at beside a run"
    time.sleep(0.1)
    assert looks(tmp_path) == 1
    assert told(one).datasets == ("cifar10",)
    assert looks(tmp_path) == 2


def test_it_looks_again_when_the_code_of_a_plugin_has_changed(tmp_path):
    (tmp_path / "theirs.py").write_text("x = 1\n")
    one = looker(tmp_path, files=(str(tmp_path / "theirs.py"),))
    told(one)
    assert one.news(idle=True) is None
    (tmp_path / "theirs.py").write_text("x = 22\n")
    told(one)
    assert looks(tmp_path) == 2


@pytest.mark.parametrize("script", ["raise SystemExit(3)", "pass"])
def test_one_that_fails_is_tried_again_after_a_pause(tmp_path, monkeypatch, script, caplog):
    monkeypatch.setattr(looking, "PAUSE_S", 0.2)
    one = looker(tmp_path, script)

    def warned() -> bool:
        assert one.news(idle=True) is None
        return "what this worker can do is not known" in caplog.text

    wait_for(warned, 20, "a warning")
    caplog.clear()
    wait_for(warned, 20, "a second one")
    one.end()


def test_one_that_never_ends_is_ended(tmp_path, monkeypatch):
    one = looker(tmp_path, "import time; time.sleep(600)")
    one.news(idle=True)
    process = one._process
    assert process is not None
    monkeypatch.setattr(one, "_until", 0.0)
    wait_for(lambda: one.news(idle=True) is None and process.poll() is not None, 20, "its end")
    one.end()


def test_its_process_goes_with_the_worker(tmp_path):
    one = looker(tmp_path, "import time; time.sleep(600)")
    one.news(idle=True)
    process = one._process
    assert process is not None
    one.end()
    assert process.poll() is not None
