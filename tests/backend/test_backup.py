"""A store and the files of its runs come back from a backup as they were, whatever happened since."""

import hashlib
import io
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from backend.artifacts import Artifacts, attempt, checkpoint
from backend.backup.archive import HEAD, members, verified
from backend.backup.restoring import restore
from backend.backup.taking import take
from backend.demo import load_demo
from backend.migrations import check, upgrade
from backend.store import NewBaseline, RunQuery, SchemaMismatch, Store, make_engine
from backend.store.schema import SCHEMA_VERSION, metadata
from mgic.errors import BadConfig, Conflict
from mgic.records import Artifact, ModelFigures, Source
from tests.backend.store_points import add, overwrite, succeeded, taken
from tests.backend.test_migrations import dumped, of_0002  # noqa: F401 - a fixture
from tests.cases import thorough

CONTENT = b"weights " * 1000
FILE = Artifact(
    name="model.safetensors",
    media_type="application/octet-stream",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


class Lab:
    """A store with its files; unpooled, so that nothing of it stays open."""

    def __init__(self, url: str, folder: Path) -> None:
        self.engine = make_engine(url, pooled=False)
        self.store = Store(self.engine)
        self.folder = folder
        self.artifacts = Artifacts(str(folder / "artifacts"))
        self.archive = folder / "lab.tar"

    def fill(self) -> None:
        """Two runs that have ended, one in work, one that waits, demo data, a baseline."""
        upgrade(self.engine)
        load_demo(self.store)
        add(self.store, 3, tags=("paper",))
        for _ in range(2):
            claim = taken(self.store)
            self.store.record(claim.run_id, claim.fence, [("loss", 1, 0.5), ("loss", 2, None)], ["línea\t1", "\\N"])
            self.put(CONTENT, attempt(claim.run_id, claim.fence, FILE.name))
            self.store.finish(claim.run_id, claim.fence, succeeded(), [FILE])
        self.ended = claim.run_id
        self.in_work = taken(self.store).run_id
        self.put(b"snapshot", checkpoint(self.in_work, "part/0001.pt"))
        figures = ModelFigures(model="m", options={}, input_size=(3, 8, 8), params=1, macs=1, size_bytes=1)
        self.store.add_baseline(NewBaseline("main", Source(mgic="0", commit="c", dirty=False), (figures,)))

    def put(self, content: bytes, key: str) -> None:
        (self.folder / "file").write_bytes(content)
        self.artifacts.put(self.folder / "file", key)

    def take(self):
        with self.archive.open("wb") as file:
            return take(self.engine, self.artifacts, self.folder / "work", file)

    def restore(self, replace: bool = True):
        return restore(self.archive, self.engine, self.artifacts, self.folder / "work", replace)

    def files(self) -> dict[str, bytes]:
        folder = self.artifacts.folder
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def content_of(engine: sa.Engine) -> dict[str, str]:
    """A hash of all rows of each table."""
    hashes = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = connection.execute(sa.select(table).order_by(*table.primary_key)).all()
            hashes[table.name] = f"{len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()}"
    return hashes


@pytest.fixture
def lab(database_url, tmp_path):
    lab = Lab(database_url, tmp_path)
    yield lab
    lab.engine.dispose()


def test_everything_comes_back_and_what_came_since_goes(lab):
    lab.fill()
    before, files = content_of(lab.engine), lab.files()
    taken_now = lab.take()
    assert (taken_now.faults, taken_now.files, taken_now.size) == ((), 3, 2 * len(CONTENT) + len(b"snapshot"))
    lab.store.delete_run(lab.ended)
    lab.artifacts.remove(str(lab.ended))
    lab.put(b"newer", checkpoint(lab.in_work, "part/0002.pt"))
    (later,) = add(lab.store)
    since = taken(lab.store)
    lab.put(b"later", attempt(since.run_id, since.fence, "x"))
    with pytest.raises(Conflict, match=r"is not empty: --replace"):
        lab.restore(replace=False)
    done = lab.restore()
    assert (done.files, done.before, done.head.rows["runs"]) == (3, SCHEMA_VERSION, len(lab.store.runs(500)[0]))
    left = content_of(lab.engine)
    assert {name: left[name] for name in before if name != "leftovers"} == {
        name: rows for name, rows in before.items() if name != "leftovers"
    }
    assert lab.store.leftovers(9) == [later]
    kept = {key: content for key, content in lab.files().items() if not key.startswith(str(later))}
    assert kept == files
    assert lab.store.sweep(lab.store.run(add(lab.store)[0]).sweep_id).total == 1, "numbers go on above those that came"


@pytest.mark.thorough
def test_an_empty_place_is_made(lab):
    lab.fill()
    before = content_of(lab.engine)
    lab.take()
    with lab.engine.begin() as connection:
        reflected = sa.MetaData()
        reflected.reflect(connection)
        reflected.drop_all(connection)
    assert lab.restore(replace=False).before is None
    assert content_of(lab.engine) == before


def test_a_store_in_use_is_left_alone(lab):
    lab.fill()
    lab.take()
    before = content_of(lab.engine)
    with lab.engine.connect() as other:
        other.execute(sa.text("select 1"))
        with pytest.raises(Conflict, match=r"in use.*stop the service first"):
            lab.restore()
    assert content_of(lab.engine) == before


@pytest.mark.parametrize("first", [0, *thorough(1)])
def test_a_damaged_store_is_replaced_with_what_lies_beside_it(sqlite_url, tmp_path, first):
    lab = Lab(sqlite_url, tmp_path)
    lab.fill()
    lab.take()
    before, file = content_of(lab.engine), Path(lab.engine.url.database)
    with lab.engine.connect() as service:
        service.execute(sa.text("select count(*) from sweeps"))
        add(lab.store, 5)
        newest = file.with_name(f"{file.name}-wal").read_bytes()
    overwrite(file, first)
    file.with_name(f"{file.name}-wal").write_bytes(newest)
    with pytest.raises(Conflict, match="is damaged: --replace puts the backup in its place"):
        lab.restore(replace=False)
    assert lab.restore().before is None
    assert content_of(lab.engine) == before
    assert not file.with_name(f"{file.name}-wal").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"weights ", b"Weights ", 1)),
            "is damaged: artifacts/",
        ),
        (lambda path: replace_head(path, b'"schema_version": "9999"'), "schema 9999, newer than this program's"),
        *thorough(
            (lambda path: path.write_bytes(path.read_bytes()[:-20_000]), "not whole|cut off|no whole tar"),
            (lambda path: path.write_bytes(b"no tar at all" * 1000), "no whole tar file"),
            (lambda path: replace_head(path, b'"format": 2'), "made by the newer version"),
        ),
    ],
)
def test_nothing_is_changed_by_what_cannot_be_restored(sqlite_url, tmp_path, spoil, words):
    lab = Lab(sqlite_url, tmp_path)
    lab.fill()
    lab.take()
    spoil(lab.archive)
    before, files = content_of(lab.engine), lab.files()
    with pytest.raises((BadConfig, SchemaMismatch), match=words):
        lab.restore()
    assert content_of(lab.engine) == before
    assert lab.files() == files


def replace_head(path: Path, text: bytes) -> None:
    """With another value of a field, and its hash."""
    name = text.partition(b":")[0]
    lines = {}
    for member, _, content in members(path):
        lines[member] = content.read()
    head = lines[HEAD].splitlines()
    lines[HEAD] = b"\n".join(text + b"," if line.strip().startswith(name) else line for line in head) + b"\n"
    sums = {one: hashlib.sha256(content).hexdigest() for one, content in lines.items() if one != "SHA256SUMS"}
    lines["SHA256SUMS"] = "".join(f"{digest}  {one}\n" for one, digest in sums.items()).encode()
    with tarfile.open(path, "w") as tar:
        for one, content in lines.items():
            info = tarfile.TarInfo(one)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_what_a_killed_backup_has_left_goes_with_the_next_one(sqlite_url, tmp_path):
    lab = Lab(sqlite_url, tmp_path)
    lab.fill()
    (tmp_path / "work").mkdir(exist_ok=True)
    left, others = (tmp_path / "work" / f"backup.part.{pid}" for pid in (2**22 + 1, os.getppid()))  # Linux has no such
    left.touch()
    others.touch()
    lab.take()
    assert (left.exists(), others.exists()) == (False, True)


def test_a_file_that_is_missing_or_damaged_is_named_and_the_rest_is_there(sqlite_url, tmp_path):
    lab = Lab(sqlite_url, tmp_path)
    lab.fill()
    first, second = sorted(key for key in lab.files() if key.endswith(FILE.name))
    (lab.artifacts.folder / first).unlink()
    (lab.artifacts.folder / second).write_bytes(b"not this")
    assert lab.take().faults == (f"{first} is not there", f"{second} is not what the run has left")
    assert verified(lab.archive).rows["runs"] > 0


@pytest.mark.thorough
def test_a_backup_of_another_kind_of_database_is_refused(sqlite_url, postgres_url, tmp_path):
    lab, other = Lab(sqlite_url, tmp_path), make_engine(postgres_url, pooled=False)
    lab.fill()
    lab.take()
    with pytest.raises(BadConfig, match="is of a store in sqlite, MGIC_DATABASE_URL is of one in postgresql"):
        restore(lab.archive, other, lab.artifacts, tmp_path, replace=True)


@pytest.mark.thorough
def test_an_older_store_is_backed_up_as_it_is_and_comes_back_at_the_newest_schema(of_0002, tmp_path):  # noqa: F811
    url = of_0002.url.render_as_string(hide_password=False)
    of_0002.dispose()
    lab = Lab(url, tmp_path)
    assert lab.take().head.schema_version == "0002"
    upgrade(lab.engine)
    expected = content_of(lab.engine)
    done = lab.restore()
    assert (done.head.schema_version, done.before, check(lab.engine)) == ("0002", SCHEMA_VERSION, SCHEMA_VERSION)
    assert content_of(lab.engine) == expected
    assert done.head.rows["runs"] == len(dumped("0002")["runs"])


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(3))
def test_a_backup_is_of_one_moment_while_others_write(lab, number):
    """A run has as many points as lines whenever one looks: both come in one transaction."""
    lab.fill()
    ended = threading.Event()
    written = []

    def write() -> None:
        while not ended.is_set():
            ids = add(lab.store, 2)
            for _ in ids:
                claim = taken(lab.store)
                for step in range(5):
                    lab.store.record(claim.run_id, claim.fence, [(f"c{number}", step, 1.0)], ["line"])
                lab.put(CONTENT, attempt(claim.run_id, claim.fence, FILE.name))
                lab.store.finish(claim.run_id, claim.fence, succeeded(), [FILE])
                written.append(claim.run_id)
            lab.store.delete_run(written.pop(0))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not written:
            assert writer.is_alive()
        assert lab.take().faults == ()
    finally:
        ended.set()
        writer.join()
    lab.restore()
    with lab.engine.connect() as connection:
        query = (
            "select (select count(*) from curves where name = :name), (select count(*) from logs where line = 'line')"
        )
        points, lines = connection.execute(sa.text(query), {"name": f"c{number}"}).one()
    assert points == lines > 0


def backup(url: str, folder: Path, *words: str, **options) -> subprocess.CompletedProcess:
    environment = os.environ | {"MGIC_DATABASE_URL": url, "MGIC_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "backend.backup", *words]
    return subprocess.run(command, env=environment, capture_output=True, timeout=120, **options)


@pytest.mark.thorough
def test_the_newest_transactions_are_in_it_and_it_goes_down_a_pipe(sqlite_url, tmp_path):
    """What a copy of the file alone would lack, while it looks whole: SQLite's newest lie in the `-wal`."""
    lab = Lab(sqlite_url, tmp_path)
    upgrade(lab.engine)
    with lab.engine.connect() as service:  # holds the database open, so that nothing is moved into the file
        service.execute(sa.text("select count(*) from sweeps"))
        service.rollback()
        add(lab.store, 5)
        file = Path(lab.engine.url.database)
        copy = tmp_path / "copy.db"
        subprocess.check_call(["cp", file, copy])  # not by this process: closing the file would drop SQLite's locks
        with sqlite3.connect(copy) as plain:
            assert plain.execute("select count(*) from runs").fetchone() == (0,)
        done = backup(sqlite_url, tmp_path, "take", "-")
        refused = backup(sqlite_url, tmp_path, "restore", "-", "--replace", input=done.stdout)
    assert done.returncode == 0, done.stderr
    assert b"1 sweeps, 5 runs" in done.stderr
    assert (refused.returncode, b"is in use: stop the service first" in refused.stderr) == (78, True)
    again = backup(sqlite_url, tmp_path, "restore", "-", "--replace", input=done.stdout)
    assert again.returncode == 0, again.stderr
    assert lab.store.count_runs(RunQuery()) == 5


NOWHERE = "postgresql://mgic:x@127.0.0.1:1/mgic"


@pytest.mark.parametrize(
    ("code", "words", "url", "asked"),
    [
        (78, "is not there", "", ("take", "a.tar")),
        *thorough(
            (69, "the database 127.0.0.1 cannot be used", NOWHERE, ("take", "a.tar")),
            (74, "No such file", "", ("restore", "none.tar")),
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(tmp_path, code, words, url, asked):
    done = backup(url, tmp_path, *asked, cwd=tmp_path)
    (line,) = done.stderr.decode().splitlines()
    assert (done.returncode, words in line) == (code, True), line
    assert not list(tmp_path.glob("a.tar*"))
