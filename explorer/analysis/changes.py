"""Differences between two matched layers, and between two specs, as text."""

import json
from dataclasses import dataclass
from enum import StrEnum

from explorer.analysis.kinds import WEIGHTED, group_of
from explorer.analysis.result import Layer
from explorer.families import Spec
from explorer.i18n import _


class Aspect(StrEnum):
    """An attribute of layers that can differ."""

    KIND = "kind"
    KERNEL = "kernel"
    STRIDE = "stride"
    PADDING = "padding"
    DILATION = "dilation"
    GROUPS = "groups"
    IN_CHANNELS = "in_channels"
    FIRST_CHANNELS = "first_channels"
    OUT_CHANNELS = "out_channels"
    MAP = "map"
    IN_MAP = "in_map"
    PARAMS = "params"


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between two layers, with both values as text."""

    aspect: Aspect
    before: str
    after: str

    def __str__(self) -> str:
        """``kernel 7×7 → 3×3``."""
        sentence = {
            Aspect.KIND: _("{before} → {after}"),
            Aspect.KERNEL: _("kernel {before} → {after}"),
            Aspect.STRIDE: _("stride {before} → {after}"),
            Aspect.PADDING: _("padding {before} → {after}"),
            Aspect.DILATION: _("dilation {before} → {after}"),
            Aspect.GROUPS: _("groups {before} → {after}"),
            Aspect.IN_CHANNELS: _("channels in {before} → {after}"),
            Aspect.FIRST_CHANNELS: _("channels of the first input {before} → {after}"),
            Aspect.OUT_CHANNELS: _("channels {before} → {after}"),
            Aspect.MAP: _("map {before} → {after}"),
            Aspect.IN_MAP: _("map in {before} → {after}"),
            Aspect.PARAMS: _("parameters {before} → {after}"),
        }[self.aspect]
        return sentence.format(before=self.before, after=self.after)


def changes(left: Layer, right: Layer) -> tuple[Change, ...]:
    """Returns the differences of kind, window, channels, output map, input map and parameters.

    The input map is compared only if nothing else differs, because it follows from layers before; parameters are
    compared last.
    """
    before, after = _attributes(left, right), _attributes(right, left)
    found = [
        Change(aspect, before[aspect], after[aspect])
        for aspect in before
        if aspect in after and before[aspect] != after[aspect]
    ]
    maps = _sides(left.input_shape), _sides(right.input_shape)
    if not found and maps[0] != maps[1]:
        found = [Change(Aspect.IN_MAP, *maps)]
    if not found and left.params != right.params:  # one of them has a bias
        found = [Change(Aspect.PARAMS, f"{left.params:,}", f"{right.params:,}")]
    return tuple(found)


def _attributes(layer: Layer, other: Layer) -> dict[Aspect, str]:
    """Returns the attributes of a layer that the other layer has too."""
    attributes = {Aspect.KIND: layer.kind}
    if (window := layer.window) and other.window:
        attributes |= {
            Aspect.KERNEL: "×".join(map(str, window.kernel)),
            Aspect.STRIDE: _pair(window.stride),
            Aspect.PADDING: _pair(window.padding),
            Aspect.DILATION: _pair(window.dilation),
            Aspect.GROUPS: f"{window.groups:,}",
        }
    if group_of(layer.kind) in WEIGHTED:  # other layers have as many input channels as output channels
        attributes[Aspect.IN_CHANNELS] = f"{channels(layer.input_shape):,}"
    elif layer.kind == "Concat":
        attributes[Aspect.FIRST_CHANNELS] = f"{channels(layer.input_shape):,}"
    attributes[Aspect.OUT_CHANNELS] = f"{channels(layer.output_shape):,}"
    attributes[Aspect.MAP] = _sides(layer.output_shape)
    return attributes


def spec_changes(left: Spec, right: Spec) -> list[str]:
    """Returns the fields in which two specs of one family differ, with values in JSON: ``dropout: 0.5 → 0.1``."""
    before, after = left.to_dict(), right.to_dict()
    return [
        _("{key}: {before} → {after}").format(key=key, before=json.dumps(before[key]), after=json.dumps(after[key]))
        for key in before
        if before[key] != after[key]
    ]


def _pair(sizes: tuple[int, int]) -> str:
    return str(sizes[0]) if sizes[0] == sizes[1] else f"{sizes[0]}×{sizes[1]}"


def channels(shape: tuple[int, ...]) -> int:
    """Returns the channels of a map (N, C, H, W), or features of a vector (N, C) or of tokens (N, T, C) or (T, C)."""
    return shape[-1] if len(shape) == 3 else shape[1] if len(shape) > 1 else 0


def _sides(shape: tuple[int, ...]) -> str:
    sides = shape[1:2] if len(shape) == 3 else shape[2:]
    if len(shape) == 2 and shape[0] > 1:  # tokens of one image
        sides = shape[:1]
    return "×".join(f"{side:,}" for side in sides) or "–"
