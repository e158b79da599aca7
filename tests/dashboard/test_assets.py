"""Streamlit's own files from memory, and what plots need asked for with the page."""

import asyncio

from streamlit import file_util

from dashboard.assets import TELLING, WIDTH_COOKIE, Assets, modules


def answered(path: str, method: str = "GET") -> tuple[dict[str, str], bytes]:
    """Headers and body, in front of pages that would say "page" to anybody."""
    sent: list[dict] = []

    async def inside(scope, receive, send) -> None:
        assert (b"accept-encoding", b"gzip") not in scope["headers"]
        kind, length = (b"content-type", b"text/html"), (b"content-length", b"4")
        await send({"type": "http.response.start", "status": 200, "headers": [kind, length]})
        await send({"type": "http.response.body", "body": b"page"})

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    asked = [(b"accept", b"text/html,*/*"), (b"accept-encoding", b"gzip")] if method == "GET" else []
    scope = {"type": "http", "method": method, "path": path, "headers": asked}
    asyncio.run(Assets(inside)(scope, receive, send))
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[1]["body"]


def test_a_page_links_to_the_code_of_its_plots():
    headers, _ = answered("/sweep")
    assert headers["link"].startswith("<./static/js/PlotlyChart.")
    assert headers["link"].count("rel=modulepreload") == len(modules("PlotlyChart")) > 1


def test_a_page_tells_how_wide_its_window_is_before_streamlit_asks():
    headers, body = answered("/sweep")
    assert body == b"page" + TELLING
    assert int(headers["content-length"]) == len(body)
    assert WIDTH_COOKIE.encode() in TELLING


def test_what_is_linked_is_there_as_streamlit_has_it():
    for name in modules("PlotlyChart"):
        headers, body = answered(f"/static/js/{name}")
        with open(f"{file_util.get_static_dir()}/static/js/{name}", "rb") as file:
            assert body == file.read()
        assert "javascript" in headers["content-type"]
        assert "immutable" in headers["cache-control"]
        assert "link" not in headers


def test_what_is_none_of_its_files_is_left_to_streamlit():
    assert answered("/static/js/../../index.html")[1] == b"page" + TELLING
    assert answered("/static/js/nothing.js")[1] == b"page" + TELLING
    headers, body = answered(f"/static/js/{modules('PlotlyChart')[0]}", "POST")
    assert ("link" in headers, body) == (False, b"page")
