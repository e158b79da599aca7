"""Every figure, in twenty minutes when idle: `python -m tests.bench [training] [service] [lists] [pages] [figure]`.

`python -m tests.bench gates` says how often a gate is wrong, `python -m tests.bench forms` how fast networks are in the
forms for ONNX Runtime and OpenVINO, `python -m tests.bench load` how the service bears a full store and many clients;
these are commands of their own (tests/bench/gates, forms.py, load.py).
"""

import sys
import tempfile
from pathlib import Path

from tests.bench import every_network, figure, forms, lists, live_memory, load, pages, service, training
from tests.bench.gates import command as gates


def main() -> None:
    if sys.argv[1:2] == ["gates"]:
        gates.main(sys.argv[2:])
        return
    if sys.argv[1:] == ["forms", "models"]:
        every_network.main()
        return
    if sys.argv[1:] == ["forms", "memory"]:
        live_memory.main()
        return
    if sys.argv[1:2] == ["forms"]:
        forms.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["load"]:
        load.main(sys.argv[2:])
        return
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
