"""Every figure, in twenty minutes when idle: `python -m tests.bench [training] [service] [memory] [lists] [pages]
[figure]`; `throughput` by its name alone, since `service` has a part of it.

`python -m tests.bench gates` says how often a gate is wrong, `python -m tests.bench forms` how fast networks are in the
forms for ONNX Runtime and OpenVINO, `python -m tests.bench load` how the service bears a full store and many clients;
these are commands of their own (tests/bench/gates, forms.py, load.py).
"""

import sys
import tempfile
from pathlib import Path

from tests.bench import (
    every_network,
    figure,
    forms,
    lists,
    live_memory,
    load,
    memory,
    pages,
    service,
    throughput,
    training,
)
from tests.bench.gates import command as gates

COMMANDS = {"gates": gates.main, "forms": forms.main, "load": load.main}
OF_FORMS = {"models": every_network.main, "memory": live_memory.main}
IN_A_FOLDER = {
    "service": service.measure,
    "throughput": throughput.measure,
    "memory": memory.measure,
    "lists": lists.measure,
    "pages": pages.measure,
    "figure": figure.measure,
}
ALL = ("training", *(name for name in IN_A_FOLDER if name != "throughput"))


def main() -> None:
    command, *words = sys.argv[1:] or [""]
    if command == "forms" and len(words) == 1 and words[0] in OF_FORMS:
        OF_FORMS[words[0]]()
        return
    if command in COMMANDS:
        COMMANDS[command](words)
        return
    wanted = sys.argv[1:] or ALL
    if unknown := [name for name in wanted if name not in (*ALL, *IN_A_FOLDER)]:
        sys.exit(f"no such figures: {', '.join(unknown)}; there are {', '.join((*ALL, 'throughput', *COMMANDS))}")
    for name in wanted:
        if name == "training":
            training.step_against_bare_loop()
            continue
        with tempfile.TemporaryDirectory(prefix="mgic-bench-") as folder:
            IN_A_FOLDER[name](Path(folder))


if __name__ == "__main__":
    main()
