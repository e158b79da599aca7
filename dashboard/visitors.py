"""Who looks at a page, and as whom the API is asked for them: never as anybody who may more."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dashboard.sessions import SIGNED_IN
from dashboard.settings import Settings
from dashboard.signing_in import PATH, cookie_name
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.doors.callers import is_from_here, listens_here_only
from mgic.place import service_url
from mgic.records import Caller
from mgic.transport import connect

ANSWER_S = 2.5  # an API that is silent for longer is said to be out of reach
NOT_LET_IN = (401, 403)


@dataclass(frozen=True)
class Visitor:
    """Args:
    how: Whether they sit at this machine, have signed in with a key, or by OIDC.
    caller: As whom the API is asked; None where it did not say.
    key: With which it is asked.
    speaks_for: Headers by which the pages' own key asks for them.
    """

    how: Literal["here", "key", "oidc"]
    caller: Caller | None
    key: str | None = field(repr=False)
    speaks_for: tuple[tuple[str, str], ...] = ()

    def client(self, settings: Settings) -> Client:
        url = service_url(settings.api_url, "MGIC_API_URL")
        return Client(url, http=connect(url, self.key, ANSWER_S, dict(self.speaks_for)))


def has_entered() -> bool:
    """Whether who looks at this page may look; from then on the session has a client that asks as them.

    Raises:
        BadConfig: A setting of these pages cannot be.
    """
    if "client" in st.session_state and "visitor" not in st.session_state:  # of a test, which has put in its own
        return True
    visitor = _visitor(Settings())
    if visitor is None:
        forget()
        return False
    if st.session_state.get("visitor") != visitor:
        forget()
        st.session_state.visitor = visitor
        st.session_state.client = visitor.client(Settings())
    return True


def is_still_in() -> bool:
    """Whether the session of who has signed in goes on; for parts of a page that are drawn again by themselves."""
    visitor: Visitor | None = st.session_state.get("visitor")
    if visitor is None or visitor.how == "here":
        return True
    if visitor.how == "oidc":
        return not _over(Settings())
    session = SIGNED_IN.find(_ticket(Settings()))
    return session is not None and session.key == visitor.key


def leave() -> bool:
    """When the API does not know their key any more: whether there is anything to leave."""
    visitor: Visitor | None = st.session_state.get("visitor")
    if visitor is None or visitor.how == "oidc":  # of the second it is the pages' own key, which nobody can give anew
        return False
    SIGNED_IN.close(_ticket(Settings()))
    forget()
    return True


def forget() -> None:
    """All that the session has seen as this visitor, and the way to the API."""
    if "client" in st.session_state:
        st.session_state.client.close()
    for name in list(st.session_state):
        del st.session_state[name]


def show_visitor() -> None:
    """Who has signed in, and the way out."""
    visitor: Visitor | None = st.session_state.get("visitor")
    if visitor is None or visitor.how == "here" or visitor.caller is None:
        return
    with st.sidebar:
        st.caption(f"{literal(visitor.caller.name)} · {visitor.caller.scope}")
        st.button("Sign out", icon=":material/logout:", on_click=sign_out, key="sign out")


def sign_out() -> None:
    by_oidc = st.session_state.visitor.how == "oidc"
    SIGNED_IN.close(_ticket(Settings()))
    forget()
    if by_oidc:
        st.logout()


def show_sign_in() -> None:
    """Instead of a page: how to sign in, and why whom the provider knows is not let in."""
    settings = Settings()
    st.title("Sign in", anchor=False)
    if settings.oidc and st.user.is_logged_in:
        st.error(literal(_stranger(settings)), icon=":material/block:")
        st.button("Sign in as somebody else", on_click=st.logout, key="other user")
        return
    st.write("This service shows itself to those who have a key.")
    with st.container(horizontal=True):
        there = f"{settings.root_path}{PATH}?next={quote(_address())}"
        st.html(f'<a class="sign-in" href="{there}" target="_self">Sign in with a key</a>')
        if settings.oidc:
            st.button("Sign in with your account", icon=":material/login:", on_click=st.login, key="oidc")


def _address() -> str:
    """Of this page, to come back to."""
    parts = urlsplit(st.context.url or "/")
    query = "&".join(f"{name}={quote(value)}" for name, value in st.query_params.items())
    return f"{parts.path}?{query}" if query else parts.path


def _ticket(settings: Settings) -> str | None:
    """What their browser shows; a test has no browser."""
    told = st.context.cookies.get(cookie_name(settings))
    return told if isinstance(told, str) else None


def is_known(settings: Settings, headers: Headers) -> bool:
    """Whether a connection is of who has signed in, or sits at this machine: before there is a page to ask for them.

    Of a cookie of Streamlit's own, which is for who has signed in by OIDC, only that it is there is seen.
    """
    cookies = cookie_parser(headers.get("cookie", ""))
    by_oidc = settings.oidc is not None and USER_COOKIE_NAME in cookies
    return by_oidc or SIGNED_IN.find(cookies.get(cookie_name(settings))) is not None or _sits_here(settings, headers)


def _is_here(settings: Settings) -> bool:
    """Whether they sit at this machine, and the pages are for it alone. A test has no address and no headers."""
    headers = st.context.headers
    if not isinstance(headers, Mapping) or not headers:
        return True
    return _sits_here(settings, {name.lower(): value for name, value in headers.items()})


def _sits_here(settings: Settings, headers: Mapping[str, str]) -> bool:
    here = listens_here_only(settings.dashboard_host) and is_from_here(settings.dashboard_host, headers)
    return here and not settings.keys_required


def _visitor(settings: Settings) -> Visitor | None:
    session = SIGNED_IN.find(_ticket(settings))
    if session is not None:
        return Visitor("key", session.caller, session.key)
    if settings.oidc and st.user.is_logged_in:
        return _by_oidc(settings)
    if not _is_here(settings):
        return None
    known: Visitor | None = st.session_state.get("visitor")
    return known or _here(settings)


def _here(settings: Settings) -> Visitor | None:
    """Of this machine: who needs no key, or has the pages' own. What the API says is asked once a session."""
    key = settings.own_key
    try:
        with Visitor("here", None, key).client(settings) as client:
            return Visitor("here", client.me(), key)
    except Unreachable:
        return Visitor("here", None, key)  # what the page then says itself
    except ApiError as error:
        if error.status in NOT_LET_IN:
            return None
        return Visitor("here", None, key)


def _by_oidc(settings: Settings) -> Visitor | None:
    name = _name(settings)
    scope = settings.scope_of(name) if name else None
    if name is None or scope is None or _over(settings):
        return None
    speaks_for = (("MGIC-User", name), ("MGIC-Scope", scope))
    return Visitor("oidc", Caller(name=name, scope=scope), settings.own_key, speaks_for)


def _name(settings: Settings) -> str | None:
    """As the provider tells it; an address of mail only if the provider has seen that it is theirs."""
    told = st.user.to_dict()
    name = told.get(settings.oidc_claim)
    if settings.oidc_claim == "email" and told.get("email_verified") is not True:
        return None
    return name if isinstance(name, str) and name.isascii() and name.isprintable() and 0 < len(name) <= 254 else None


def _over(settings: Settings) -> bool:
    """Whether it is too long ago that they signed in; the cookie of Streamlit would let them in for 30 days."""
    since = st.user.to_dict().get("iat")
    return not isinstance(since, int | float) or time.time() > since + settings.session_hours * 3600


def _stranger(settings: Settings) -> str:
    name = _name(settings)
    if name is None:
        return f"Your provider tells no {settings.oidc_claim} that it has checked."
    if _over(settings):
        return "Your session is over."
    return f"{name} is not among those who may use this service; MGIC_OIDC_SCOPES names them."
