"""Recipes, the sweeps that redo the paper's tables and figures, and the printed rows themselves. Both are data."""

from mgic.records import Recipe
from mgic.reference.paper import list_references, list_tables
from mgic.registry import Registry

__all__ = ["RECIPES", "list_recipes", "list_references", "list_tables", "recipe"]

RECIPES: Registry[Recipe] = Registry("recipe", "mgic.reference.recipes")


def list_recipes() -> list[Recipe]:
    return [found.model_copy(update={"package": RECIPES.package(name)}) for name, found in RECIPES.items()]


def recipe(name: str) -> Recipe:
    """Raises `UnknownName`, with the nearest name."""
    return RECIPES[name]
