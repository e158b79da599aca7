"""The images that ours are built from: pulled, or, where no registry is reached, stand-ins made of Debian's packages.

A stand-in has the name of the image, the same major version and the same user; what else the real one does is not
tried with it.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.containers.engine import MIRROR, answers, run

ENTRY = Path(__file__).with_name("postgres-entry.sh")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PULL_S = 120.0


@dataclass(frozen=True)
class Base:
    """How a stand-in is made.

    Args:
        release: Of Debian.
        packages: Besides the least there is.
        shell: What is done inside, as root.
        changes: Lines of a Dockerfile.
    """

    release: str
    packages: Sequence[str]
    shell: str
    changes: Sequence[str]


BASES: Mapping[str, Base] = {
    "python:3.11-slim-bookworm": Base(
        "bookworm",
        ("python3", "python3-pip", "python3-venv", "ca-certificates"),
        "ln -s python3 /usr/bin/python; rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED",
        ("ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",),
    ),
    "redis:7.4-bookworm": Base(
        "bookworm", ("redis-server",), "install -d -o redis -g redis /data", ('CMD ["redis-server"]',)
    ),
    "postgres:17-bookworm": Base(
        "trixie",
        ("postgresql-17",),
        "install -d -o postgres -g postgres -m 3777 /var/run/postgresql; install -d -o postgres -g postgres -m 700 "
        "/var/lib/postgresql/data; chmod 755 /usr/local/bin/entry",
        (
            "ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data",
            "USER postgres",
            'ENTRYPOINT ["/usr/local/bin/entry"]',
            "STOPSIGNAL SIGINT",
        ),
    ),
}


def bring(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """All of them; returns the names of those that are stand-ins."""
    return [
        name
        for name, base in BASES.items()
        if not _is_real(name, environment) and _made(name, base, folder, environment)
    ]


def _is_real(name: str, environment: Mapping[str, str]) -> bool:
    if answers(["docker", "image", "inspect", name], environment):
        return not answers(["docker", "image", "inspect", f"{name}-stand-in"], environment)
    try:
        run(["docker", "pull", "--quiet", name], environment, timeout_s=PULL_S)
    except (RuntimeError, subprocess.TimeoutExpired):
        return False
    return True


def _made(name: str, base: Base, folder: Path, environment: Mapping[str, str]) -> bool:
    if answers(["docker", "image", "inspect", name], environment):
        return True
    root = folder / "roots" / name.partition(":")[0]
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    wanted = f"--include={','.join(base.packages)}"
    run(["debootstrap", "--variant=minbase", wanted, base.release, str(root), MIRROR], {}, timeout_s=1500)
    shutil.copy(ENTRY, root / "usr/local/bin/entry")
    if CERTIFICATES.exists():
        (root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
        shutil.copy(CERTIFICATES, root / "etc/ssl/certs" / CERTIFICATES.name)
    run(["chroot", str(root), "sh", "-euc", base.shell], {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
    shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
    changes = " ".join(f"--change '{line}'" for line in base.changes)
    run(f"tar -C {root} --one-file-system -c . | docker import {changes} - {name}", environment)
    run(["docker", "tag", name, f"{name}-stand-in"], environment)
    shutil.rmtree(root)
    return True
