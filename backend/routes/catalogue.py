"""What there is: experiments, models and their cost, data sets, recipes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from backend.deps import CatalogueDep, StrictQuery
from mgic.errors import BadConfig, Problem
from mgic.records import DatasetInfo, ExperimentInfo, ModelCost, ModelInfo, Page, Recipe

router = APIRouter(tags=["catalogue"])
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


@router.get("/experiments", dependencies=[StrictQuery])
def experiments(catalogue: CatalogueDep) -> Page[ExperimentInfo]:
    """Every experiment with its config, its result, its views and its recipes."""
    return Page(items=tuple(catalogue.experiments()))


@router.get("/experiments/{name}", dependencies=[StrictQuery])
def experiment(name: str, catalogue: CatalogueDep) -> ExperimentInfo:
    """One of them."""
    return catalogue.experiment(name)


@router.get("/recipes", dependencies=[StrictQuery])
def recipes(catalogue: CatalogueDep) -> Page[Recipe]:
    """The named sweeps, each of which redoes a table or figure of the paper."""
    return Page(items=tuple(catalogue.recipes()))


@router.get("/models", dependencies=[StrictQuery])
def models(catalogue: CatalogueDep) -> Page[ModelInfo]:
    """Every network family with the schema of its options."""
    return Page(items=tuple(catalogue.models()))


@router.get("/models/{name}/cost", openapi_extra={"parameters": [OPTIONS]})
def cost(
    name: str,
    request: Request,
    catalogue: CatalogueDep,
    input_size: Annotated[str | None, Query(max_length=40, description=INPUT_SIZE)] = None,
) -> ModelCost:
    """Parameters, MACs and levels; the model's options are query parameters of their own names."""
    texts = {key: value for key, value in request.query_params.multi_items() if key != "input_size"}
    return catalogue.cost(name, texts, _size(input_size))


@router.get("/datasets", dependencies=[StrictQuery])
def datasets(catalogue: CatalogueDep) -> Page[DatasetInfo]:
    """Every data set, whether it is here, and how to get it."""
    return Page(items=tuple(catalogue.datasets()))


def _size(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() and len(part.strip()) < 8 for part in parts):
        detail = "must be whole numbers with commas between them, such as 3,224,224"
        raise BadConfig(f"input_size {detail}", (Problem("input_size", "input_size", detail),))
    return tuple(int(part) for part in parts)
