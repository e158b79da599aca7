"""Signing in: the form, what the browser keeps, whose session ends when, and as whom the API is asked."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

import dashboard
from backend.keys import Token, mint
from backend.store import Store, sqlite_url
from dashboard import visitors
from dashboard.__main__ import in_words
from dashboard.sessions import SIGNED_IN, Sessions
from dashboard.settings import Settings
from dashboard.signing_in import _safe, entrance, routes
from mgic.client import Client
from mgic.errors import BadConfig
from mgic.records import Caller
from mgic.transport import connect
from tests.conftest import free_port

APP = str(Path(dashboard.__file__).with_name("app.py"))
ADA = Caller(name="ada", scope="read", key_id="0" * 16)


def added(service, scope: str, name: str = "ada") -> Token:
    store, token = Store.open(sqlite_url(service.home / "mgic.db")), mint()
    store.add_key(token.id, name, scope, token.digest)
    store.close()
    return token


def revoke(service, token: Token) -> None:
    store = Store.open(sqlite_url(service.home / "mgic.db"))
    store.revoke_key(token.id)
    store.close()


@pytest.fixture
def form(service, monkeypatch) -> TestClient:
    monkeypatch.setenv("MGIC_API_URL", service.url)
    app = Starlette(routes=routes(Settings(root_path="/lab")))
    return TestClient(app, base_url="https://lab.example.org", follow_redirects=False)


def test_a_key_is_given_in_a_form_and_the_browser_gets_something_else(form, service):
    shown = form.get("/lab/sign-in", params={"next": "/lab/runs?q=x"})
    assert 'name="next" value="/lab/runs?q=x"' in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    token = added(service, "read")
    done = form.post("/lab/sign-in", data={"key": f" {token.text} ", "next": "/lab/runs?q=x"})
    assert (done.status_code, done.headers["location"]) == (303, "/lab/runs?q=x")
    cookie = done.headers["set-cookie"]
    assert {part.strip().lower() for part in cookie.split(";")} >= {"httponly", "secure", "samesite=lax", "path=/lab"}
    assert token.secret not in cookie + done.headers["location"] + done.text
    session = SIGNED_IN.find(cookie.partition("=")[2].partition(";")[0])
    assert (session.key, session.caller.name, session.caller.scope) == (token.text, "ada", "read")


def test_a_key_that_does_not_hold_is_said_and_opens_nothing(form, service):
    for key, words in (
        ("", "A key is wanted."),
        ("wrong", "There is no such key."),
        (mint().text, "There is no such key."),
    ):
        told = form.post("/lab/sign-in", data={"key": key, "next": "//evil.example/"})
        assert told.status_code == 403
        assert f'<p role="alert">{words}</p>' in told.text
        assert 'value="/lab/"' in told.text
        assert "set-cookie" not in told.headers
        assert not key or key not in told.text
    pages = form.post(
        "/lab/sign-in", data={"key": added(service, "pages").text}
    )  # with one for workers these would end
    assert "A key of the kind pages opens no route." in pages.text
    assert form.post("/lab/sign-in", content=b"key=" + b"x" * 5000).status_code == 413


def test_without_a_service_the_form_says_so_and_not_where_it_was_looked_for(form, monkeypatch):
    monkeypatch.setenv("MGIC_API_URL", f"http://127.0.0.1:{free_port()}")
    app = Starlette(routes=routes(Settings()))
    told = TestClient(app).post("/sign-in", data={"key": mint().text})
    assert told.status_code == 503
    assert '<p role="alert">The service does not answer just now.' in told.text
    assert "127.0.0.1" not in told.text


def test_who_asks_for_a_page_without_signing_in_is_led_to_the_form():
    def led(path: str, query: bytes = b"", accept: bytes = b"text/html,*/*", **settings) -> str | None:
        asked = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": [(b"accept", accept)]}
        return entrance(Settings(root_path="/lab", **settings), asked)

    assert led("/lab/runs", b"q=a%26b&tag=x") == "/lab/sign-in?next=/lab/runs%3Fq%3Da%2526b%26tag%3Dx"
    assert led("/lab/sign-in") is led("/lab/static/js/a.js", accept=b"*/*") is None
    assert led("/lab//evil.example/\r\nx") == "/lab/sign-in?next=/lab//evil.example/%0D%0Ax"
    given = {"client_id": "a", "client_secret": "b", "redirect_url": "c", "scopes": "*=read"}
    oidc = {f"oidc_{name}": value for name, value in given.items()} | {"api_key": "k"}
    assert led("/lab/runs", oidc_metadata_url="https://id.example.org", **oidc) is None


@pytest.mark.parametrize(
    ("then", "leads"),
    [
        ("/lab/run?run=1&x=%2F", "/lab/run?run=1&x=%2F"),
        *((bad, "/lab/") for bad in ("", "/", "/other", "https://evil.example/lab/", "//evil.example/lab/", "/\\evil")),
        *((bad, "/lab/") for bad in ("/lab/\r\nSet-Cookie: x=1", "javascript:alert(1)", "\\\\evil\\lab")),
    ],
)
def test_after_signing_in_a_browser_stays_here(then, leads):
    assert _safe(Settings(root_path="/lab"), then) == leads


def test_sessions_end():
    now = [1000.0]
    sessions = Sessions(lambda: now[0])
    hers, his = sessions.open("k1", ADA, 1), sessions.open("k2", ADA, 12)
    until = datetime.fromtimestamp(1000 + 60, UTC)
    brief = sessions.open("k3", ADA.model_copy(update={"expires_at": until}), 12)
    assert (sessions.find(hers).key, sessions.find(his).key) == ("k1", "k2")
    now[0] += 61
    assert sessions.find(brief) is None, "with its key"
    now[0] += 3600
    assert sessions.find(hers) is None
    sessions.close(his)
    assert [sessions.find(ticket) for ticket in (his, None, "", "x")] == [None] * 4


# Pages


@pytest.fixture
def looked_at(monkeypatch, service):
    """A page as a browser sees it that shows this ticket, at the machine itself or elsewhere."""
    opened = []

    def looked_at(ticket: str | None, here: bool = False) -> AppTest:
        st.cache_data.clear()
        monkeypatch.setenv("MGIC_API_URL", service.url)
        monkeypatch.setattr(visitors, "_ticket", lambda _settings: ticket)
        monkeypatch.setattr(visitors, "_is_here", lambda _settings: here)
        opened.append(AppTest.from_file(APP, default_timeout=60).run())
        return opened[-1]

    yield looked_at
    for page in opened:
        if "client" in page.session_state:
            page.session_state.client.close()


def test_a_stranger_sees_how_to_sign_in_and_nothing_else(looked_at):
    page = looked_at("not one of ours")
    assert [title.value for title in page.title] == ["Sign in"]
    assert "client" not in page.session_state
    assert not page.dataframe


def test_who_has_signed_in_is_asked_for_as_themselves_until_they_leave(looked_at, service):
    token = added(service, "read", "eve")
    ticket = SIGNED_IN.open(token.text, ADA.model_copy(update={"name": "eve"}), 1)
    page = looked_at(ticket)
    assert page.title[0].value != "Sign in"
    assert page.session_state.client.me().name == "eve"
    assert page.sidebar.caption[0].value == "eve · read"
    page.sidebar.button(key="sign out").click().run()
    assert page.title[0].value == "Sign in"
    assert SIGNED_IN.find(ticket) is None


@pytest.mark.thorough
def test_whose_key_is_revoked_is_asked_again(looked_at, service):
    token = added(service, "read")
    page = looked_at(SIGNED_IN.open(token.text, ADA, 1))
    assert page.title[0].value != "Sign in"
    revoke(service, token)
    st.cache_data.clear()
    assert page.run().title[0].value == "Sign in"


@pytest.mark.thorough
def test_at_the_machine_itself_nobody_signs_in_unless_the_api_asks_for_a_key(looked_at, monkeypatch):
    assert looked_at(None, here=True).title[0].value != "Sign in"
    monkeypatch.setenv("MGIC_API_KEY", mint().text)
    assert looked_at(None, here=True).title[0].value == "Sign in"


def test_what_is_remembered_is_remembered_for_one_reader():
    eve = {"MGIC-User": "eve", "MGIC-Scope": "read"}
    asked = [("k1", {}), ("k2", {}), ("k1", eve), ("k1", eve | {"MGIC-User": "ada"})]
    clients = [Client("http://a", http=connect("http://a", key, 1, more)) for key, more in asked]
    clients.append(Client("http://b", http=clients[0]._http))
    assert len({client.reader for client in clients}) == 5


def test_a_socket_tells_by_its_cookie_or_its_place_who_has_signed_in():
    there, here = Settings(dashboard_host="0.0.0.0"), Settings(dashboard_host="127.0.0.1", dashboard_port=8502)
    ticket = SIGNED_IN.open("k", ADA, 1)
    for settings, headers, known in (
        (there, {"cookie": f"a=b; mgic_session_8501={ticket}"}, True),
        (there, {"cookie": "mgic_session_8501=another; _streamlit_user=x"}, False),
        (there, {"host": "127.0.0.1:8501"}, False),
        (here, {"host": "127.0.0.1:8502"}, True),
        (here, {"host": "127.0.0.1:8502", "x-forwarded-for": "10.0.0.7"}, False),
        (Settings(dashboard_host="127.0.0.1", keys_required=True), {"host": "127.0.0.1:8501"}, False),
    ):
        assert visitors.is_known(settings, Headers(headers)) is known
    SIGNED_IN.close(ticket)


# Settings


def test_who_signs_in_by_oidc_may_what_the_first_fitting_pattern_says():
    settings = Settings(oidc_scopes="ada@lab.org=admin, *@lab.org=submit,*=read")
    names = ("ada@lab.org", "eve@lab.org", "eve@lab.org.evil", "Ada@lab.org")
    assert [settings.scope_of(name) for name in names] == ["admin", "submit", "read", "submit"]
    assert Settings(oidc_scopes="*@lab.org=read").scope_of("eve@other.org") is None
    for bad in ("*@lab.org", "=read", "x=root"):
        with pytest.raises(ValueError, match="of scopes there are"):
            Settings(oidc_scopes=bad)


def test_a_provider_needs_all_that_it_needs():
    assert Settings().oidc is None
    with pytest.raises(BadConfig, match=r"needs MGIC_OIDC_CLIENT_ID, .*MGIC_OIDC_SCOPES, MGIC_API_KEY_FILE too"):
        _ = Settings(oidc_metadata_url="https://id.example.org").oidc
    with pytest.raises(ValueError, match="a path such as /lab") as refused:
        Settings(root_path="lab/")
    assert in_words(refused.value).startswith("MGIC_ROOT_PATH: a path such as /lab")
