"""What is refused is what no worker that is online can do, by what each has told of itself."""

import pytest

from backend.migrations import upgrade
from backend.online import Online
from backend.settings import Settings
from backend.store import Store
from mgic.experiment import EXPERIMENTS
from mgic.records import Abilities, PluginCode, PluginInfo
from tests.backend.store_points import slot

ABLE = Abilities(engines=("eager",), extras=(), cores=4, datasets=("digits",))
LATENCY = {"experiment": "latency", "axes": {"models": [["mgic_resnet20"]], "engine": ["compile"]}}
OUT_OF_REACH = {"experiment": "classification", "axes": {"dataset": ["cifar10"], "max_steps": [1]}}


@pytest.fixture
def tell(api):
    """A worker of a queue says what it can do."""
    store, told = Store.open(f"sqlite:///{api.folder / 'mgic.db'}"), []

    def worker(queue: str, able: Abilities | None, name: str = "w1", device: str = "cpu") -> None:
        store.worker_seen(slot(queue=queue, device=device, worker=name), 1, "0", able)
        told.append(name)

    yield worker
    for name in told:
        store.worker_gone(name)
    store.close()


def faults(api, body) -> list[tuple[str, str, str]]:
    answer = api.http.post("/sweeps", json=body)
    found = [(one["pointer"], one["code"], one["detail"]) for one in answer.json().get("errors", [])]
    problems = [point["problem"] for point in api.http.post("/sweeps/preview", json=body).json()["points"]]
    assert [one for one in problems if one] == [detail for *_, detail in found]
    assert answer.status_code == (422 if found else 201)
    return found


def test_an_engine_is_asked_of_the_workers_and_not_of_the_api(api, tell):
    tell("timing", ABLE.model_copy(update={"engines": ("eager", "compile")}))
    assert faults(api, LATENCY) == []
    tell("timing", ABLE.model_copy(update={"lacking": {"compile": "there is no compiler"}}))
    (fault,) = faults(api, LATENCY)
    assert fault[:2] == ("#/axes/engine", "no_worker")
    assert fault[2] == ("engine=compile: no worker of the queue timing that is online has it: there is no compiler")
    tell("timing", ABLE.model_copy(update={"engines": ("eager", "compile")}), name="w2")
    assert faults(api, LATENCY) == []


def test_cores_are_those_of_the_workers_machine(api, tell):
    body = {"experiment": "latency", "axes": {"models": [["mgic_resnet20"]], "threads": [64]}}
    tell("timing", ABLE)
    ((pointer, code, words),) = faults(api, body)
    assert (pointer, code) == ("#/axes/threads", "no_worker")
    assert words.endswith("its machine has 4 cores to use")
    tell("timing", ABLE.model_copy(update={"cores": 64}))
    assert faults(api, body) == []


def test_a_data_set_that_a_worker_has_is_there_whatever_the_api_has(api, tell):
    """The API of these tests has no cifar10."""
    assert [one.present for one in api.client.datasets() if one.name == "cifar10"] == [False]
    ((pointer, code, words),) = faults(api, OUT_OF_REACH)
    assert (pointer, code) == ("#/axes/dataset", "dataset_missing")
    assert "is not on this server" in words
    tell("cpu", ABLE)
    ((_, _, words),) = faults(api, OUT_OF_REACH)
    assert "is on no worker of the queue cpu that is online" in words
    tell("cpu", ABLE.model_copy(update={"datasets": ("cifar10", "digits")}), name="w2")
    assert faults(api, OUT_OF_REACH) == []
    assert [one.present for one in api.client.datasets() if one.name == "cifar10"] == [True]


def test_a_worker_that_has_not_told_is_taken_to_have_what_the_api_has(api, tell):
    tell("cpu", None)
    assert faults(api, {"experiment": "classification", "axes": {"max_steps": [1]}}) == []
    ((_, code, _),) = faults(api, OUT_OF_REACH)
    assert code == "dataset_missing"
    tell("timing", None, name="w2")
    graph = {"experiment": "latency", "axes": {"models": [["mgic_resnet20"]], "engine": ["cudagraph"]}}
    ((_, code, words),) = faults(api, graph)
    assert (code, words.endswith("it needs a GPU")) == ("no_worker", True)


def test_the_list_of_workers_says_what_each_can_do(api, tell):
    tell("cpu", ABLE)
    tell("timing", None, name="w2")
    assert {worker.name: worker.able for worker in api.client.workers()} == {"w1": ABLE, "w2": None}


def test_a_plugin_that_no_worker_has_is_said_with_its_error(tmp_path):
    """The catalogue tells of each cell which code from outside it uses."""
    store = Store.open(f"sqlite:///{tmp_path / 'mgic.db'}")
    upgrade(store.engine)
    code = PluginCode(module="theirs", by="--import", commit=None, dirty=None, fingerprint="f")
    broken = PluginInfo(module="theirs", asked_by="--import", error="ImportError: no torchvision")

    def said(worker: str = "", *plugins: PluginInfo) -> list[str]:
        if worker:
            store.worker_seen(slot(worker=worker), 1, "0", ABLE.model_copy(update={"plugins": plugins}))
        online = Online(store, Nothing(), Settings())
        (faults,) = online.problems(EXPERIMENTS["classification"].info, [{"device": "cpu"}], [(code,)])
        return [f"{fault.pointer}|{fault.detail}" for fault in faults]

    assert said() == []
    assert [words.partition(": ")[0] for words in said("w1")] == [
        "|the plug-in theirs is on no worker of the queue cpu that is online"
    ]
    assert said("w1", broken)[0].endswith("online: ImportError: no torchvision")
    assert said("w2", broken.model_copy(update={"error": ""})) == []
    store.close()


class Nothing:
    """A catalogue that is not asked."""
