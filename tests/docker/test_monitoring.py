"""What Prometheus reads of docker/monitoring, by its own programs: each alert fires for its fault, and for no other.

Debian's package `prometheus` has both, `promtool` too; where one is missing its tests are left out, with a word.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest
import yaml

from mgic.records import SweepRequest
from tests.backend.api_alone import running_api
from tests.conftest import free_port, wait_for
from tests.docker.compose import ROOT

MONITORING = ROOT / "docker" / "monitoring"
RULES = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
BOARD = json.loads((MONITORING / "grafana-board.json").read_text())["panels"]


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed (Debian: prometheus)")


def promtool(*words: str | Path) -> str:
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


BUCKET = 'mgic_http_seconds_bucket{method="GET",route="/runs",status="200",'
# A value a minute, as promtool writes series, of a service to which nothing is wrong.
HEALTHY = {
    'up{job="mgic"}': "1x120",
    **{f'mgic_part_up{{part="{part}"}}': "1x120" for part in ("database", "broker", "artifacts", "catalogue")},
    'mgic_runs{status="succeeded",queue="cpu"}': "100+1x120",
    'mgic_runs{status="failed",queue="cpu"}': "3x120",
    'mgic_runs{status="running",queue="cpu"}': "1x120",
    'mgic_runs{status="running",queue="gpu"}': "0x120",
    'mgic_queue_oldest_seconds{queue="cpu"}': "700x120",  # a long queue is no fault
    'mgic_queue_oldest_seconds{queue="gpu"}': "0x120",
    'mgic_claim_oldest_seconds{queue="cpu"}': "300x120",
    "mgic_lease_overdue_seconds": "0x120",
    'mgic_worker_heartbeat_seconds{worker="a",queue="cpu"}': "8x120",
    'mgic_worker_heartbeat_seconds{worker="before-a",queue="cpu"}': "4000+60x120",  # was killed, and began anew as a
    'mgic_disk_free_bytes{place="the database"}': "5e10x120",
    'mgic_disk_writable{place="the database"}': "1x120",
    "mgic_untold_sweeps": "0x120",
    'mgic_http_seconds_count{method="GET",route="/runs",status="200"}': "0+60x120",
    f'{BUCKET}le="0.1"}}': "0+60x120",
    f'{BUCKET}le="+Inf"}}': "0+60x120",
}
# What is wrong, by the alerts that it must give, all of them.
WRONG: Mapping[tuple[str, ...], Mapping[str, str]] = {
    (): {},
    ("MgicApiDown",): {'up{job="mgic"}': "1x60 0x60"},
    ("MgicPartDown",): {'mgic_part_up{part="broker"}': "1x60 0x60"},
    ("MgicNoWorker", "MgicQueueStuck"): {'mgic_queue_oldest_seconds{queue="gpu"}': "0+60x120"},
    ("MgicQueueStuck",): {'mgic_runs{status="running",queue="cpu"}': "0x120"},
    ("MgicLeaseNotTakenBack",): {"mgic_lease_overdue_seconds": "0x60 0+60x60"},
    ("MgicWorkerSilent",): {'mgic_worker_heartbeat_seconds{worker="b",queue="cpu"}': "8x100 8+60x20"},
    ("MgicRunTakesLong",): {'mgic_claim_oldest_seconds{queue="cpu"}': "86000+60x120"},
    ("MgicDiskFillsUp",): {'mgic_disk_free_bytes{place="the database"}': "5e10-1e8x120"},
    ("MgicDiskTakesNothing",): {'mgic_disk_writable{place="the database"}': "1x60 0x60"},
    ("MgicNobodyIsTold",): {"mgic_untold_sweeps": "0x60 2x60"},
    ("MgicRunsFail",): {'mgic_runs{status="failed",queue="cpu"}': "3x60 3+2x60"},
    ("MgicApiErrors",): {'mgic_http_seconds_count{method="GET",route="/runs",status="500"}': "0+60x120"},
    ("MgicApiSlow",): {f'{BUCKET}le="0.1"}}': "0+1x120", f'{BUCKET}le="2.5"}}': "0+60x120"},
}


def test_each_alert_has_a_fault_that_it_is_tried_with():
    assert {name for names in WRONG for name in names} == {rule["alert"] for rule in RULES}


@needs("promtool")
def test_promtool_takes_the_files():
    assert "SUCCESS" in promtool("check", "config", MONITORING / "prometheus.yml")
    assert f"{len(RULES)} rules found" in promtool("check", "rules", MONITORING / "alerts.yml")


@needs("promtool")
def test_each_alert_fires_for_its_fault_and_for_no_other(tmp_path):
    tests = [
        {
            "name": ", ".join(names) or "nothing",
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in (HEALTHY | wrong).items()],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": "2h",
                    "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names],
                }
            ],
        }
        for names, wrong in WRONG.items()
    ]
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(MONITORING / "alerts.yml")], "tests": tests}))
    promtool("test", "rules", file)


class Prometheus:
    """It, with the files of docker/monitoring but for what a test cannot wait for: an address, and shorter times."""

    def __init__(self, folder: Path, api: int, key: str) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "key").write_text(key)
        config = yaml.safe_load((MONITORING / "prometheus.yml").read_text().replace("# authorization", "authorization"))
        config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
        (job,) = config["scrape_configs"]
        job["static_configs"][0]["targets"] = [f"127.0.0.1:{api}"]
        job["authorization"]["credentials_file"] = str(folder / "key")
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (folder / "alerts.yml").write_text((MONITORING / "alerts.yml").read_text().replace("> 600", "> 3"))
        for words in ("2m", "5m", "10m"):
            text = (folder / "alerts.yml").read_text().replace(f"for: {words}", "for: 2s")
            (folder / "alerts.yml").write_text(text)

    @contextmanager
    def running(self) -> Iterator[None]:
        words = [f"--config.file={self.folder / 'prometheus.yml'}", f"--storage.tsdb.path={self.folder / 'data'}"]
        words += [f"--web.listen-address=127.0.0.1:{self.port}"]
        with (self.folder / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(["prometheus", *words], stdout=log, stderr=log)
        try:
            wait_for(lambda: self.asked("up"), 30, "Prometheus with its first scrape")
            yield
        finally:
            process.terminate()
            process.wait(30)

    def asked(self, query: str) -> list[dict]:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/api/v1/query", params={"query": query}, trust_env=False)
        except httpx.TransportError:
            return []
        if answer.status_code == 503:  # it is starting
            return []
        told = answer.json()
        assert told.get("status") == "success", told
        return told["data"]["result"]

    def firing(self) -> set[str]:
        return {one["metric"]["alertname"] for one in self.asked('ALERTS{alertstate="firing"}')}


def made_key(folder: Path) -> str:
    """As docs/operation.md has it: of the scope read."""
    command = [sys.executable, "-m", "mgic", "key", "create", "prometheus", "--scope", "read"]
    environment = os.environ | {"MGIC_HOME": str(folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


# What there is nothing of in a service that has no worker.
NOT_THERE = {"Workers heard of within a minute", "Since a worker was heard of"}


@pytest.mark.thorough
@needs("prometheus")
def test_a_real_prometheus_reads_a_keyed_service_draws_the_board_and_tells_what_is_wrong(tmp_path):
    admin = tmp_path / "admin"
    token = subprocess.check_output([sys.executable, "-m", "backend.keys", "token"], text=True).strip()
    admin.write_text(token)
    with running_api(tmp_path, MGIC_KEYS_REQUIRED="true", MGIC_ADMIN_KEY_FILE=str(admin)) as api:
        watcher = Prometheus(tmp_path, api.port, made_key(tmp_path))
        with watcher.running():
            wait_for(lambda: [one["value"][1] for one in watcher.asked("up")] == ["1"], 30, "a scrape that is let in")
            api.client.submit(SweepRequest(experiment="cost", axes={"model": ["mgic_resnet20"]}))
            wait_for(
                lambda: watcher.firing() >= {"MgicPartDown", "MgicNoWorker", "MgicQueueStuck"}, 60,
                "what follows from no broker and no worker",
            )  # fmt: skip
            assert "MgicApiDown" not in watcher.firing()
            empty = {
                panel["title"] for panel in BOARD if not all(watcher.asked(one["expr"]) for one in panel["targets"])
            }
            assert empty == NOT_THERE
            api.process.kill()
            wait_for(lambda: "MgicApiDown" in watcher.firing(), 60, "the end of the API")
