"""Training recipes, without torch."""

from explorer.recipes.changes import parse_assignments, parse_row, parse_spec_assignments, parse_sweep, read_rows
from explorer.recipes.presets import RECIPES, RecipePreset, resolve
from explorer.recipes.recipe import Recipe

__all__ = [
    "RECIPES",
    "Recipe",
    "RecipePreset",
    "parse_assignments",
    "parse_row",
    "parse_spec_assignments",
    "parse_sweep",
    "read_rows",
    "resolve",
]
