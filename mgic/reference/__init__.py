"""Recipes: the sweeps that redo the paper's tables and figures. A recipe is data, not code."""

from mgic.records import Recipe
from mgic.registry import Registry

__all__ = ["RECIPES", "list_recipes", "recipe"]

RECIPES: Registry[Recipe] = Registry("recipe", "mgic.reference.recipes")


def list_recipes() -> list[Recipe]:
    return list(RECIPES.values())


def recipe(name: str) -> Recipe:
    """Raises `UnknownName`, with the nearest name."""
    return RECIPES[name]
