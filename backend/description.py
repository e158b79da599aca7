"""The OpenAPI document: what FastAPI makes of the routes, with the config and the result of every experiment as types.

Those come from the catalogue, so that a generated client has a type for each, though this process never loads them.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mgic.records import ExperimentInfo

OWN = "#/$defs/"
SHARED = "#/components/schemas/"


def with_experiments(document: Mapping[str, Any], experiments: Iterable[ExperimentInfo]) -> dict[str, Any]:
    """The document with `ClassificationConfig`, `ClassificationResult` and so on beside the other components."""
    parts = document["components"]
    schemas = parts["schemas"] | {name: schema for info in experiments for name, schema in _components(info).items()}
    return {**document, "components": {**parts, "schemas": schemas}}


def _components(info: ExperimentInfo) -> dict[str, Any]:
    """Of one experiment; a type within a schema becomes a component too, called after both: `LatencyResultRow`."""
    found: dict[str, Any] = {}
    told = {"Config": f"What {info.name} is asked with.", "Result": f"What {info.name} gives: a run's `result`."}
    for kind, schema in (("Config", info.config_schema), ("Result", info.result_schema)):
        name = "".join(word.capitalize() for word in info.name.split("_")) + kind
        text = json.dumps(schema)
        for inner in schema.get("$defs", {}):
            text = text.replace(f'"{OWN}{inner}"', f'"{SHARED}{name}{inner}"')
        own = json.loads(text)
        found |= {name + inner: {**each, "title": name + inner} for inner, each in own.pop("$defs", {}).items()}
        found[name] = {"description": told[kind], **own, "title": name}
    return found
