"""A person with a repository and a network of her own gets everything that the lab does with its own networks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.pages import SCRIPTS
from mgic.client import Client
from mgic.records import Run, RunStatus, SweepRequest
from tests.conftest import start_service, stop_service, wait_for
from tests.outside import commit, make_repository

ROOT = Path(__file__).parents[1]
WIDE = {"width": [4]}
PLAIN, BIASED = "width, 3, padding=1)", "width, 3, padding=1), nn.Conv2d(width, width, 1)"


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    return make_repository(tmp_path_factory.mktemp("theirs"))


def opened(api: Client, name: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
    page.session_state["client"] = api
    page.run()
    return page.switch_page(SCRIPTS[name]).run()


def finished(api: Client, reuse: bool = False) -> Run:
    sweep = api.submit(SweepRequest(experiment="our_weights", axes=WIDE, reuse=reuse))
    api.wait(sweep.id, timeout=120)
    (run,) = api.sweep_runs(sweep.id)
    assert run.status is RunStatus.SUCCEEDED, run.failure
    return run


def duplicate(api: Client) -> UUID | None:
    (point,) = api.preview(SweepRequest(experiment="our_weights", axes=WIDE)).points
    return point.duplicate_of


def test_what_installed_packages_bring_is_served_and_what_fails_is_named(broken):
    api = broken.client
    named, failed, ours = sorted(api.system().plugins, key=lambda plugin: plugin.module != "weighing")
    assert (named.module, named.asked_by, named.error) == ("weighing", "--import", "")
    assert (failed.module, failed.asked_by) == ("broken_nets", "broken-nets 1.0")
    assert failed.error == "ModuleNotFoundError: No module named 'nothing_of_the_kind'"
    wait_for(lambda: "broken_nets (broken-nets 1.0) is left out: Mod" in broken.log("../up"), 10, "a word of mgic up")
    assert (ours.module, ours.error) == ("lab_nets", "")
    assert set(ours.registers) == {"model our_net", "experiment our_weights", "data set our_noise"}
    packages = {one.name: one.package for one in [*api.models(), *api.experiments(), *api.datasets()]}
    brought = {"our_net", "our_weights", "our_noise"}
    assert {name: package for name, package in packages.items() if package == "lab_nets"}.keys() == brought
    page = opened(api, "system")
    table = next(one.value for one in page.dataframe if "fingerprint" in one.value)
    assert sorted(table["state"]) == ["✔ imported", "✔ imported", "✖ left out"]


@pytest.fixture
def patient(broken) -> Iterator[Client]:
    """More than most: a catalogue whose code has changed is replaced before it answers."""
    client = Client(broken.url, timeout=120)
    yield client
    client.close()


def test_edited_code_is_never_run_under_another_name_and_no_result_is_taken_for_its(broken, patient):
    api, repository = patient, broken.home.parent
    nets = repository / "lab_nets" / "nets.py"
    assert api.model_cost("our_net", width=4).params == 162  # 4 * 3 * 9 + 4, and 10 * 4 + 10
    first = finished(api)
    subject = (first.environment or {})["subject"]
    head = subject["commit"]
    assert (first.result, subject["branch"], subject["dirty"]) == ({"weights": 162}, "main", False)
    (used,) = subject["plugins"]
    assert (used["module"], used["by"], used["commit"]) == ("lab_nets", "lab-nets 1.0", head)
    assert duplicate(api) == first.id
    assert finished(api, reuse=True).reused_from == first.id

    nets.write_text(nets.read_text().replace(PLAIN, BIASED))  # 4 * 4 + 4 more
    assert api.model_cost("our_net", width=4).params == 182
    assert duplicate(api) is None
    second = finished(api, reuse=True)
    subject = (second.environment or {})["subject"]
    assert (second.result, second.reused_from) == ({"weights": 182}, None)
    assert (subject["commit"], subject["dirty"]) == (head, True)
    assert subject["fingerprint"] != used["fingerprint"]
    assert finished(api, reuse=True).reused_from is None, "what is in no commit is run again"

    head = commit(repository)
    assert duplicate(api) is None
    third = finished(api, reuse=True)
    subject = (third.environment or {})["subject"]
    assert (third.reused_from, subject["commit"], subject["dirty"]) == (None, head, False)
    assert finished(api, reuse=True).reused_from == third.id
    row = list(api.results("our_weights"))[-1]
    assert (row["subject_commit"], row["subject_branch"], row["env_commit"]) == (head, "main", source())


def source() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def mgic(repository: Path, *words: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "mgic", *words]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=280)


def test_a_command_imports_what_it_is_told_and_does_not_go_on_without(repository):
    done = mgic(repository, "list", "datasets", "--import", "lab_nets")
    assert done.returncode == 0, done.stderr
    assert "our_noise" in done.stdout
    done = mgic(repository, "--import", "lab_nots", "list", "models")
    words = "lab_nots: there is no module lab_nots, neither in the current directory nor installed"
    assert (done.returncode, done.stderr) == (2, f"mgic: --import: {words}\n")


@pytest.mark.thorough
def test_a_run_says_by_whose_wish_a_plug_in_was_there(repository):
    done = mgic(repository, "run", "our_weights", "width=4", "--quiet", "--import", "lab_nets")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["environment"]["subject"]["plugins"][0]["by"] == "--import"


@pytest.mark.thorough
def test_the_doctor_names_each_and_what_is_wrong_with_it(repository):
    (repository / "crashing.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    done = mgic(repository, "doctor", "--json", "--import", "crashing", "--import", "lab_nets")
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["plug-in crashing"]["detail"] == "--import: its import ended the process (SIGSEGV)"
    assert found["plug-in lab_nets"]["status"] == "ok"
    assert found["data our_noise"]["status"] == "ok"


@pytest.mark.thorough
def test_a_training_of_two_processes_a_latency_and_a_gate_know_the_network(repository, tmp_path):
    ours = ("--import", "lab_nets")
    training = ("classification", "model=our_net", "dataset=our_noise", "epochs=2", "batch_size=16", "processes=2")
    done = mgic(repository, *ours, "run", *training, "--quiet")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"]["epochs_done"] == 2
    done = mgic(repository, "run", "latency", "models=our_net,resnet20", "rounds=3", "--quiet", *ours)
    assert done.returncode == 0, done.stderr
    assert {row["model"] for row in json.loads(done.stdout)["result"]["rows"]} == {"our_net", "resnet20"}
    baseline = str(tmp_path / "baseline.json")
    done = mgic(repository, "baseline", "our_net(width=4)", "--out", baseline, *ours)
    assert done.returncode == 0, done.stderr
    nets = repository / "lab_nets" / "nets.py"
    nets.write_text(nets.read_text().replace("nn.ReLU()", "nn.ReLU(), nn.Conv2d(width, width, 3)"))
    done = mgic(repository, "gate", "--baseline", baseline, *ours)
    assert done.returncode == 1, done.stderr
    assert "mgic: regression: 3 of 3 figures are worse than allowed" in done.stderr


@pytest.mark.thorough
def test_a_service_that_is_told_by_name_trains_it_and_the_form_offers_it(repository, tmp_path):
    service = start_service(tmp_path / "home", folder=repository, words=("--import", "lab_nets"))
    try:
        api = service.client
        page = opened(api, "new")
        assert not page.exception
        assert "Our weights" in page.selectbox(key="experiment").options
        axes = {"model": ["our_net"], "dataset": ["our_noise"], "epochs": [1], "batch_size": [16]}
        sweep = api.submit(SweepRequest(experiment="classification", axes=axes))
        assert api.wait(sweep.id, timeout=200).counts == {RunStatus.SUCCEEDED: 1}
        sweep = api.submit(SweepRequest(experiment="latency", axes={"models": [["our_net"]], "rounds": [3]}))
        assert api.wait(sweep.id, timeout=200).counts == {RunStatus.SUCCEEDED: 1}
    finally:
        stop_service(service)
