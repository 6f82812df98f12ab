"""Specs of networks, their presets, parsers and links; without torch."""

from explorer.families.named import NamedNetwork
from explorer.families.parsing import parse_json, parse_spec
from explorer.families.presets import from_layers, nearest, resolve
from explorer.families.registry import FAMILIES, PRESETS
from explorer.specs.base import Preset, Spec

__all__ = [
    "FAMILIES",
    "PRESETS",
    "NamedNetwork",
    "Preset",
    "Spec",
    "from_layers",
    "nearest",
    "parse_json",
    "parse_spec",
    "resolve",
]
