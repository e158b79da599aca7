"""Serve a queue: `python -P -m worker -Q cpu -c 2`; the words are those of `celery worker`.

Not `celery -A worker.app`, which looks for `worker` in the current directory first.
"""

import sys

from worker.app import celery

if __name__ == "__main__":
    celery.worker_main(["worker", *sys.argv[1:]])
