"""What the tests that watch one run need: a store, a place for files, and a child that does as it is told."""

import sys
import textwrap
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from backend.artifacts import Artifacts
from backend.migrations import upgrade
from backend.settings import Settings
from backend.store import Lease, NewRun, NewSweep, Slot, Store, make_engine
from tests.cases import thorough
from worker.child import Child
from worker.supervise import supervise

ME = Slot("w", "h", "cpu", "cpu")
NEVER = lambda: False  # noqa: E731


@pytest.fixture(params=["sqlite_url", *thorough("postgres_url")])
def url(request) -> str:
    """Of an empty database, once on each."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(url) -> Iterator[Store]:
    """An empty one, at most 3 attempts a run."""
    engine = make_engine(url)
    upgrade(engine)
    store = Store(engine, Lease(30, 3))
    yield store
    store.close()


# What a child's script begins with: `tell` speaks as the real runner does, `succeed` ends well.
PRELUDE = """
import json, os, pathlib, signal, sys, time
channel = os.fdopen(int(sys.argv[1]), "w")
def tell(kind, **fields):
    channel.write(json.dumps({"kind": kind, **fields}) + "\\n"); channel.flush()
def leave(name, text):
    os.makedirs(job["folder"], exist_ok=True)
    open(f"{job['folder']}/{name}", "w").write(text)
    files.append({"name": name, "media_type": "text/plain", "size": len(text), "sha256": "0" * 64})
def succeed(**result):
    tell("outcome", artifacts=files, outcome={"status": "succeeded", "config": {}, "result": result,
                                           "environment": {}, "seconds": 0.1})
files = []
job = json.loads(sys.stdin.readline())
tell("begun", pid=os.getpid())
"""


@pytest.fixture
def settings(url, tmp_path):
    return Settings(database_url=url, home=tmp_path, heartbeat_s=0.2, poll_s=0.1, grace_s=0.5, shutdown_grace_s=0.5)


@pytest.fixture
def artifacts(settings):
    return Artifacts(settings.artifacts)


@pytest.fixture
def execute(store, artifacts, settings, tmp_path):
    """Queue a run, claim it, and supervise a child with this script; the run as it is then."""

    def execute(script, stopping=NEVER, meanwhile=None, settings=settings, again=False, inputs=None, then=None):
        new = NewRun({}, {}, uuid4().hex, "cpu", "cpu", None, inputs=inputs or {})
        store.add_sweep(NewSweep("x", 1, [{}], [new]))
        if again:
            first = store.claim(ME)
            store.release(first.run_id, first.fence, None)
        claim = store.claim(ME)
        path = tmp_path / "child.py"
        path.write_text(PRELUDE + textwrap.dedent(script))
        child = Child(tmp_path, settings.scratch, 1, None, (sys.executable, str(path)))
        helper = threading.Thread(target=meanwhile or (lambda _claim: None), args=(claim,))
        helper.start()
        try:
            execute.done = supervise(claim, child, store, artifacts, settings, stopping, then)
            if execute.done.usable:
                child.dismiss()
        finally:
            helper.join()
        execute.child = child
        return store.run(claim.run_id)

    execute.settings = settings
    return execute
