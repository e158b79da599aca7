"""Serve a queue: `python -P -m worker -Q cpu -c 2`; the words are those of `celery worker`.

Not `celery -A worker.app`, which looks for `worker` in the current directory first.
"""

import sys

from mgic.doors import logs
from worker.app import celery, settings

if __name__ == "__main__":
    logs.configure(settings.log_format)  # what is said before Celery asks for it
    celery.worker_main(["--quiet", "worker", *sys.argv[1:]])  # without its banner, which is no line of a log
