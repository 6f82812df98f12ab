"""Recipes of training, without torch."""

from explorer.recipes.changes import assignments, row, rows_of_file, spec_assignments, sweep
from explorer.recipes.presets import RECIPES, RecipePreset, resolve
from explorer.recipes.recipe import Recipe

__all__ = [
    "RECIPES",
    "Recipe",
    "RecipePreset",
    "assignments",
    "resolve",
    "row",
    "rows_of_file",
    "spec_assignments",
    "sweep",
]
