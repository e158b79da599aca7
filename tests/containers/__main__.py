"""Execute the commands of docker/README.md as they stand: `python -m tests.containers FOLDER`.

FOLDER keeps the engine's images, so that a second time is faster; it needs 30 GB. Names that stand for something else
on a real host are replaced: 10.0.0.1 by the address under which containers reach this machine, /srv/mgic by a folder.
Without a GPU, so the override for hosts without one is in force throughout. Exit 0, with a word where nothing can be
tried here; 1 where a command or a check fails.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.request import urlopen

from tests.bucket import bucket
from tests.containers import bases, checks
from tests.containers.engine import Skipped, engine, run
from tests.containers.lab import Lab
from tests.containers.readme import README, Block, blocks

ROOT = README.parents[1]
BUILD_S = 3600.0
OTHER = "mgic-other"  # the project that stands for a second host


def say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stdout.flush()


def checkout(place: Path) -> None:
    """What git knows of and what is new, with what a machine without a registry needs changed."""
    shutil.rmtree(place, ignore_errors=True)
    run(["git", "clone", "--quiet", str(ROOT), str(place)], {})
    for name in run(["git", "ls-files", "-m", "-o", "--exclude-standard"], {}, ROOT).splitlines():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    for dockerfile in (place / "docker").glob("*.Dockerfile"):
        lines = dockerfile.read_text().splitlines(keepends=True)
        dockerfile.write_text("".join(line for line in lines if not line.startswith("# syntax=")))
    compose = place / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("      context: .\n", "      context: .\n      network: host\n"))


@contextlib.contextmanager
def a_bucket(gateway: str) -> Iterator[None]:
    """At the address and port that the README names, listening for containers."""
    with bucket(gateway, 9000, "lab") as found:
        url = f"{found['AWS_ENDPOINT_URL']}/lab?list-type=2"
        checks.KEPT["listed"] = lambda: urlopen(url, timeout=10).read().decode()
        yield


def prepared(block: Block, lab: Lab, folder: Path, gateway: str) -> tuple[str, Lab]:
    """The commands, and where they are given."""
    own = folder / "srv"
    text = block.text.replace("10.0.0.1", gateway).replace("/srv/mgic", str(own))
    checks.KEPT["own"] = str(own)
    if block.kind != "other-host":
        return text, lab
    for name in ("database-password", "broker-password", "worker-key"):
        text = text.replace(name.upper(), checks.secret(lab, name))
    checkout(folder / "other")
    checks.KEPT["first"] = lab.folder
    return text, Lab(folder / "other", {**lab.environment, "COMPOSE_PROJECT_NAME": OTHER})


def walk(folder: Path, environment: Mapping[str, str]) -> int:
    """How many blocks failed."""
    stand_ins = bases.bring(folder, environment)
    say(f"base images: {', '.join(f'{name} (stand-in)' for name in stand_ins) or 'the real ones'}")
    inspect = "docker network inspect bridge -f '{{(index .IPAM.Config 0).Gateway}}'"
    gateway = run(inspect, environment).strip()
    checks.KEPT["gateway"] = gateway
    checkout(folder / "checkout")
    shutil.rmtree(folder / "srv", ignore_errors=True)
    lab, number, failed = Lab(folder / "checkout", environment), Counter[str](), 0
    for project in ("mgic", OTHER):  # what a walk that was broken off has left
        lab.do(f"COMPOSE_PROJECT_NAME={project} docker compose down --volumes --remove-orphans")
    with a_bucket(gateway):
        try:
            for block in blocks(README.read_text()):
                failed += not tried(block, number[block.heading], lab, folder, gateway)
                number[block.heading] += 1
        finally:
            lab.do("docker compose down --volumes --remove-orphans")
    return failed


def tried(block: Block, number: int, lab: Lab, folder: Path, gateway: str) -> bool:
    """Execute a block and look what came of it; a line for either."""
    where = f"{block.heading}, {number + 1}"
    begin = time.monotonic()
    try:
        if block.heading == "Secrets":
            checks.KEPT["in work"] = lab.submit(seed=[1, 2, 3, 4], max_steps=[60])
        text, place = prepared(block, lab, folder, gateway)
        place.do(text, BUILD_S)
        check = checks.AFTER.get((block.heading, number))
        found = check(place) if check else "done"
    except (AssertionError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        say(f"FAILED {where}: {error}")
        with contextlib.suppress(RuntimeError):
            say(lab.do("docker compose ps --all; docker compose logs --tail 15 --no-color")[-12_000:])
        return False
    say(f"ok {where} ({time.monotonic() - begin:.0f} s): {found}")
    return True


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/var/tmp/mgic-compose-check").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the engine and its network go too
    try:
        with engine(folder) as environment:
            failed = walk(folder, environment)
    except Skipped as why:
        say(f"skipped: {why}")
        return os.EX_OK
    say("all commands did what docker/README.md says" if not failed else f"{failed} blocks failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
