"""A client whose answers come straight from the core: no server, and a preview counts one cell a call."""

import json
from pathlib import Path

import httpx2 as httpx

from mgic import describe
from mgic.client import PREFIX, Client
from mgic.errors import BadConfig, UnknownName
from mgic.records import Page, Preview, SweepRequest


class Core:
    """Stands where the service would; `previews` are the requests it was asked."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.previews: list[SweepRequest] = []
        self.client = Client(http=httpx.Client(base_url="http://core", transport=httpx.MockTransport(self._answer)))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(PREFIX)
        try:
            return httpx.Response(200, text=self._found(path, request))
        except (BadConfig, UnknownName) as error:
            problems = error.problems if isinstance(error, BadConfig) else ()
            errors = [{"pointer": p.pointer, "code": p.code, "detail": p.detail} for p in problems]
            return httpx.Response(422, json={"title": "bad", "detail": str(error), "errors": errors})

    def _found(self, path: str, request: httpx.Request) -> str:
        if path == "/sweeps/preview":
            return self._preview(SweepRequest(**json.loads(request.content))).model_dump_json()
        if path.endswith("/cost"):
            texts = dict(request.url.params)
            size = texts.pop("input_size", None)
            parsed = tuple(map(int, size.split(","))) if size else None
            name = path.removeprefix("/models/").removesuffix("/cost")
            return describe.cost_of_query(name, texts, parsed).model_dump_json()
        if path == "/models":
            found, _ = describe.search_models(request.url.params["source"], request.url.params.get("search", ""))
            return Page(items=tuple(found)).model_dump_json()
        if path.startswith("/models/"):
            return describe.model(path.removeprefix("/models/")).model_dump_json()
        lists = {
            "/experiments": describe.experiments,
            "/runs": lambda: [],
            "/workers": lambda: [],
            "/datasets": lambda: describe.datasets(self.data_dir),
        }
        return Page(items=tuple(lists[path]())).model_dump_json()

    def _preview(self, asked: SweepRequest) -> Preview:
        self.previews.append(asked)
        points = describe.plan(asked, budget_s=0.0).points
        pending, problems = sum(point.pending for point in points), sum(point.problem is not None for point in points)
        return Preview(points=points, total=len(points), pending=pending, problems=problems, duplicates=0)
