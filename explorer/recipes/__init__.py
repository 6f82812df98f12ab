"""Recipes of training, without torch."""

from explorer.recipes.changes import assignments, parse_sweep, row, rows_of_file, spec_assignments
from explorer.recipes.presets import RECIPES, RecipePreset, resolve
from explorer.recipes.recipe import Recipe

__all__ = [
    "RECIPES",
    "Recipe",
    "RecipePreset",
    "assignments",
    "parse_sweep",
    "resolve",
    "row",
    "rows_of_file",
    "spec_assignments",
]
