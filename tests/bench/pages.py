"""How long until a page has drawn its first plot or table: `python -m tests.bench pages`, some six minutes.

No debugger is attached to the page, as Playwright's is to its own: with one, V8 reads all of Plotly four times over.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from queue import Queue
from statistics import median
from threading import Thread
from typing import Any

from websockets.sync.client import connect

from tests.bench import lists
from tests.conftest import Service, start_service, stop_service, wait_for

STORES = (50, 5_000)  # runs
TIMES = 7
WAIT_S = 60
SIZE = {"width": 1280, "height": 900}
Ask = Callable[[str, dict[str, Any], str], dict[str, Any]]
PLOT, TABLE = ".js-plotly-plot .main-svg", '[data-testid="stDataFrame"]'
# Of the page: tells the address TELL when what is WANTED is there, with the milliseconds since it was asked for.
WATCH = """
const seen = () => {
    const found = document.querySelector(WANTED);
    if (!found || !found.getBoundingClientRect().width) return false;
    requestAnimationFrame(() => fetch(TELL + performance.now(), {mode: "no-cors"}));
    return true;
};
document.addEventListener("DOMContentLoaded", () => {
    const watch = new MutationObserver(() => seen() && watch.disconnect());
    watch.observe(document, {childList: true, subtree: true, attributes: true});
});
"""


def measure(folder: Path) -> None:
    """Prints milliseconds from the request to the first plot or table, median and range."""
    with browser(folder / "browser") as ask:
        for runs in STORES:
            home = folder / str(runs)
            home.mkdir()
            lists.fill(home, runs)
            running = start_service(home)
            try:
                _pages(ask, running, runs)
            finally:
                stop_service(running)


def chromium() -> str:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise SystemExit("no Chromium here: apt-get install chromium")
    return path


def _pages(ask: Ask, running: Service, runs: int) -> None:
    (demo,) = [one for one in running.client.load_demo() if one.experiment == "classification"]
    for name, path, wanted in (
        ("sweep of the shipped results", f"/sweep?sweep={demo.id}", PLOT),
        ("trade-off of them", f"/tradeoff?sweep={demo.id}", PLOT),
        ("runs", "/runs", TABLE),
        ("overview", "/", PLOT),
    ):
        took = [first(ask, f"{running.dashboard_url}{path}", wanted) for _ in range(TIMES)]
        numbers = f"{median(took):.0f} | {min(took):.0f} to {max(took):.0f} | {TIMES}"
        print(f"| {name}, {runs:,} runs in the store | {numbers} |", flush=True)


def first(ask: Ask, url: str, wanted: str) -> float:
    """Milliseconds, in a browser context of its own, so that nothing is kept from the one before."""
    with _told() as (tell, told):
        context = {"browserContextId": ask("Target.createBrowserContext", {}, "")["browserContextId"]}
        target = ask("Target.createTarget", {"url": "about:blank", **context, **SIZE}, "")
        session = ask("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True}, "")["sessionId"]
        source = WATCH.replace("WANTED", json.dumps(wanted)).replace("TELL", json.dumps(tell))
        ask("Page.enable", {}, session)
        ask("Page.addScriptToEvaluateOnNewDocument", {"source": source}, session)
        ask("Page.navigate", {"url": url}, session)
        took = told.get(timeout=WAIT_S)
        ask("Target.disposeBrowserContext", context, "")
        return took


@contextmanager
def browser(folder: Path) -> Iterator[Ask]:
    """Chromium, and how it is asked: a method, its parameters, and the session of a page or nothing."""
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0")
    command = [chromium(), *options, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    place = folder / "DevToolsActivePort"
    try:
        wait_for(lambda: place.is_file() and len(place.read_text().split()) == 2, 30, "Chromium's port")
        port, address = place.read_text().split()
        with connect(f"ws://127.0.0.1:{port}{address}", max_size=None) as socket:
            numbers = count()

            def ask(method: str, params: dict[str, Any], session: str) -> dict[str, Any]:
                number = next(numbers)
                of = {"sessionId": session} if session else {}
                socket.send(json.dumps({"id": number, "method": method, "params": params, **of}))
                while (answer := json.loads(socket.recv())).get("id") != number:
                    pass  # what it tells of itself
                return answer["result"]

            yield ask
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _told() -> Iterator[tuple[str, "Queue[float]"]]:
    """An address that takes a number at its end, and what it was told."""
    told: Queue[float] = Queue()

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.put(float(self.path.rpartition("=")[2]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/?ms=", told
        server.shutdown()
