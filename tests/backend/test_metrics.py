"""What Prometheus is told is what the store says, and what the alerts and the board ask for exists."""

import json
import re
from pathlib import Path

import httpx2 as httpx
import pytest
import yaml

from backend.exposition import CONTENT_TYPE, Family, Histogram, text
from backend.store import Vitals
from tests.backend.store_points import CPU, add, expire, taken


def test_who_watches_over_the_queue_is_told_how_old_all_of_it_is(store):
    assert store.vitals() == Vitals({}, {}, {}, 0.0, 0, {})
    add(store, 2)
    add(store, needs=add(store), queue="gpu")
    store.worker_seen(CPU, 2, "0.1")
    claim = taken(store)
    vitals = store.vitals()
    assert vitals.runs == {("running", "cpu"): 1, ("queued", "cpu"): 2, ("queued", "gpu"): 1}
    assert vitals.waiting.keys() == {"cpu"}, "what waits for an input is nobody's to claim"
    assert vitals.in_work.keys() == {"cpu"}
    assert vitals.heartbeats.keys() == {("w1", "cpu")}
    assert max(*vitals.waiting.values(), *vitals.in_work.values(), *vitals.heartbeats.values()) < 60
    assert vitals.overdue == 0
    expire(store, claim.run_id)
    assert store.vitals().overdue > 10**9


def test_a_sweep_of_which_somebody_could_not_be_told_is_counted(store):
    (run_id,) = add(store)
    store.note_ends()
    store.cancel_run(run_id)
    store.note_ends()
    assert store.vitals().untold == 0, "of what is due nobody has tried yet"
    store.announce_later(store.take_due(1)[0], 60, attempted=True)
    assert store.vitals().untold == 1


MONITORING = Path(__file__).parents[2] / "docker" / "monitoring"
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\.)*"'
SAMPLE = re.compile(rf"([a-z_]+)(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\+Inf|-?[0-9.]+(?:e[-+]?[0-9]+)?)")


def read(answer: str) -> dict[str, dict[str, float]]:
    """Each line as the format has it: the values of a name, by its labels."""
    found: dict[str, dict[str, float]] = {}
    typed = set()
    for line in answer.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("# HELP "):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            assert name in typed or re.sub("_(bucket|sum|count)$", "", name) in typed, name
            assert (labels or "") not in found.get(name, {}), "a sample stands there once"
            found.setdefault(name, {})[labels or ""] = float(value)
    return found


def test_the_format_escapes_labels_and_adds_buckets_up():
    histogram = Histogram("t_seconds", "two\nlines", ("route",), (0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(("/a",), seconds)
    answer = text([Family("t_free", "gauge", "b", ("place",), {('a"b\\c\nd',): 1.5}), histogram])
    assert answer.splitlines() == [
        "# HELP t_free b",
        "# TYPE t_free gauge",
        't_free{place="a\\"b\\\\c\\nd"} 1.5',
        "# HELP t_seconds two\\nlines",
        "# TYPE t_seconds histogram",
        't_seconds_bucket{route="/a",le="0.1"} 2',
        't_seconds_bucket{route="/a",le="1"} 3',
        't_seconds_bucket{route="/a",le="+Inf"} 4',
        't_seconds_sum{route="/a"} 7.65',
        't_seconds_count{route="/a"} 4',
    ]
    assert len(read(answer)["t_seconds_bucket"]) == 3


@pytest.fixture(scope="module")
def told(api) -> dict[str, dict[str, float]]:
    api.http.get("/sweeps/00000000-0000-0000-0000-000000000000")
    api.client.load_demo()
    answer = httpx.get(f"http://127.0.0.1:{api.port}/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    return read(answer.text)


def test_numbers_are_those_of_the_store(told, api):
    ended = sum(number for labels, number in told["mgic_runs"].items() if 'status="succeeded"' in labels)
    assert ended == api.client.count_runs() > 0
    assert told["mgic_runs"]['status="queued",queue="gpu"'] == 0
    assert told["mgic_part_up"] == {
        'part="database"': 1,
        'part="broker"': 0,
        'part="artifacts"': 1,
        'part="catalogue"': 1,
    }
    assert told["mgic_disk_free_bytes"].keys() == {'place="the database"', 'place="the files of runs"'}
    assert set(told["mgic_disk_writable"].values()) == {1}
    assert told["process_resident_memory_bytes"][""] > 10**7
    assert told["mgic_http_seconds_count"]['method="GET",route="/sweeps/{sweep_id}",status="404"'] >= 1


def expressions() -> list[str]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    panels = json.loads((MONITORING / "grafana-board.json").read_text())["panels"]
    asked = [rule["expr"] for group in groups for rule in group["rules"]]
    return asked + [target["expr"] for panel in panels for target in panel["targets"]]


def test_alerts_and_the_board_ask_for_what_there_is(told):
    """Names, and the labels that stand beside them."""
    known = {
        name: {label.partition("=")[0] for labels in samples for label in labels.split(",")}
        for name, samples in told.items()
    }
    known |= {"up": {"job"}, "mgic_worker_heartbeat_seconds": {"worker", "queue"}}  # of no worker there is none
    asked = expressions()
    assert len(asked) > 20
    for expression in asked:
        names = re.findall(r"\b(?:mgic|process)_[a-z_]+|\bup\b", expression)
        assert names, expression
        for name in names:
            assert name in known, expression
        for name, labels in re.findall(r"\b([a-z_]+)\{([^}]*(?:\{[a-z_]+\}[^}]*)*)\}", expression):
            given = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", labels)) - {"job"}
            assert given <= known[name], expression
    statuses = {label for labels in told["mgic_runs"] for label in re.findall(r'status="([a-z]+)"', labels)}
    for pattern in re.findall(r'mgic_runs\{status=~?"([a-z|]+)"', " ".join(asked)):
        assert set(pattern.split("|")) <= statuses


def test_each_alert_says_what_is_wrong():
    (group,) = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
    assert yaml.safe_load((MONITORING / "prometheus.yml").read_text())["rule_files"] == ["alerts.yml"]
