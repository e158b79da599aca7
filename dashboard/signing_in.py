"""The page on which a key is given: a plain form, since a key belongs into no address and into no script's hands.

The browser gets a cookie that no script can read; the key stays here.
"""

import asyncio
import logging
from html import escape
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from dashboard.sessions import SIGNED_IN
from dashboard.settings import Settings
from mgic.client import ApiError, Client, Unreachable
from mgic.errors import BadConfig
from mgic.records import Caller

log = logging.getLogger(__name__)
PATH = "/sign-in"
MOST_BYTES = 4096
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
# Without a referrer at all a browser does not say either from which site a form is sent.
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
HTML = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>MGIC Lab: sign in</title>
<link rel="icon" href="data:,"><style>
/* The colours are those of .streamlit/config.toml. */
:root {{ color-scheme: light; --page: #f3f5f8; --card: #fff; --text: #0b0d12; --quiet: #50555f; --line: #878d98;
  --primary: #0072b2; --on-primary: #fff; --fault: #b3261e }}
@media (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; --page: #0e1117; --card: #1e222b; --text: #f5f6f8;
  --quiet: #b4b9c4; --line: #7d8490; --primary: #56b4e9; --on-primary: #0b0d12; --fault: #ff8a80 }} }}
* {{ box-sizing: border-box }}
body {{ font: 1rem/1.5 "Source Sans", system-ui, sans-serif; margin: 0; padding: 12vh 1rem 1rem; color: var(--text);
  background: var(--page) }}
main {{ max-width: 26rem; margin: auto; padding: 2rem; background: var(--card); border-radius: .5rem }}
.name, .hint {{ color: var(--quiet); margin: 0 }}
h1 {{ font-size: 1.75rem; line-height: 1.2; margin: 0 0 1.5rem }}
input, button {{ font: inherit; width: 100%; padding: .6rem .75rem; border-radius: .4rem }}
input {{ margin: .25rem 0 1rem; color: inherit; background: var(--page); border: 1px solid var(--line) }}
::placeholder {{ color: var(--quiet); opacity: 1 }}
button {{ color: var(--on-primary); background: var(--primary); border: 0; font-weight: 600; cursor: pointer;
  margin-bottom: 1.5rem }}
:focus-visible {{ outline: 2px solid var(--primary); outline-offset: 2px }}
[role=alert] {{ border-left: .25rem solid; padding-left: .75rem; color: var(--fault); margin: 0 0 1.25rem }}
code {{ display: block; margin-top: .25rem; color: var(--text); font-size: .9rem; overflow-x: auto }}
</style></head>
<body><main><p class="name">MGIC Lab</p><h1>Sign in</h1>{fault}
<form method="post" action="{action}"><label>Your key<input type="password" name="key" placeholder="mgic_..."
autocomplete="current-password" required autofocus spellcheck="false"></label>
<input type="hidden" name="next" value="{next}"><button>Sign in</button></form>
<p class="hint">No key yet? Whoever runs this service makes one: <code>mgic key create NAME --scope read</code></p>
</main></body>
</html>
"""
AWAY = "The service does not answer just now. Try again in a moment."


def routes(settings: Settings) -> list[Route]:
    """For `st.App`."""

    async def show(request: Request) -> Response:
        return _page(settings, request.query_params.get("next", ""))

    async def take(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return _page(settings, "", "That is no key.", 413)
        fields = parse_qs(body.decode(errors="replace"))
        key, then = fields.get("key", [""])[0].strip(), fields.get("next", [""])[0]
        caller = await asyncio.to_thread(_ask, settings, key)
        if isinstance(caller, str):
            return _page(settings, then, caller, 503 if caller == AWAY else 403)
        answer = RedirectResponse(_safe(settings, then), 303)
        answer.set_cookie(
            cookie_name(settings),
            SIGNED_IN.open(key, caller, settings.session_hours),
            max_age=int(settings.session_hours * 3600),
            path=settings.root_path or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return answer

    path = settings.root_path + PATH
    return [Route(path, show, methods=["GET"]), Route(path, take, methods=["POST"])]


def entrance(settings: Settings, scope: Scope) -> str | None:
    """Where a stranger who asks for this is sent instead: for a page, to the form; None for anything else, and where
    they may sign in by OIDC too, which a page of Streamlit offers."""
    asks_page = scope["method"] == "GET" and Headers(scope=scope).get("accept", "").startswith("text/html")
    if settings.oidc or not asks_page or scope["path"] == settings.root_path + PATH:
        return None
    query = scope["query_string"].decode("latin-1")
    return f"{settings.root_path}{PATH}?next={quote(scope['path'] + (f'?{query}' if query else ''))}"


def cookie_name(settings: Settings) -> str:
    """With the port, which cookies know nothing of: several services may be on one machine."""
    return f"mgic_session_{settings.dashboard_port}"


def _ask(settings: Settings, key: str) -> Caller | str:
    """As whom the API knows the key; or why not, in words for who has typed it."""
    if not key:
        return "A key is wanted."
    try:
        with Client(settings.api_url, api_key=key, timeout=10) as client:
            return client.me()
    except ApiError as error:
        return f"{error.detail[:1].upper()}{error.detail[1:]}."
    except BadConfig:  # a key that no header could have
        return "There is no such key."
    except Unreachable as error:  # where it was looked for is nothing for who has not signed in
        log.warning("nobody can sign in: %s", error)
        return AWAY


def _page(settings: Settings, then: str, fault: str = "", status: int = 200) -> HTMLResponse:
    told = f'\n<p role="alert">{escape(fault)}</p>' if fault else ""
    action, place = escape(settings.root_path + PATH), escape(_safe(settings, then))
    text = HTML.format(fault=told, action=action, next=place)
    return HTMLResponse(text, status, HEADERS)


def _safe(settings: Settings, then: str) -> str:
    """A place of ours, and no other site's: `//evil.example` and `/\\evil.example` are such."""
    home = f"{settings.root_path}/"
    ours = then.isprintable() and then.startswith(home) and not then.startswith(("//", "/\\"))
    return then if ours else home
