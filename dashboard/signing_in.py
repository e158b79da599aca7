"""The page on which a key is given: a plain form, since a key belongs into no address and into no script's hands.

The browser gets a cookie that no script can read; the key stays here.
"""

import asyncio
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.sessions import SIGNED_IN
from dashboard.settings import Settings
from mgic.client import ApiError, Client, Unreachable
from mgic.errors import BadConfig
from mgic.records import Caller

PATH = "/sign-in"
MOST_BYTES = 4096
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
# Without a referrer at all a browser does not say either from which site a form is sent.
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
HTML = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>MGIC Lab: sign in</title>
<link rel="icon" href="data:,"><style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 "Source Sans", sans-serif; max-width: 26rem; margin: 15vh auto; padding: 0 1rem }}
input, button {{ font: inherit; padding: .5rem; box-sizing: border-box }}
input {{ width: 100%; margin: .25rem 0 1rem }}
[role=alert] {{ border-left: .25rem solid #c62828; padding-left: .75rem }}
</style></head>
<body><main><h1>Sign in</h1>{fault}
<form method="post" action="{action}"><label>Your key<br><input type="password" name="key"
autocomplete="current-password" required autofocus spellcheck="false"></label>
<input type="hidden" name="next" value="{next}"><button>Sign in</button></form>
<p>Who runs this service gives you one: <code>mgic key create NAME --scope read</code></p></main></body>
</html>
"""


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
            return _page(settings, then, caller, 403)
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
    except (BadConfig, Unreachable) as error:
        return str(error)


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
