"""The one place where errors become answers: problem details (RFC 9457), in one shape for all of them.

Nothing of the inside is shown: the log has it, under the id that the answer carries as
`instance`. Of the request it repeats no more than the place and the value at fault, cut short.
"""

import logging
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from backend.logs import this_request
from backend.store import DATABASE_ERRORS, QuotaExceeded, SchemaMismatch, disk_is_full
from mgic.doors.callers import path_within
from mgic.errors import (
    BadCheckpoint,
    BadConfig,
    Conflict,
    MgicError,
    NotFound,
    Problem,
    SweepTooLarge,
    TooExpensive,
    Unavailable,
    UnknownName,
)

log = logging.getLogger(__name__)
MAX_ERRORS = 50
MAX_POINTER = 200  # characters; a client may give fields names of any length
MAX_WORDS = 2000
RETRY_S = 5
MEDIA_TYPE = "application/problem+json"

# class -> status, last part of the type, title; the first that matches
ANSWERS: tuple[tuple[type[MgicError], int, str, str], ...] = (
    (TooExpensive, 422, "too-expensive", "The run would cost more than this server allows"),
    (SweepTooLarge, 422, "sweep-too-large", "The sweep has too many runs"),
    (BadCheckpoint, 422, "bad-checkpoint", "A file of weights cannot be used"),
    (BadConfig, 422, "validation", "Request is not valid"),
    (UnknownName, 404, "not-found", "Not found"),
    (NotFound, 404, "not-found", "Not found"),
    (Conflict, 409, "conflict", "Not possible in this state"),
    (Unavailable, 503, "unavailable", "Not available just now"),
    (SchemaMismatch, 503, "unavailable", "Not available just now"),
)

STATUS_TYPES = {
    400: ("bad-request", "Bad request"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    413: ("too-large", "Request is too large"),
    415: ("unsupported-media-type", "Unsupported media type"),
    416: ("range", "No such part of the file"),
    422: ("validation", "Request is not valid"),
    429: ("quota-exceeded", "Too much is queued"),
}


_FAULT = {
    "type": "object",
    "required": ["pointer", "in", "code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer into the body, or the parameter's name"},
        "in": {"enum": ["body", "query", "path", "header"]},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
PROBLEM_SCHEMA = {
    "title": "Problem",
    "description": "An error, after RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/[a-z-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The log has more under this id"},
        "errors": {"type": "array", "maxItems": MAX_ERRORS, "items": _FAULT},
        "cells": {"type": "integer", "description": "Runs the sweep would have, where these are too many"},
        "estimate": {"type": "object", "additionalProperties": {"type": "number"}},
    },
}
_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request cannot be served", "content": _CONTENT},
    "5XX": {"description": "The service cannot serve it now", "content": _CONTENT},
}


class ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE


class BadCursor(MgicError):
    """A cursor that no page of this list has given."""


class KeyMismatch(MgicError):
    """An Idempotency-Key used again for another request."""


class Forbidden(MgicError):
    """The key is known, and does not open this."""


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    errors: Sequence[dict[str, str]] = (),
    retry_s: float = RETRY_S,
    **more: Any,
) -> ProblemResponse:
    """The one shape. `kind` is the last part of the type; `more` are members of their own."""
    instance = f"urn:request:{this_request() or uuid4()}"
    body: dict[str, Any] = {
        "type": f"/problems/{kind}",
        "title": title,
        "status": status,
        "detail": _short(detail, MAX_WORDS),
        "instance": instance,
        **more,
    }
    if errors:
        body["errors"] = [
            error | {"pointer": _short(error["pointer"], MAX_POINTER), "detail": _short(error["detail"], MAX_WORDS)}
            for error in errors[:MAX_ERRORS]
        ]
    headers = {"Retry-After": str(ceil(retry_s))} if status in (429, 503) else {}
    headers |= {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    log.info("%s %s %a", instance, status, detail[:500])  # %a: nobody's words may look like a line of ours
    return ProblemResponse(body, status, headers)


def install(app: FastAPI) -> None:
    """Every error the API can meet, and its answer; call it before the routers are included."""
    app.router.responses |= RESPONSES
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        schema["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
        return schema

    app.openapi = openapi  # type: ignore[method-assign]

    @app.exception_handler(MgicError)
    def expected(request: Request, error: MgicError) -> ProblemResponse:
        return _expected(error, "query" if request.method == "GET" else "body")

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> ProblemResponse:
        errors = list(_faults(error.errors()))
        return problem(422, "validation", "Request is not valid", _count(errors), errors)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> ProblemResponse:
        kind, title = STATUS_TYPES.get(error.status_code, ("error", "Error"))
        answer = problem(error.status_code, kind, title, str(error.detail))
        answer.headers.update(error.headers or {})
        if error.status_code == 405 and (methods := _methods(request)):
            answer.headers["Allow"] = ", ".join(methods)
        return answer

    def no_database(_request: Request, error: Exception) -> ProblemResponse:
        log.warning("the database does not answer: %s", error)
        words = "the disk of the database is full" if disk_is_full(error) else "the database does not answer"
        return problem(503, "unavailable", "Not available just now", words)

    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, no_database)


def _expected(error: MgicError, place: str) -> ProblemResponse:
    if isinstance(error, QuotaExceeded):
        return problem(429, *STATUS_TYPES[429], str(error))
    if isinstance(error, Forbidden):
        return problem(403, "forbidden", "This key does not allow it", str(error))
    if isinstance(error, BadCursor | KeyMismatch):
        kind = "bad-cursor" if isinstance(error, BadCursor) else "idempotency-mismatch"
        return problem(422, kind, "Request is not valid", str(error))
    for kind_of, status, kind, title in ANSWERS:
        if isinstance(error, kind_of):
            errors = [
                {"pointer": fault.pointer, "in": place,
                 "code": fault.code, "detail": fault.detail}
                for fault in getattr(error, "problems", ())
            ]  # fmt: skip
            more = {name: getattr(error, name) for name in ("estimate", "cells") if hasattr(error, name)}
            if any(_names_no_dataset(fault) for fault in getattr(error, "problems", ())):
                kind = "unknown-dataset"
            return problem(status, kind, title, str(error), errors, **more)
    log.error("an error without an answer: %r", error)
    return problem(500, "internal", "Internal error", "the server met an error it did not expect")


def _methods(request: Request) -> list[str]:
    """All that the path has; FastAPI's own `Allow` names those of the first matching route only."""
    paths = request.app.openapi()["paths"].items()
    for form in ("}", ":path}"):  # a model's name may have slashes, of which the schema does not tell
        found = [
            ways for path, ways in paths if compile_path(path.replace("}", form))[0].match(path_within(request.scope))
        ]
        if found:
            break
    return sorted({method.upper() for ways in found for method in ways})


def _names_no_dataset(fault: Problem) -> bool:
    """A config's validator says it by a ValueError, of which pydantic keeps the words and no code."""
    return fault.code == "value_error" and "dataset" in fault.pointer.split("/")


def _short(text: str, most: int) -> str:
    """Cut, and free of lone surrogates, which no answer in UTF-8 could hold."""
    text = text.encode(errors="replace").decode()
    return text if len(text) <= most else f"{text[:most]}..."


def _faults(errors: Iterable[Any]) -> Iterable[dict[str, str]]:
    seen = set()
    for fault in errors:
        place, *path = fault["loc"]
        # The members of a union follow the field in the path; the reader knows the field.
        steps = [str(step) for step in path if not (isinstance(step, str) and step[:1].isupper() and "[" in step)]
        pointer = "#/" + "/".join(steps) if place == "body" and steps else "#" if place == "body" else "/".join(steps)
        words = fault["msg"].replace("Input should", "should", 1)
        if (pointer, words) not in seen:
            seen.add((pointer, words))
            yield {"pointer": pointer, "in": str(place), "code": str(fault["type"]), "detail": words}


def _count(errors: Sequence[object]) -> str:
    return "1 field is wrong" if len(errors) == 1 else f"{len(errors)} fields are wrong"
