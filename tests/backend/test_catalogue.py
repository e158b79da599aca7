"""The core lives in a process beside the API: never in it, replaced when it dies, gone when the API is."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mgic.records import RunStatus, SweepRequest
from tests.backend.api_alone import Api, running_api
from tests.conftest import PATIENCE, wait_for

SWEEP = {"experiment": "cost", "axes": {"model": ["resnet20"]}}


def mapped(pid: int, what: str) -> bool:
    return what in Path(f"/proc/{pid}/maps").read_text()


def alive(pid: int) -> bool:
    """Whether it still runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ask(api: Api) -> int:
    return api.http.get("/models/resnet20/cost").status_code


def test_the_api_never_loads_torch_whatever_it_is_asked(api):
    sweep = api.client.submit(SweepRequest(**SWEEP))
    (run,) = api.client.sweep_runs(sweep.id)
    experiments = [f"/experiments/{info.name}" for info in api.client.experiments()]
    for path in (
        *("/experiments", *experiments, "/models", "/recipes", "/datasets", "/models/mgic_resnet20/cost"),
        *("/sweeps", f"/sweeps/{sweep.id}", "/runs", f"/runs/{run.id}", f"/runs/{run.id}/curves", "/baselines"),
        *("/results?experiment=cost", "/results?experiment=cost&format=csv", "/system", "/ready", "/openapi.json"),
        "/workers",
    ):
        assert api.http.get(path).status_code == 200, path
    assert api.http.post("/sweeps/preview", json=SWEEP).status_code == 200
    assert api.http.post("/baselines", json={"name": "main", "models": ["resnet20"]}).status_code == 201
    assert api.http.post("/comparisons", json={"baseline": "main"}).json()["verdict"] == "pass"
    assert api.http.post("/sweeps", json=SWEEP | {"axes": {"model": ["nope"]}}).status_code == 422
    assert api.client.cancel_run(run.id).status is RunStatus.CANCELLED
    assert mapped(api.catalogue_pid(), "libtorch")
    assert not mapped(api.process.pid, "libtorch")


@pytest.mark.parametrize(("name", "size"), [("resnet20", (3, 32, 32)), ("dgcnn", (3, 1024)), ("implicit_mlp", (2,))])
def test_a_cost_is_that_of_the_input_the_model_is_made_for(api, name, size):
    assert api.client.model_cost(name).input_size == size
    assert api.client.model_cost(name, in_channels=5).input_size == (5, *size[1:])


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("resnet20", "3,32", "channels,height,width"),
        ("dgcnn", "3,32,32", "channels,points"),
        ("resnet20", "3,a,32", "whole numbers with commas between them"),
        ("resnet20", "", "whole numbers with commas between them"),
        ("resnet20", "3,32,99999", "from 1 to 16384"),
    ],
)
def test_an_input_the_model_cannot_read_is_refused_in_words(api, name, size, words):
    answer = api.http.get(f"/models/{name}/cost", params={"input_size": size})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "input_size"
    assert words in fault["detail"]


def test_a_killed_catalogue_is_replaced_and_all_who_ask_meanwhile_are_answered(api):
    assert ask(api) == 200
    killed, asked, answers = api.catalogue_pid(), threading.Barrier(9), []

    def client() -> None:
        asked.wait()
        for _ in range(5):
            answers.append(api.http.post("/sweeps/preview", json=SWEEP))

    clients = [threading.Thread(target=client) for _ in range(8)]
    for thread in clients:
        thread.start()
    asked.wait()
    os.kill(killed, signal.SIGKILL)
    for thread in clients:
        thread.join(60 * PATIENCE)
    assert len(answers) == 40
    missed = [answer for answer in answers if answer.status_code != 200]
    for answer in missed:
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
    wait_for(lambda: ask(api) == 200, 60, "an answer of the new catalogue")
    assert not alive(killed)
    assert api.catalogue_pid() != killed


def test_without_a_catalogue_what_is_stored_is_still_shown(api):
    sweep = api.client.submit(SweepRequest(**SWEEP))
    pid = api.catalogue_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        assert api.client.sweep(sweep.id).total == 1
        assert api.client.experiments()
        assert api.client.cancel_sweep(sweep.id).finished
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("hasty"), MGIC_CATALOGUE_TIMEOUT_S="10") as running:
        yield running


@pytest.mark.thorough
def test_who_waits_for_a_catalogue_that_hangs_is_answered_by_the_next_one_or_told_to_come_back(hasty):
    wait_for(lambda: ask(hasty) == 200, 60, "a first answer")
    stuck = hasty.catalogue_pid()
    os.kill(stuck, signal.SIGSTOP)
    with ThreadPoolExecutor() as clients:
        asked = []
        for _ in range(5):
            asked.append(clients.submit(hasty.http.get, "/models/resnet20/cost"))
            time.sleep(0.3)
        answers = [one.result() for one in asked]
    wait_for(lambda: not alive(stuck), 10, "the end of the stuck catalogue")
    wait_for(lambda: ask(hasty) == 200, 60, "an answer of the new catalogue")
    first, *others = [(answer.status_code, answer.json().get("type")) for answer in answers]
    assert first == (503, "/problems/unavailable")
    assert set(others) <= {first, (200, None)}


@pytest.mark.thorough
def test_the_catalogue_dies_with_an_api_that_is_killed(hasty):
    catalogue = hasty.catalogue_pid()
    hasty.process.kill()
    hasty.process.wait()
    wait_for(lambda: not alive(catalogue), 10, "the catalogue's end after that of the API")
    assert not alive(catalogue)
