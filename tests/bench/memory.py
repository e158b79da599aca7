"""What the servers of `mgic up` keep in memory: `python -m tests.bench memory`, two minutes.

Of each process its share (PSS): pages that several have count once in all.
"""

import time
from pathlib import Path

from mgic.records import SweepRequest
from tests.bench import pages
from tests.conftest import Service, start_service, stop_service, wait_for

IDLE_S = 15  # without a question, after which the catalogue goes
KINDS = {
    "API": ("-m backend",),
    "catalogue": ("spawn_main",),
    "dashboard": ("-m dashboard",),
    "workers": ("-m worker",),
    "processes of runs": ("mgic.runner",),
    "broker": ("valkey",),
    "mgic up": ("-m mgic up",),
}
MIB = 2**10  # kB


def measure(folder: Path) -> None:
    """MiB at the start, after some use in a browser, and once the catalogue and the processes of runs have gone."""
    running = start_service(folder / "home", MGIC_CATALOGUE_IDLE_S=str(IDLE_S))
    try:
        seen = {"at the start": _sizes(running)}
        _use(running, folder)
        seen["after use"] = _sizes(running)
        wait_for(lambda: not running.pids("spawn_main") and not running.pids("mgic.runner"), 120, "their end")
        seen["at rest"] = _sizes(running)
    finally:
        stop_service(running)
    print(f"| MiB | {' | '.join(seen)} |\n|---{'|---' * len(seen)}|")
    for kind in (*KINDS, "others"):
        print(f"| {kind} | {' | '.join(f'{sizes.get(kind, 0) / MIB:.0f}' for sizes in seen.values())} |")
    print(f"| **all** | {' | '.join(f'**{sum(sizes.values()) / MIB:.0f}**' for sizes in seen.values())} |")


def _use(running: Service, folder: Path) -> None:
    axes = {"model": ["mgic_resnet20"], "max_steps": [5], "epochs": [1], "seed": [0, 1]}
    running.client.wait(running.client.submit(SweepRequest(experiment="classification", axes=axes)).id, timeout=300)
    running.client.load_demo()
    with pages.browser(folder / "browser") as ask:
        for path, wanted in (
            ("/", pages.PLOT),
            ("/runs", pages.TABLE),
            ("/tradeoff", pages.PLOT),
            ("/sweeps", pages.TABLE),
        ):
            pages.first(ask, f"{running.dashboard_url}{path}", wanted)
    time.sleep(2)


def _sizes(running: Service) -> dict[str, int]:
    """kB by kind."""
    found: dict[str, int] = {}
    for pid in running.pids():
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        kind = next((kind for kind, words in KINDS.items() if all(word in command for word in words)), "others")
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        found[kind] = found.get(kind, 0) + next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return found
