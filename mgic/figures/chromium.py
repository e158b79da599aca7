"""One Chromium for all files of this process: started for the first, reused, closed when idle and at the end.

Kaleido draws in it. Nothing is loaded from another host: Plotly's script lies in its package, and MathJax is left out.
"""

import asyncio
import atexit
import logging
from collections.abc import Coroutine
from pathlib import Path
from threading import Lock, Thread, Timer
from typing import Any, TypeVar

from mgic.errors import BadConfig, Unavailable
from mgic.extras import how_to_get

START_S, DRAW_S, CLOSE_S = 90.0, 60.0, 10.0
IDLE_S = 120.0  # a Chromium that nobody uses has 200 MB
MISSING = (
    "SVG, PDF and PNG are drawn by Chrome or Chromium, and neither is found here: install the Debian package "
    "`chromium` (`apt-get install chromium`), name another one in BROWSER_PATH, or let `plotly_get_chrome` download one"
)
# Of a PDF's page, which else has margins that cut the figure.
SHEET = "<style>@page { margin: 0 } body { margin: 0 } img { display: block }</style>"

Given = TypeVar("Given")


def browser_missing() -> str:
    """The sentence that says so; empty where there is one."""
    try:
        from choreographer.browsers import Chromium
    except ModuleNotFoundError as error:
        return how_to_get(error) or str(error)
    found = Chromium.find_browser(skip_local=False)
    return "" if found and Path(found).is_file() else MISSING


class _Drawer:
    """Files are drawn one after the other, whoever asks, by one browser on a thread with a loop of its own."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._browser: Any = None
        self._idle: Timer | None = None

    def draw(self, figure: dict[str, Any], options: dict[str, Any]) -> bytes:
        """Raises `Unavailable` where there is no browser, or it does not answer."""
        from choreographer.errors import BrowserClosedError, BrowserFailedError, ChannelClosedError

        with self._turn:
            for last in (self._browser is None, True):  # one that has been ended since is started anew
                try:
                    return self._drawn(figure, options)
                except (BrowserClosedError, BrowserFailedError, ChannelClosedError, TimeoutError) as error:
                    self._close()
                    if last:
                        said = f"Chromium did not draw the figure: {error or 'no answer in time'}"
                        raise Unavailable(said) from error
        raise AssertionError("the second try returns or raises")

    def close(self) -> None:
        with self._turn:
            self._close()

    def _drawn(self, figure: dict[str, Any], options: dict[str, Any]) -> bytes:
        if self._browser is None:
            self._open()
        if self._idle is not None:
            self._idle.cancel()
        found: bytes = self._wait(self._browser.calc_fig(figure, opts=options), DRAW_S)
        self._idle = Timer(IDLE_S, self.close)
        self._idle.daemon = True
        self._idle.start()
        return found

    def _open(self) -> None:
        if missing := browser_missing():
            raise Unavailable(missing)
        from kaleido import Kaleido, PageGenerator

        logging.getLogger("choreographer").setLevel(logging.ERROR)
        logging.getLogger("kaleido").setLevel(logging.ERROR)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=_serve, args=(self._loop,), name="chromium", daemon=True)
        self._thread.start()
        pages = PageGenerator(mathjax=False)
        pages.header = pages.header.replace("Kaleido-fier", "MGIC Lab") + SHEET
        self._browser = self._wait(_started(Kaleido, pages), START_S)

    def _wait(self, work: Coroutine[Any, Any, Given], seconds: float) -> Given:
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except TimeoutError:
            future.cancel()
            raise

    def _close(self) -> None:
        """Whatever state it is in."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        browser, loop, self._browser, self._loop = self._browser, self._loop, None, None
        if browser is not None and loop is not None:
            try:
                asyncio.run_coroutine_threadsafe(browser.close(), loop).result(CLOSE_S)
            except (TimeoutError, RuntimeError, OSError):
                browser.subprocess.kill()
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(CLOSE_S)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Until it is stopped; what a browser that was ended has left waits no longer."""
    loop.run_forever()
    if left := asyncio.all_tasks(loop):
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.wait(left, timeout=CLOSE_S / 2))
    loop.close()


async def _started(kind: Any, pages: Any) -> Any:
    browser = kind(n=1, timeout=DRAW_S, page_generator=pages)
    await browser.open()
    return browser


_drawer = _Drawer()
atexit.register(_drawer.close)


def draw(figure: dict[str, Any], kind: str, width: float, height: float, scale: float) -> bytes:
    """A figure, as Plotly's JSON, as a file: svg, pdf or png.

    Args:
        figure: Its data and layout.
        kind: Of the file.
        width: In CSS pixels, as `height`; of these a plot is laid out.
        height: See `width`.
        scale: From them to the pixels of the file; of SVG and PDF an inch has 96.

    Raises:
        Unavailable: There is no browser, or it does not answer within a minute.
        BadConfig: It is no figure that Plotly draws.
    """
    from kaleido.errors import JavascriptError, KaleidoError

    try:
        return _drawer.draw(figure, {"format": kind, "width": width, "height": height, "scale": scale})
    except (JavascriptError, KaleidoError) as error:
        raise BadConfig(f"Plotly does not draw this figure: {error}") from error
