"""Print every figure: `python -m tests.bench [training] [service]`. Takes about five minutes; wants an idle machine."""

import sys
import tempfile
from pathlib import Path

from tests.bench import service, training


def main() -> None:
    wanted = sys.argv[1:] or ["training", "service"]
    if "training" in wanted:
        training.step_against_bare_loop()
    if "service" in wanted:
        with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
            service.measure(Path(folder))


if __name__ == "__main__":
    main()
