"""A Docker engine to try things with: the one that answers, or a private one that is started and ended here."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PLUGINS = ("docker-compose", "docker-buildx")  # Debian's packages, of a release that has them
RELEASE = "trixie"
MIRROR = "http://deb.debian.org/debian"
DAEMON = '{"default-address-pools": [{"base": "172.30.0.0/16", "size": 24}], "bip": "172.29.0.1/24"}\n'
START_S = 60.0


class Skipped(Exception):
    """Why nothing can be tried here."""


def run(
    command: Sequence[str] | str, environment: Mapping[str, str], cwd: Path | None = None, timeout_s: float = 600
) -> str:
    """What it says on stdout. Raises `RuntimeError` with all that it said where it fails."""
    words = ["bash", "-euo", "pipefail", "-c", command] if isinstance(command, str) else list(command)
    try:
        done = subprocess.run(
            words, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=timeout_s
        )
    except FileNotFoundError as error:
        raise RuntimeError(f"{words[0]} is not installed") from error
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-6000:]}")
    return done.stdout


def answers(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    try:
        run(command, environment, timeout_s=60)
    except (RuntimeError, subprocess.TimeoutExpired):
        return False
    return True


@contextmanager
def engine(folder: Path) -> Iterator[dict[str, str]]:
    """The variables with which `docker compose` finds an engine. Raises `Skipped`, with what is missing."""
    configured = {"DOCKER_CONFIG": str(folder / "config")}
    if answers(["docker", "info"], {}):
        here: dict[str, str] = {}
        yield here if answers(["docker", "compose", "version"], here) else _with_plugins(folder, configured)
        return
    missing = [name for name in ("docker", "dockerd", "debootstrap", "iptables", "ip") if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        lacks = f"{', '.join(missing)} are not installed" if missing else "only root may start one"
        raise Skipped(f"no Docker engine answers, and {lacks} (Debian: docker.io, debootstrap, iptables, iproute2)")
    private = _with_plugins(folder, configured | {"DOCKER_HOST": f"unix://{folder / 'docker.sock'}"})
    with _daemon(folder, private):
        yield private


@contextmanager
def _daemon(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    forwarding = Path("/proc/sys/net/ipv4/ip_forward")
    forwarded = forwarding.read_text()
    (folder / "daemon.json").write_text(DAEMON)
    command = ["dockerd", "--config-file", str(folder / "daemon.json"), "--data-root", str(folder / "data")]
    command += ["--exec-root", str(folder / "exec"), "--pidfile", str(folder / "dockerd.pid")]
    command += ["-H", environment["DOCKER_HOST"], "--storage-driver", "overlay2"]
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + START_S
        while not answers(["docker", "info"], environment):
            if process.poll() is not None or time.monotonic() > deadline:
                said = (folder / "dockerd.log").read_text().splitlines()[-5:]
                raise Skipped("a Docker engine cannot be started here: " + " | ".join(said))
            time.sleep(0.5)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _clear_network()
        forwarding.write_text(forwarded)


def _clear_network() -> None:
    """What an engine leaves behind: its bridges, and its chains in the packet filter."""
    for link in re.findall(r"^\d+: (docker0|br-[0-9a-f]{12}):", run(["ip", "link"], {}), re.MULTILINE):
        run(["ip", "link", "del", link], {})
    for table in ("filter", "nat"):
        rules = run(["iptables", "-t", table, "-S"], {}).splitlines()
        ours = [
            rule for rule in rules if "DOCKER" in rule or re.search(r"172\.(29|30)\.|docker0|br-[0-9a-f]{12}", rule)
        ]
        for rule in [rule for rule in ours if rule.startswith("-A")]:
            run(["iptables", "-t", table, "-D", *rule.split()[1:]], {})
        for chain in [rule.split()[1] for rule in ours if rule.startswith("-N")]:
            run(["iptables", "-t", table, "-X", chain], {})
    run(["iptables", "-P", "FORWARD", "ACCEPT"], {})


def _with_plugins(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Compose and buildx, of a release of Debian that has them, in a folder of their own; nothing is installed."""
    if answers(["docker", "compose", "version"], environment):
        return environment
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Skipped(f"docker compose is not installed, and there is no {tool} to fetch it with")
    apt, place = folder / "apt", folder / "config" / "cli-plugins"
    for part in ("lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    place.mkdir(parents=True, exist_ok=True)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "sources.list").write_text(f"deb [signed-by={keys}] {MIRROR} {RELEASE} main\n")
    (apt / "apt.conf").write_text(
        f'Dir::State::lists "{apt}/lists"; Dir::Cache "{apt}/cache"; Dir::Etc::sourcelist "{apt}/sources.list";\n'
        'Dir::Etc::sourceparts "-"; APT::Sandbox::User "root";\n'
    )
    own = {"APT_CONFIG": str(apt / "apt.conf")}
    run(["apt-get", "update", "-qq"], own)
    run(["apt-get", "download", "-qq", *PLUGINS], own, cwd=apt)
    for package in apt.glob("*.deb"):
        run(["dpkg-deb", "-x", str(package), str(apt / "unpacked")], {})
    for binary in (apt / "unpacked").rglob("cli-plugins/docker-*"):
        shutil.copy(binary, place / binary.name)
        (place / binary.name).chmod(0o755)
    if not answers(["docker", "compose", "version"], environment):
        raise Skipped("docker compose cannot be had from Debian here")
    return environment
