"""What others have written, a run's log or a branch's name, gives a terminal no orders; a pipe gets it as it is."""

import io

import pytest

from mgic.cli.terminal import put, say

WRITTEN = "a\x1b]0;owned\x07\x9b2Jb\rc\td\ne"


@pytest.mark.parametrize(("name", "tell"), [("stdout", put), ("stderr", say)])
def test_a_terminal_is_shown_what_it_would_have_obeyed(monkeypatch, name, tell):
    stream = io.StringIO()
    monkeypatch.setattr(f"sys.{name}", stream)
    tell(WRITTEN)
    monkeypatch.setattr(stream, "isatty", lambda: True)
    tell(WRITTEN)
    assert stream.getvalue() == f"{WRITTEN}\n" + r"a\x1b]0;owned\x07\x9b2Jb\rc" + "\td\ne\n"
