"""Print every figure: `python -m tests.bench [training] [service] [lists]`. Some ten minutes; wants an idle machine."""

import sys
import tempfile
from pathlib import Path

from tests.bench import lists, service, training


def main() -> None:
    wanted = sys.argv[1:] or ["training", "service", "lists"]
    if "training" in wanted:
        training.step_against_bare_loop()
    if "service" in wanted:
        with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
            service.measure(Path(folder))
    if "lists" in wanted:
        with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
            lists.measure(Path(folder))


if __name__ == "__main__":
    main()
