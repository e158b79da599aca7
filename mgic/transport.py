"""How the client speaks to the service: one connection, past all proxies or through them, and what may go wrong."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import httpx2 as httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from mgic.errors import BadConfig, MgicError
from mgic.place import PREFIX, is_loopback, service_url
from mgic.records import Page

Item = TypeVar("Item")
PATIENT_S = 10  # at least, for what may have to be counted or written first
COUNTED = ("/models", "/references", "/results")
WHO = ("Authorization", "MGIC-User", "MGIC-Scope")
NOTHING: Mapping[str, str] = MappingProxyType({})
RATE_LIMITED = "/problems/rate-limited"
LONGEST_PAUSE_S = 10.0
SUBMIT_TRIES = 60  # a large sweep of networks never seen takes minutes to count, answer by answer


class ApiError(MgicError):
    """The service answered with a problem (RFC 9457). `str()` is fit to show to the user."""

    def __init__(self, status: int, problem: dict[str, Any], retry_s: float = 1.0) -> None:
        self.status = status
        self.retry_s = retry_s  # seconds after which it may be sent again
        self.type = str(problem.get("type", ""))
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", self.title))
        self.errors: list[dict[str, str]] = problem.get("errors", [])
        self.problem = problem
        lines = [f"{e.get('pointer', '').removeprefix('#/')}: {e.get('detail', '')}" for e in self.errors]
        super().__init__("; ".join(lines) or self.detail)


class Unreachable(MgicError):
    """No answer: the service is not there, or did not answer in time."""


class NoAnswerInTime(Unreachable):
    """The request was sent; whether it was heard is not known."""


class Transport:
    """Requests to one service, and answers as records. Its arguments are those of `mgic.client.Client`."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        api_key: str | None = None,
        timeout: float = 10,
        http: httpx.Client | None = None,
    ) -> None:
        self.url = service_url(url)
        self._http = http or connect(self.url, api_key, timeout)

    @property
    def reader(self) -> str:
        """Tells those apart who may see different things: by where they ask, with which key, and for whom."""
        asked = [self.url, *(self._http.headers.get(name, "") for name in WHO)]
        return hashlib.sha256("\n".join(asked).encode()).hexdigest()

    def close(self) -> None:
        """Let go of its connections; the end of a `with` does it too."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # How it is sent

    def _get(self, kind: type[Item], path: str, **params: object) -> Item:
        return self._read(kind, self._send("GET", path, params))

    def _post(self, kind: type[Item], path: str, json: object = None, headers: dict[str, str] | None = None) -> Item:
        return self._read(kind, self._send("POST", path, json=json, headers=headers))

    def _insist(self, kind: type[Item], path: str, request: BaseModel, headers: dict[str, str] | None = None) -> Item:
        """Send it until there is an answer that is not about patience: what was counted meanwhile is remembered."""
        body = request.model_dump(mode="json", exclude_unset=True)
        for _ in range(SUBMIT_TRIES - 1):
            try:
                return self._post(kind, path, body, headers)
            except NoAnswerInTime:
                continue
            except ApiError as error:
                if error.status != 503 and error.type != RATE_LIMITED:
                    raise
                time.sleep(min(error.retry_s, LONGEST_PAUSE_S) if error.status == 429 else 1)
        return self._post(kind, path, body, headers)

    def _page(self, kind: type[Item], path: str, **params: object) -> Page[Item]:
        return self._read(Page[kind], self._send("GET", path, params))  # type: ignore[valid-type]

    def _read(self, kind: type[Item], response: httpx.Response) -> Item:
        try:
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError as error:
            raise Unreachable(f"what answers at {self.url} is no MGIC Lab of this version") from error

    def _all(self, kind: type[Item], path: str, **params: object) -> Iterator[Item]:
        cursor: str | None = None
        while True:
            page = self._page(kind, path, limit=500, cursor=cursor, **params)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _send(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        json: object = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """`timeout`: seconds instead of the client's own, or of `PATIENT_S`."""
        given = {
            key: str(value).lower() if isinstance(value, bool) else value
            for key, value in (params or {}).items()
            if value is not None
        }
        limit = self._http.timeout if timeout is None else httpx.Timeout(timeout)
        if timeout is None and (method != "GET" or path.startswith(COUNTED)):
            limit = httpx.Timeout(max(PATIENT_S, limit.read or 0))
        try:
            response = self._http.request(
                method, PREFIX + path, params=given, json=json, headers=headers, timeout=limit
            )
        except httpx.ReadTimeout as error:
            raise NoAnswerInTime(f"no answer from {self.url} in time") from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise Unreachable(f"no answer from {self.url}: {error}") from error
        if response.is_error:
            told = response.headers.get("retry-after", "")
            retry_s = float(told) if told.isascii() and told.isdecimal() else 1.0
            raise ApiError(response.status_code, _problem(response), retry_s)
        return response


def _problem(response: httpx.Response) -> dict[str, Any]:
    """What the answer says is wrong; a proxy's page in between says no more than its status."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        notes = problem.get("notes")  # of a `Health` that says why it is none
        return {"detail": "; ".join(notes)} | problem if notes else problem
    return {"title": response.reason_phrase, "detail": f"{response.status_code} {response.reason_phrase}"}


def connect(url: str, api_key: str | None, timeout: float, more: Mapping[str, str] = NOTHING) -> httpx.Client:
    """A connection past all proxies to this machine and to whom NO_PROXY names, else through them; `more` are headers
    of every request."""
    if api_key and not (api_key.isascii() and api_key.isprintable()):
        raise BadConfig("the key of the service has a character that no header of HTTP may have")
    host = urlsplit(url).hostname or ""
    direct = is_loopback(host) or bool(proxy_bypass(host))
    headers = {"Authorization": f"Bearer {api_key}", **more} if api_key else {**more}
    # Certificates come from the environment either way, which `trust_env` would else shut out too.
    verify = httpx.create_ssl_context() if direct and url.startswith("https:") else True
    try:
        return httpx.Client(base_url=url, headers=headers, timeout=timeout, verify=verify, trust_env=not direct)
    except httpx.InvalidURL as error:
        raise BadConfig(f"the address of the service, {url[:200]}, or of a proxy to it is none: {error}") from error
    except ImportError as error:
        raise BadConfig(
            "the proxy that ALL_PROXY names speaks SOCKS, which needs `pip install 'httpx2[socks]'`"
        ) from error
    except ValueError as error:
        raise BadConfig(f"the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used: {error}") from error
