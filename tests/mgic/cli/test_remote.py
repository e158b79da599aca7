"""The commands that speak to a service, against one with a worker; and without any."""

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.results import as_markdown, interesting
from mgic.cli.terminal import Code
from mgic.cores import usable_cores

MGIC = str(Path(sys.executable).with_name("mgic"))
TINY = ("model=mgic_resnet20", "dataset=digits", "width=8", "batch_size=32", "max_steps=1", "device=cpu")
NOWHERE = "http://127.0.0.1:9"
WAIT = ("--wait", "--timeout", "120")


def call(url: str, *arguments: str):
    return CliRunner().invoke(app, [*arguments, "--api-url", url], env={"MGIC_API_KEY": ""})


def told(url: str, *arguments: str):
    done = call(url, *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def finished(service) -> str:
    """The id of a sweep of two runs that have ended."""
    done = call(service.url, "submit", "classification", *TINY, "group_size=4,8", "--name", "from a test", *WAIT)
    assert done.exit_code == 0, done.stderr
    assert "2 succeeded" in done.stdout
    return done.stdout.split()[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit", "classification"),
        ("status",),
        ("logs", str(uuid4())),
        ("cancel", str(uuid4())),
        ("retry", str(uuid4())),
        ("table", str(uuid4())),
        ("export", "classification"),
    ],
)
def test_no_service_is_5_and_says_how_to_start_one(arguments):
    done = call(NOWHERE, *arguments)
    assert done.exit_code == Code.UNREACHABLE
    assert "mgic up" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status", "nonsense"), "not an id"),
        (("submit",), "name an experiment or a recipe"),
        (("submit", "classification", "seed="), "empty value"),
        (("submit", "classification", "--priority", "10"), "priority"),
    ],
)
def test_a_slip_is_2_before_anything_is_sent(arguments, said):
    done = call(NOWHERE, *arguments)
    assert done.exit_code == Code.USAGE
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("submit", "clasification", "seed=1"), "clasification"),
        (("submit", "classification", "epochs=0"), "epochs"),
        (("submit", "classification", "nothing_like_it=1"), "nothing_like_it"),
        (("submit", "--recipe", "no_such_recipe"), "no_such_recipe"),
        (("submit", "classification", "--name", "<img>"), "name"),
    ],
)
def test_what_the_service_refuses_is_2_in_its_words(service, arguments, said):
    done = call(service.url, *arguments)
    assert done.exit_code == Code.USAGE
    assert said in done.stderr
    assert done.stdout == ""


def test_a_sweep_is_followed_to_its_end(service, finished):
    assert UUID(finished)
    status = told(service.url, "status", finished)
    assert status["sweep"]["name"] == "from a test"
    assert [run["requested"]["group_size"] for run in status["runs"]] == [4, 8]
    assert {run["status"] for run in status["runs"]} == {"succeeded"}
    assert finished in call(service.url, "status").stdout
    assert finished in [sweep["id"] for sweep in told(service.url, "status")["items"]]


def test_the_same_key_gives_the_same_sweep(service):
    arguments = ("submit", "classification", *TINY, "seed=7", "--idempotency-key", "one-and-the-same")
    first, second = (told(service.url, *arguments)["id"] for _ in range(2))
    assert first == second


def test_a_dry_run_shows_costs_and_queues_nothing(service):
    before = [sweep["id"] for sweep in told(service.url, "status")["items"]]
    done = call(service.url, "submit", "classification", *TINY, "group_size=4,8", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert "2 runs" in done.stderr
    preview = told(service.url, "submit", "classification", *TINY, "--dry-run")
    assert preview["total"] == 1
    assert preview["points"][0]["cost"]["params"] > 0
    assert [sweep["id"] for sweep in told(service.url, "status")["items"]] == before


def test_a_dry_run_of_what_cannot_run_is_2(service):
    done = call(service.url, "submit", "classification", "model=mgic_resnet20", "width=17", "--dry-run")
    assert done.exit_code == Code.USAGE


def test_a_failed_run_is_1(service):
    wild = ("max_steps=30", "learning_rate=1000", "weight_decay=1")
    done = call(service.url, "submit", "classification", *TINY[:4], *wild, "--priority", "0", *WAIT)
    assert done.exit_code == Code.RUN_FAILED
    assert "1 failed" in done.stdout


def test_the_end_of_patience_is_5(service):
    slow = [*TINY[:4], "epochs=1000", "device=cpu"]
    done = call(service.url, "submit", "classification", *slow, "--wait", "--timeout", "0.1")
    assert done.exit_code == Code.UNREACHABLE
    sweep = told(service.url, "status")["items"][0]["id"]
    assert call(service.url, "cancel", sweep).exit_code == 0


def test_a_run_can_be_cancelled_and_run_again(service):
    slow = [*TINY[:4], "epochs=1000", "device=cpu"]
    sweep = told(service.url, "submit", "classification", *slow)["id"]
    run = told(service.url, "status", sweep)["runs"][0]["id"]
    assert told(service.url, "cancel", run)["status"] in ("cancelling", "cancelled")
    assert call(service.url, "logs", run, "--follow").exit_code == 0
    assert told(service.url, "status", sweep)["runs"][0]["status"] == "cancelled"
    assert call(service.url, "table", sweep).exit_code == Code.NOTHING
    again = told(service.url, "retry", run)
    assert again["retry_of"] == run
    assert call(service.url, "cancel", again["sweep_id"]).exit_code == 0


def test_logs_are_json_lines_if_asked_for(service, finished):
    run = told(service.url, "status", finished)["runs"][0]["id"]
    plain = call(service.url, "logs", run)
    lines = call(service.url, "logs", run, "--json")
    assert plain.exit_code == lines.exit_code == 0
    assert [json.loads(line)["line"] for line in lines.stdout.splitlines()] == plain.stdout.splitlines()


@pytest.mark.parametrize("command", ["status", "cancel", "logs", "retry", "table"])
def test_an_id_that_nobody_has_is_4(service, command):
    done = call(service.url, command, str(uuid4()))
    assert done.exit_code == Code.NOTHING
    assert "there is no" in done.stderr


def test_a_table_has_what_differs_and_what_came_out(service, finished):
    lines = call(service.url, "table", finished).stdout.splitlines()
    header = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert header[0] == "group_size"
    assert {"top1", "params", "macs"} <= set(header)
    assert not {"seed", "dataset"} & set(header)
    assert len(lines) == 2 + 2
    rows = list(csv.DictReader(io.StringIO(call(service.url, "table", finished, "--format", "csv").stdout)))
    assert {"run_id", "name", "host", "finished_at", "env_commit", "dataset", *header} <= set(rows[0])
    assert [row["group_size"] for row in rows] == ["4", "8"]
    assert [row["group_size"] for row in told(service.url, "table", finished)["items"]] == [4, 8]


def test_means_of_a_sweep_are_a_table_for_a_paper_that_is_checked_later(service, finished, tmp_path):
    path = tmp_path / "paper.tex"
    address = f"http://anywhere/sweep?sweep={finished}"
    wanted = ("--format", "latex", "--columns", "top1,params", "--out", str(path))
    assert call(service.url, "table", address, *wanted).exit_code == 0
    text = path.read_text()
    assert r"Group size $s_g$ & n & Top-1 accuracy (\%) & Parameters" in text
    assert call(service.url, "table", "check", str(path)).exit_code == 0
    (number,) = set(re.findall(r"^    4 & 1 & \$([\d.]+)\$", text, re.MULTILINE))
    path.write_text(text.replace(f"${number}$", "$101.5$", 1))
    done = call(service.url, "table", "check", str(path))
    assert done.exit_code == Code.REGRESSION
    assert "paper.tex:10: Top-1 accuracy (%) of 4: printed 101.5, stored " in done.stdout
    path.write_text(text.replace(finished, str(uuid4())))
    done = call(service.url, "table", "check", str(path))
    assert done.exit_code == Code.REGRESSION
    assert done.stdout.count("missing: there is no") == 2
    assert told(service.url, "table", finished, "--by", "config", "--columns", "top1")["items"][0]["top1_n"] == 1


def test_the_plots_of_an_address_are_listed_and_its_wrong_words_named(service, finished):
    listed = call(service.url, "figure", f"http://anywhere/sweep?sweep={finished}", "--list")
    assert listed.exit_code == 0
    assert "accuracy-against-macs  Accuracy against MACs" in listed.stdout.splitlines()
    wrong = call(service.url, "figure", f"http://anywhere/sweep?sweep={finished}&scale=lgo&more=1", "--list")
    assert wrong.exit_code == Code.USAGE
    assert "scale=lgo in the address: did you mean log?" in wrong.stderr
    assert "more in the address: this page has sweep" in wrong.stderr
    unknown = call(service.url, "figure", f"http://x/sweep?sweep={finished}", "--out", "a.svg", "--plot", "no")
    assert unknown.exit_code == Code.USAGE
    assert "it has accuracy-against-macs" in unknown.stderr


def test_an_export_has_every_finished_run(service, finished, tmp_path):
    path = tmp_path / "all.csv"
    done = call(service.url, "export", "classification", "--out", str(path))
    assert done.exit_code == 0
    rows = path.read_text().splitlines()
    assert "top1" in rows[0].split(",")
    items = told(service.url, "export", "classification")["items"]
    assert len(items) >= 2


def test_ctrl_c_while_waiting_asks_and_a_second_one_detaches(service):
    slow = [*TINY[:4], "epochs=1000", "device=cpu"]
    ours, theirs = pty.openpty()
    command = [MGIC, "submit", "classification", *slow, "--wait", "--api-url", service.url]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        seen = read_until(ours, "runs of classification")
        sweep = seen.split("sweep ")[1].split(":")[0]
        process.send_signal(signal.SIGINT)
        read_until(ours, "[c]ancel")
        process.send_signal(signal.SIGINT)
        read_until(ours, "goes on")
        assert process.wait(20) == Code.INTERRUPTED
    os.close(ours)
    assert told(service.url, "status", sweep)["sweep"]["finished"] is False
    assert call(service.url, "cancel", sweep).exit_code == 0


def read_until(terminal: int, words: str) -> str:
    seen = ""
    deadline = time.monotonic() + 60
    while words not in seen:
        assert time.monotonic() < deadline, seen
        seen += os.read(terminal, 1024).decode()
    return seen


def test_doctor_says_what_is_here(service):
    checks = {check["name"]: check for check in told(service.url, "doctor")["checks"]}
    assert checks["running service"]["status"] == "ok"
    assert checks["torch"]["status"] == checks["valkey"]["status"] == checks["data digits"]["status"] == "ok"
    assert checks["cores"]["detail"].startswith(f"{usable_cores()} to use of {os.cpu_count()} in this machine; ")
    assert "ok" in call(service.url, "doctor").stdout


def test_doctor_is_5_where_a_named_server_is_not_there(tmp_path):
    done = call(NOWHERE, "doctor", "--broker-url", "redis://127.0.0.1:9/0", "--json")
    assert done.exit_code == Code.UNREACHABLE
    report = json.loads(done.stdout)
    assert report["able"] is False
    assert {check["name"]: check["status"] for check in report["checks"]}["broker"] == "missing"


def test_a_cell_can_neither_break_the_table_nor_run_in_a_spreadsheet():
    rows = [{"name": "=cmd()", "note": 'a|b\n"c"', "top1": 91.25, "left": None, "delta": -1}]
    columns = list(rows[0])
    assert as_markdown(columns, rows).splitlines()[2] == '| =cmd() | a\\|b "c" | 91.25 | - | -1 |'


def test_fields_are_columns_where_they_differ_and_results_where_they_hold_one_value():
    rows = [
        {"model": "m", "seed": 0, "group_size": 4, "width": 8, "top1": 1.0, "rows": [1]},
        {"model": "m", "seed": 1, "group_size": 8, "width": 8, "top1": 2.0, "rows": [2]},
    ]
    fields = ["model", "seed", "group_size", "width"]
    assert interesting(rows, fields, ["top1", "rows"]) == ["seed", "group_size", "top1"]
