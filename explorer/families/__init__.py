"""What a network is, without torch: specs, presets, parsers, links."""

from explorer.families.googlenet.spec import GoogLeNetSpec
from explorer.families.presets import from_layers, nearest, parse_json, parse_spec, resolve
from explorer.families.registry import FAMILIES, PRESETS
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.torchvision.spec import ZooSpec
from explorer.families.vgg.spec import VggSpec
from explorer.specs.base import Preset, Spec

__all__ = [
    "FAMILIES",
    "PRESETS",
    "GoogLeNetSpec",
    "Preset",
    "ResNetSpec",
    "Spec",
    "VggSpec",
    "ZooSpec",
    "from_layers",
    "nearest",
    "parse_json",
    "parse_spec",
    "resolve",
]
