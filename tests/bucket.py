"""A local server that speaks S3, with a bucket: moto's, as a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from urllib.request import Request, urlopen

from mgic.process import die_with_parent
from tests.conftest import free_port, wait_for

BUCKET = "s3://mgic/lab"


@contextlib.contextmanager
def bucket(host: str = "127.0.0.1", port: int = 0, name: str = "mgic") -> Iterator[dict[str, str]]:
    """The environment in which a bucket of this name is found, at a free port unless one is given."""
    port = port or free_port()
    url = f"http://{host}:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )

    def made() -> bool:
        assert server.poll() is None, "moto did not start"
        with contextlib.suppress(OSError):
            return urlopen(Request(f"{url}/{name}", method="PUT"), timeout=5).status == 200
        return False

    try:
        wait_for(made, 60, "a bucket")
        keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_DEFAULT_REGION": "us-east-1"}
        yield keys | {"AWS_ENDPOINT_URL": url}
    finally:
        server.terminate()
        server.wait(20)


@contextlib.contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
