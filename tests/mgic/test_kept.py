"""Answers on disk: found again, made anew when anything they were made from is another, and never in the way."""

import resource
from pathlib import Path

import pytest

from mgic.kept import Kept, cache_folder, fingerprint

Rows = list[dict[str, int]]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "one.py").write_text("a = 1")
    return folder


def test_an_answer_is_made_once_for_one_fingerprint(tmp_path, source):
    made: list[int] = []

    def ask(plugins: tuple[str, ...] = ()) -> Rows:
        made.append(len(made))
        kept = Kept(tmp_path / "kept", fingerprint(source, plugins))
        return kept.answer("models", Rows, lambda: [{"macs": made[-1]}])

    assert ask() == ask() == [{"macs": 0}]
    (source / "part" / "__pycache__").mkdir()
    (source / "part" / "__pycache__" / "one.pyc").write_bytes(b"compiled")
    assert ask() == [{"macs": 0}], "what Python writes beside the source is no change of it"
    (source / "part" / "one.py").write_text("a = 2")
    assert ask() == ask() == [{"macs": 3}], "edited, in the same number of bytes"
    (source / "two.toml").write_text("")
    assert ask() == [{"macs": 5}]
    (source / "two.toml").rename(source / "three.toml")
    assert ask() == [{"macs": 6}]
    assert ask(("theirs 1.0",)) == ask(("theirs 1.0",)) == [{"macs": 7}]
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["models.json"]


def test_a_damaged_file_is_no_answer(tmp_path):
    kept, file = Kept(tmp_path, "key"), tmp_path / "models.json"
    kept.keep("models", Rows, [{"macs": 12}])
    good = file.read_bytes()
    for damaged in (b"", good[:-3], good.replace(b"12", b"13"), b"\xff" + good, good + b" "):
        file.write_bytes(damaged)
        assert kept.find("models", Rows) is None
        assert kept.answer("models", Rows, lambda: [{"macs": 12}]) == [{"macs": 12}]
        assert file.read_bytes() == good
    assert Kept(tmp_path, "another key").find("models", Rows) is None


def test_what_cannot_be_kept_is_answered_all_the_same(tmp_path):
    (tmp_path / "file").touch()
    for folder in (None, tmp_path / "file", tmp_path / "file" / "below", Path("/proc/mgic")):
        assert Kept(folder, "key").answer("models", Rows, lambda: [{"macs": 1}]) == [{"macs": 1}]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))  # bytes: as on a disk that is full
    try:
        found = Kept(tmp_path / "full", "key").answer("models", Rows, lambda: [{"macs": 1}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert found == [{"macs": 1}]
    assert list((tmp_path / "full").iterdir()) == []


def test_the_folder_is_the_systems_for_what_can_be_made_anew():
    assert cache_folder({"XDG_CACHE_HOME": "/caches"}) == Path("/caches/mgic")
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == cache_folder({}) == Path.home() / ".cache/mgic"
