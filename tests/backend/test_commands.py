"""The commands that find, name, tag and delete runs and sweeps, against an API without workers."""

import json
import os
import pty
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from backend.store import Store
from mgic.cli import app
from mgic.cli.terminal import Code
from mgic.records import SweepRequest
from tests.backend.store_points import add, ended, fail, slot, succeeded, taken
from tests.conftest import wait_for


@pytest.fixture(scope="module")
def store(api):
    store = Store.open(f"sqlite:///{api.folder / 'mgic.db'}")
    yield store
    store.close()


@pytest.fixture
def call(api):
    def call(*arguments: str):
        return CliRunner().invoke(app, [*arguments, "--api-url", api.client.url], env={"MGIC_API_KEY": ""})

    return call


@pytest.fixture
def runs(store):
    """Three that have ended, with 90, 91 and 92 per cent."""
    ids = add(store, [{"group_size": size} for size in (2, 4, 8)], experiment="classification", name="sizes")
    for number, run_id in enumerate(ids):
        claim = taken(store, slot())
        assert claim.run_id == run_id
        store.finish(run_id, claim.fence, succeeded(top1=90.0 + number))
    yield ids
    for sweep in store.sweeps(50)[0]:
        store.cancel_sweep(sweep.id)
        store.delete_sweep(sweep.id)


def test_runs_are_listed_with_the_fields_that_were_asked_for(call, runs):
    done = call("runs", "--where", "result.top1>=91", "--where", "config.group_size>=2", "--sort", "-result.top1")
    assert [line.split()[0] for line in done.stdout.splitlines()] == [str(runs[2]), str(runs[1])]
    assert "92" in done.stdout.splitlines()[0]
    assert "2 of 2 runs" in done.stderr
    told = json.loads(call("runs", "-q", "sizes", "--json").stdout)
    assert [item["id"] for item in told["items"]] == [str(run) for run in reversed(runs)]
    refused = call("runs", "--sort", "result.top2")
    assert refused.exit_code == Code.USAGE
    assert "did you mean 'result.top1'?" in refused.stderr


def test_sweeps_and_runs_are_edited_by_one_command(api, call, runs):
    sweep_id = str(api.client.run(runs[0]).sweep_id)
    done = call("edit", sweep_id, "--name", "better", "--tag", "Paper A", "--tag", "b", "--notes", "why")
    assert done.stdout == f"{sweep_id} better | b,paper-a | why\n"
    assert call("edit", sweep_id, str(runs[0]), "--untag", "b", "--tag", "c").exit_code == 0
    assert (api.client.sweep(sweep_id).tags, api.client.run(runs[0]).tags) == (("c", "paper-a"), ("c",))
    assert api.client.sweep(sweep_id).notes == "why"
    assert "give --name" in call("edit", sweep_id).stderr
    assert call("edit", str(runs[0]), "--name", "x").exit_code == Code.USAGE  # a run has none


def test_nothing_is_deleted_unasked(api, call, runs):
    sweep_id = str(api.client.run(runs[0]).sweep_id)
    refused = call("delete", sweep_id)
    assert (refused.exit_code, "--yes is needed" in refused.stderr) == (Code.USAGE, True)
    assert "the sweep sizes" in refused.stderr
    assert call("delete", sweep_id, "--tag", "x").exit_code == Code.USAGE
    assert call("delete").exit_code == Code.USAGE
    assert call("delete", str(runs[0]), "--yes").stdout == f"{runs[0]} deleted\n"
    assert call("delete", str(runs[0]), "--yes").exit_code == Code.NOTHING
    assert api.client.sweep(sweep_id).total == 2


@pytest.mark.parametrize(("answer", "left"), [("n", 1), ("y", 0)])
def test_on_a_terminal_it_is_asked_once(api, runs, answer, left):
    sweep_id = str(api.client.run(runs[0]).sweep_id)
    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "mgic", "delete", sweep_id, "--api-url", api.client.url]
    process = subprocess.Popen(command, stdin=inner, stdout=subprocess.PIPE, stderr=inner)
    os.close(inner)
    shown = b""

    def asked():
        nonlocal shown
        shown += os.read(outer, 1000)
        return b"[y/N]" in shown

    wait_for(asked, 20, "the question")
    os.write(outer, f"{answer}\n".encode())
    assert process.wait(30) == (Code.NOTHING if left else Code.OK)
    process.stdout.close()
    os.close(outer)
    assert len([one for one in api.client.sweeps(500).items if str(one.id) == sweep_id]) == left


def test_all_with_a_tag_goes_but_what_is_needed(api, call, store, runs):
    first = api.client.run(runs[0]).sweep_id
    api.client.update_sweep(first, tags=["demo"])
    (other,) = add(store, [{"y": 1}], needs=[runs[0]])
    api.client.update_run(other, tags=["demo"])
    kept = call("delete", "--tag", "demo", "--yes")
    assert (kept.exit_code, kept.stdout) == (Code.NOTHING, "0 deleted\n")
    assert "kept: " in kept.stderr
    assert "as its input" in kept.stderr
    api.client.cancel_run(other)
    assert call("delete", "--tag", "demo", "--yes").stdout == "2 deleted\n"
    assert call("delete", "--tag", "demo", "--yes").exit_code == Code.NOTHING


def test_the_rest_of_a_cancelled_sweep_runs_when_that_is_said(api, call, store, runs):
    sweep = api.client.submit(SweepRequest(experiment="cost", axes={"side": [8, 16, 32]}))
    fail(store, taken(store, slot()))
    api.client.cancel_sweep(sweep.id)
    done = call("retry", str(sweep.id))
    assert "2 cancelled runs were left as they are; next: mgic retry" in done.stderr
    assert api.client.sweep(sweep.id).counts == {"queued": 1, "cancelled": 2}
    done = call("retry", str(sweep.id), "--cancelled")
    assert done.stderr == ""
    assert api.client.sweep(sweep.id).counts == {"queued": 3}


def test_demo_data_come_and_go(api, call, runs):
    done = call("demo")
    assert len(done.stdout.splitlines()) == 3
    assert call("demo").exit_code == Code.USAGE
    assert call("demo", "--remove").exit_code == 0
    assert api.client.runs(tag="demo").items == ()


def test_what_ended_in_no_success_is_listed_by_its_status(call, store, runs):
    (failed,) = add(store)
    claim = taken(store, slot())
    store.finish(failed, claim.fence, ended("failed"))
    assert call("runs", "--status", "failed").stdout.startswith(str(failed))
