"""The Celery application that the service's throughput is held against: one task that does next to nothing."""

import os
from pathlib import Path

from backend.queue import celery_app

app = celery_app(os.environ["BENCH_BROKER"])
app.conf.task_default_queue = "bare"


@app.task(name="bare")
def bare(path: str) -> None:
    with Path(path).open("a") as file:
        file.write(".")
