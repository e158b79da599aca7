"""A service with keys, put together here and asked without a server: each request comes from where it likes."""

import httpx2 as httpx
from starlette.testclient import TestClient

from backend.app import PREFIX, create_app
from backend.keys import Token, mint
from backend.queue import Bell
from backend.settings import Settings
from backend.store import Store
from mgic.records import MeasuredRequest
from tests.comparisons import drawn

AWAY, HERE = "http://lab.example.org", "http://127.0.0.1:8000"
EVERYWHERE = {"api_host": "0.0.0.0", "allowed_hosts": "lab.example.org"}


def asking(store: Store, url: str = AWAY, **settings) -> TestClient:
    """A client of a service with these settings, whose requests arrive at `url`."""
    told = Settings(**EVERYWHERE | {"refusals_per_minute": 1000} | settings)
    app = create_app(told, store, Bell("redis://127.0.0.1:1/0"))
    return TestClient(app, base_url=url + PREFIX + "/", client=("10.0.0.7", 5000))


def added(store: Store, scope: str, name: str = "", expires_at: float | None = None) -> Token:
    token = mint()
    assert store.add_key(token.id, name or f"{scope} {token.id}", scope, token.digest, expires_at)
    return token


def by(token: Token, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.text}"} | more


def refused(answer: httpx.Response, status: int, kind: str) -> str:
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{kind}"), problem
    assert answer.headers["content-type"] == "application/problem+json"
    return problem["detail"]


def measured(number: int) -> dict:
    """A comparison to send, another for each number."""
    return MeasuredRequest(measured=drawn(number=number)).model_dump(mode="json")
