"""What there is: experiments, models and their cost, data sets, recipes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from backend.auth import Reads
from backend.deps import CatalogueDep, CursorDep, Limit, SettingsDep, StoreDep, StrictQuery
from backend.online import Online
from mgic.errors import BadConfig, Problem
from mgic.records import DatasetInfo, ExperimentInfo, ModelCost, ModelInfo, ModelsOf, Page, Recipe

router = APIRouter(tags=["catalogue"], dependencies=[Reads])
OPTIONS = {
    "name": "options",
    "in": "query",
    "description": "Options of the model, each a parameter of its own",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}

INPUT_SIZE = (
    "Of one sample: channels,height,width of an image, channels,points of a cloud, the number of inputs of a function. "
    "Left out: what the model is made for, `input_size` in the list of models"
)
SOURCE = (
    "Whose: those registered here, all classifiers of a package, or any; those of a package are built when asked for"
)


@router.get("/experiments", dependencies=[StrictQuery])
def list_experiments(catalogue: CatalogueDep) -> Page[ExperimentInfo]:
    """Every experiment with its config, its result, its views and its recipes."""
    return Page(items=tuple(catalogue.experiments()))


@router.get("/experiments/{name}", dependencies=[StrictQuery])
def get_experiment(name: str, catalogue: CatalogueDep) -> ExperimentInfo:
    """One of them."""
    return catalogue.experiment(name)


@router.get("/recipes", dependencies=[StrictQuery])
def list_recipes(catalogue: CatalogueDep) -> Page[Recipe]:
    """The named sweeps, each of which redoes a table or figure of the paper."""
    return Page(items=tuple(catalogue.recipes()))


@router.get("/models", dependencies=[StrictQuery])
def list_models(
    catalogue: CatalogueDep,
    cursor: CursorDep,
    limit: Limit = 500,
    source: Annotated[ModelsOf, Query(description=SOURCE)] = "registered",
    search: Annotated[str, Query(max_length=200, description="Words of name or summary, all of them")] = "",
) -> Page[ModelInfo]:
    """The networks with the schemas of their options. None is built for that."""
    first = cursor.after or 0
    items, total = catalogue.search_models(source, search, first, limit)
    return Page(items=tuple(items), next_cursor=cursor.write(first + limit if first + limit < total else None))


# Before the route of a model, whose name may have slashes, and so would take this one's end for a part of it.
@router.get("/models/{name:path}/cost", openapi_extra={"parameters": [OPTIONS]})
def get_model_cost(
    name: str,
    request: Request,
    catalogue: CatalogueDep,
    input_size: Annotated[str | None, Query(max_length=40, description=INPUT_SIZE)] = None,
) -> ModelCost:
    """Parameters, MACs and levels; the model's options are query parameters of their own names."""
    texts = {key: value for key, value in request.query_params.multi_items() if key != "input_size"}
    return catalogue.cost(name, texts, _size(input_size))


@router.get("/models/{name:path}", dependencies=[StrictQuery])
def get_model(name: str, catalogue: CatalogueDep) -> ModelInfo:
    """One of them, by any name: `timm/NAME`, `mgic/NAME` and `package.module:function` too, with `/` or `%2F`."""
    return catalogue.model(name)


@router.get("/datasets", dependencies=[StrictQuery])
def list_datasets(catalogue: CatalogueDep, store: StoreDep, settings: SettingsDep) -> Page[DatasetInfo]:
    """Every data set, whether a worker that is online has it, and how to get it."""
    return Page(items=tuple(Online(store, catalogue, settings).present(catalogue.datasets())))


def _size(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() and len(part.strip()) < 8 for part in parts):
        detail = "must be whole numbers with commas between them, such as 3,224,224"
        raise BadConfig(f"input_size {detail}", (Problem("input_size", "input_size", detail),))
    return tuple(int(part) for part in parts)
