"""A small OpenID provider: whoever comes is the person that the test has named, and it signs for that."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.conftest import free_port, wait_for

CLIENT, SECRET = "the lab", "known to both"


class Provider:
    """`person` has the claims of whoever signs in next, and `asked` what the client has sent."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.person: dict[str, Any] = {}
        self.asked: list[dict[str, str]] = []
        self._key = RSAKey.generate_key(2048, parameters={"kid": "1"})
        self._codes: dict[str, dict[str, str]] = {}
        paths = {
            "/.well-known/openid-configuration": self._metadata,
            "/keys": self._keys,
            "/authorize": self._authorize,
        }
        routes = [Route(path, answer) for path, answer in paths.items()]
        self.app = Starlette(routes=[*routes, Route("/token", self._token, methods=["POST"])])

    async def _metadata(self, _request: Request) -> Response:
        ends = {"authorization": "authorize", "token": "token"}
        return JSONResponse(
            {f"{name}_endpoint": f"{self.url}/{path}" for name, path in ends.items()}
            | {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        given = dict(request.query_params)
        self.asked.append(given)
        code = secrets.token_urlsafe(16)
        self._codes[code] = given
        back = urlencode({"code": code, "state": given["state"]})
        return RedirectResponse(f"{given['redirect_uri']}?{back}")

    async def _token(self, request: Request) -> Response:
        given = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        basic = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        begun = self._codes.pop(given["code"])
        proof = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest()).decode().rstrip("=")
        known = basic.replace("+", " ").replace("%20", " ") == f"{CLIENT}:{SECRET}"
        if not known or proof != begun["code_challenge"] or given["redirect_uri"] != begun["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300, "nonce": begun["nonce"]}
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims | self.person, self._key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": signed})


@contextmanager
def provider() -> Iterator[Provider]:
    """It on a port of its own, in a thread."""
    running = Provider()
    server = uvicorn.Server(uvicorn.Config(running.app, port=running.port, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, 20, "the provider")
    yield running
    server.should_exit = True
    thread.join(20)
