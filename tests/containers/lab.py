"""A service in containers, as its API and Docker see it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tests.containers.engine import run

API = "http://127.0.0.1:8000/api/v1"
PAGES = "http://127.0.0.1:8501/_stcore/health"
PATIENCE_S = 120  # for one answer: a first one waits until torch is loaded
SMALL = {"dataset": ["digits"], "model": ["mgic_resnet20"], "epochs": [1], "max_steps": [3], "batch_size": [32]}


@dataclass(frozen=True)
class Lab:
    """`folder` is the checkout, `environment` has what finds the engine."""

    folder: Path
    environment: Mapping[str, str]
    admin: dict[str, str] = field(default_factory=dict)

    def do(self, command: str, timeout_s: float = 600) -> str:
        return run(command, self.environment, self.folder, timeout_s)

    def await_ready(self, seconds: float = 300) -> None:
        """API, broker and workers, and the pages."""
        wait(lambda: self.ask("/ready")["status"] == "ok", seconds, "a service that is ready")
        wait(lambda: urlopen(PAGES, timeout=5).read() == b"ok", seconds, "its pages")

    def ask(self, path: str, body: Any = None) -> Any:
        """Raises `HTTPError` and, while nobody answers, `URLError`."""
        return json.loads(self.read(path, None if body is None else json.dumps(body).encode()))

    def read(self, path: str, data: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} | self.key()
        with urlopen(Request(API + path, data=data, headers=headers), timeout=PATIENCE_S) as answer:
            return bytes(answer.read())

    def key(self) -> dict[str, str]:
        """That of whom the service was made for."""
        if not self.admin:
            token = self.do("docker compose run --rm -T secrets show admin-key").strip()
            self.admin["Authorization"] = f"Bearer {token}"
        return self.admin

    def workers(self) -> list[dict[str, Any]]:
        return [worker for worker in self.ask("/workers")["items"] if worker["alive"]]

    def submit(self, experiment: str = "classification", **axes: list[Any]) -> str:
        asked = (SMALL if experiment == "classification" else {}) | axes
        return str(self.ask("/sweeps", {"experiment": experiment, "axes": asked})["id"])

    def end_of(self, sweep: str, seconds: float = 300) -> list[dict[str, Any]]:
        """Its runs, once all have ended; each has to have succeeded."""

        def ended() -> bool:
            counts = self.ask(f"/sweeps/{sweep}")["counts"]
            return not any(counts.get(status) for status in ("queued", "running", "cancelling"))

        wait(ended, seconds, f"the end of sweep {sweep}")
        runs = self.ask(f"/sweeps/{sweep}/runs")["items"]
        lost = [(one["status"], one["reason"], one.get("failure")) for one in runs if one["status"] != "succeeded"]
        assert not lost, lost
        return list(runs)

    def works(self) -> dict[str, Any]:
        """A small training goes through."""
        (done,) = self.end_of(self.submit(seed=[int(time.time())]))
        return done


def wait(condition: Callable[[], Any], seconds: float, what: str) -> None:
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if condition():
                return
            last = "it is not so"
        except (HTTPError, URLError, OSError, KeyError) as error:
            last = repr(error)
        time.sleep(1)
    raise AssertionError(f"{seconds:g} s were not enough for {what}: {last}")
