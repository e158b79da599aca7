"""Every figure, in twenty minutes when idle: `python -m tests.bench [training] [service] [lists] [pages] [figure]`."""

import sys
import tempfile
from pathlib import Path

from tests.bench import figure, lists, pages, service, training


def main() -> None:
    wanted = sys.argv[1:] or ["training", "service", "lists", "pages", "figure"]
    if "training" in wanted:
        training.step_against_bare_loop()
    if "service" in wanted:
        with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
            service.measure(Path(folder))
    if "lists" in wanted:
        with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
            lists.measure(Path(folder))
    if "pages" in wanted:
        with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
            pages.measure(Path(folder))
    if "figure" in wanted:
        with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
            figure.measure(Path(folder))


if __name__ == "__main__":
    main()
