"""What the system refuses, and files that are not what they seem: one line that names the thing, never a traceback."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgic.cli import app, up
from mgic.cli.files import read_json, write_text
from mgic.cli.processes import Process
from mgic.cli.terminal import Code, Refused, naming, tell
from mgic.errors import BadConfig
from tests.cases import thorough

DOCUMENT = '{"name": "main"}\n'


def call(*arguments: str, **environment: str):
    return CliRunner().invoke(app, list(arguments), env=environment)


def one_line(done, code: int, *said: str) -> None:
    assert done.exit_code == code, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    for words in said:
        assert words in done.stderr


# A home that cannot be


@pytest.fixture
def odd_homes(tmp_path) -> dict[str, Path]:
    """Places in which nobody can keep anything, also if that is root."""
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return {
        "a file": tmp_path / "file",
        "below a file": tmp_path / "file" / "home",
        "a loop": tmp_path / "loop",
        "a device": Path("/dev/null"),
        "no disk": Path("/proc/nothing"),
        "too long": tmp_path / ("x" * 300),
        "of another": Path("~/lab"),
    }


HOMES = ["a file", "below a file", "a loop", "a device", "no disk", "too long", "of another"]


@pytest.mark.parametrize("which", HOMES)
def test_up_refuses_a_home_that_cannot_be(odd_homes, which):
    home = odd_homes[which]
    one_line(call("up", "--no-demo", MGIC_HOME=str(home)), Code.USAGE, f"MGIC_HOME={home}")


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EROFS, Code.USAGE), (errno.EACCES, Code.USAGE), (errno.ENOSPC, Code.REFUSED), (errno.EDQUOT, Code.REFUSED)],
)
def test_up_says_why_the_system_does_not_let_it_write(tmp_path, monkeypatch, number, code):
    def refuse(self, *_args, **_kwargs):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    done = call("up", "--no-demo", MGIC_HOME=str(tmp_path / "home"))
    one_line(done, code, f"MGIC_HOME={tmp_path / 'home'} cannot be written", os.strerror(number))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_up_says_where_there_are_no_locks(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    done = call("up", "--no-demo", MGIC_HOME=str(tmp_path))
    one_line(done, Code.REFUSED, f"MGIC_HOME={tmp_path}", os.strerror(number), "a service needs locks")


@pytest.mark.parametrize("variable", ["MGIC_API_URL", "MGIC_LEASE_S", "MGIC_ANYTHING"])
def test_a_variable_with_a_windows_line_end_is_named(variable):
    done = call("status", **{variable: "http://127.0.0.1:9\r"})
    one_line(done, Code.USAGE, f"{variable} ends with a carriage return")


def test_a_part_that_the_system_refuses_is_tried_again(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    process = Process("api", [sys.executable, "-c", ""], {}, tmp_path / "logs" / "api.log")
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(Refused, match="temporarily unavailable") as caught:
        process.start()
    assert caught.value.filename == "api cannot be started"
    said: list[str] = []
    process.tend(said.append)
    assert said == ["api cannot be started: Resource temporarily unavailable; it is tried again in 1 s"]
    assert process.pause == 2.0
    process.tend(said.append)
    assert len(said) == 1, "the pause was not kept"


# Output that cannot be written


@pytest.mark.parametrize("arguments", ["--help", "reference 7", *thorough("--version", "reference --json")])
def test_a_full_disk_behind_stdout_is_74(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mgic", *arguments.split()], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (Code.REFUSED, "mgic: standard output: No space left on device\n")


@pytest.mark.parametrize(("closed", "code"), [(">&-", Code.REFUSED), ("2>&-", Code.OK), ("2>/dev/full", Code.OK)])
def test_data_needs_stdout_and_no_stderr(closed, code):
    command = f"{sys.executable} -m mgic reference 7 {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == code
    assert ("Traceback" in done.stderr, "269" in done.stdout or "params" in done.stdout) == (False, code == Code.OK)


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/a/b"), "/a/b: No space left on device", Code.REFUSED),
        (PermissionError(errno.EACCES, "Permission denied", b"/a"), "/a: Permission denied", Code.USAGE),
        (OSError(errno.EIO, "Input/output error"), "Input/output error", Code.REFUSED),
        (TimeoutError("timed out"), "timed out", Code.REFUSED),
    ],
)
def test_what_the_system_refuses_is_told_with_its_path(capsys, error, said, code):
    assert tell(error) is code
    assert capsys.readouterr().err == f"mgic: {said}\n"


def test_the_innermost_name_of_a_thing_counts():
    with pytest.raises(Refused) as caught, naming("outer"), naming("inner"):
        raise OSError(errno.EIO, "Input/output error")
    assert caught.value.filename == "inner"


@pytest.mark.parametrize("path", ["/proc/x/results.csv", "/dev/full"])
def test_a_file_that_cannot_be_written_is_named_with_its_option(path):
    with pytest.raises(Refused) as caught:
        write_text("--out", Path(path), DOCUMENT)
    assert caught.value.filename == f"--out: {path} cannot be written"


def test_a_folder_for_runs_that_cannot_be_is_told_before_the_first_run():
    done = call("run", "cost", "model=resnet20", "--out", "/proc/nothing")
    assert done.exit_code == Code.USAGE
    assert done.stderr == "mgic: --out: /proc/nothing cannot be written: No such file or directory\n"


# Files that are not what they seem


@pytest.mark.parametrize(
    "raw",
    [
        DOCUMENT.encode(),
        DOCUMENT.encode("utf-8-sig"),
        DOCUMENT.encode("utf-16"),
        b"\xfe\xff" + DOCUMENT.encode("utf-16-be"),
        DOCUMENT.replace("\n", "\r\n").encode("utf-8-sig"),
    ],
)
def test_a_byte_order_mark_and_line_ends_are_taken_away(tmp_path, raw):
    path = tmp_path / "baseline.json"
    path.write_bytes(raw)
    assert read_json("--baseline", path) == DOCUMENT.encode()


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LFS, "a pointer of Git LFS"),
        ("\ufeff" + LFS, "a pointer of Git LFS"),
        ("/annex/objects/SHA256E-s12--4d7a.json\n", "a pointer of git-annex"),
        ("../.git/annex/objects/Xk/SHA256E-s12--4d7a.json", "a pointer of git-annex"),
        ('<<<<<<< HEAD\n{"a": 1}\n=======\n{"a": 2}\n>>>>>>> other\n', "<<<<<<< of an unfinished merge in line 1"),
        ('{\n"a": 1\n=======\n"a": 2\n}\n', "the mark ======= of an unfinished merge in line 3"),
        ('{\r\n"a": 1\r\n>>>>>>> other\r\n}', "the mark >>>>>>> of an unfinished merge in line 3"),
        ('{\n||||||| base\n"a": 1\n}', "the mark ||||||| of an unfinished merge in line 2"),
    ],
)  # fmt: skip
def test_what_stands_for_a_file_or_is_half_merged_is_named(tmp_path, text, said):
    path = tmp_path / "baseline.json"
    path.write_text(text, newline="")
    with pytest.raises(BadConfig, match=r"^--run: ") as refused:
        read_json("--run", path)
    assert said in str(refused.value)
    one_line(call("gate", "--baseline", str(path)), Code.USAGE, "--baseline: ", said)


def test_marks_inside_a_text_are_text(tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text('{"name": "<<<<<<< HEAD and ======="}')
    assert read_json("--baseline", path) == path.read_bytes()


def test_a_socket_of_a_home_of_any_name_is_an_address():
    assert up._broker_url(Path("/a?b#c%41 d")) == "redis+socket:///a%3Fb%23c%2541%20d?virtual_host=0"
