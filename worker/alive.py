"""Is a worker of this machine and queue alive? Exit 0 if a heartbeat is younger than the lease, 1 if not."""

import sys

from backend.settings import read_settings
from backend.store import DATABASE_ERRORS, Store
from worker.beacon import name_of


def main() -> int:
    settings = read_settings()
    name = name_of(settings)
    try:
        alive = any(
            worker.alive and worker.name.startswith(name)
            for worker in Store.open(settings.database).workers(settings.lease_s)
        )
    except DATABASE_ERRORS as error:
        sys.stderr.write(f"the database does not answer: {error}\n")
        return 1
    if not alive:
        sys.stderr.write(f"no heartbeat of a worker {name}* within {settings.lease_s:g} s\n")
    return 0 if alive else 1


if __name__ == "__main__":
    raise SystemExit(main())
