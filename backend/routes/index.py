"""Where to begin: what the API can be asked, the document that describes it, and a page to try it."""

import logging
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from backend.auth import Reads
from backend.deps import CatalogueDep, RootDep, StrictQuery
from backend.description import with_experiments
from mgic import __version__
from mgic.errors import NotFound, Unavailable
from mgic.place import PREFIX
from mgic.records import ApiIndex

log = logging.getLogger(__name__)
DOCUMENT = "/openapi.json"
PAGE = "/docs"
router = APIRouter(tags=["service"])
page = APIRouter(include_in_schema=False, dependencies=[Reads])

TITLE = "MGIC Lab: the API"
# Everything the page loads comes from here, by addresses that begin where the page lies; Swagger UI writes styles into
# its elements, and has pictures in its own.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HTML = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{TITLE}</title><link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="data:,"></head>
<body><div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script></body>
</html>
"""
START = "SwaggerUIBundle({url: 'api/v1/openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null});\n"
ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}


@router.get("", dependencies=[Reads, StrictQuery])
async def list_links(request: Request, root: RootDep) -> ApiIndex:
    """What can be read here, each by the name of its operation; in braces stands what has to be filled in."""
    front = root.removesuffix(PREFIX)
    described = request.app.openapi()["paths"].items()
    links = {ways["get"]["operationId"]: front + path for path, ways in described if "get" in ways and path != PREFIX}
    return ApiIndex(version=__version__, document=root + DOCUMENT, page=front + PAGE, links=links)


@router.get(DOCUMENT, include_in_schema=False, dependencies=[Reads])
def get_document(request: Request, catalogue: CatalogueDep, root: RootDep) -> dict[str, Any]:
    """The OpenAPI document; without the experiments' types where the catalogue cannot tell them now."""
    front = root.removesuffix(PREFIX)
    document: dict[str, Any] = request.app.openapi() | ({"servers": [{"url": front}]} if front else {})
    try:
        return with_experiments(document, catalogue.experiments())
    except Unavailable as error:
        log.warning("the OpenAPI document lacks the experiments: %s", error)
        return document


@page.get(PAGE)
async def get_page() -> HTMLResponse:
    """Swagger UI, from this machine."""
    return HTMLResponse(HTML, headers={"Content-Security-Policy": POLICY})


@page.get(PAGE + "/{name}")
def get_asset(name: str) -> Response:
    """What the page loads."""
    if name == "start.js":
        return Response(START, media_type="text/javascript")
    if name not in ASSETS:
        raise NotFound(f"the page has no {name[:80]!r}")
    return Response(files("fastapi_offline").joinpath("static", name).read_bytes(), media_type=ASSETS[name])
