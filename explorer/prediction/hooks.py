"""Layers with maps, and hooks on a copy of the network that leave the network unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count

import torch
from torch import Tensor, nn

from explorer.analysis import Analysis, Layer
from explorer.errors import InputError, shown
from explorer.families.building import shared_copy
from explorer.i18n import _


@dataclass(frozen=True, eq=False)
class MapLayer:
    """A layer whose maps have more than one row or column.

    Attributes:
        layer: Layer in the analysis.
        module: Name of the module that outputs the maps.
        call: Number of the module's call in a forward pass, from 1. torchvision's blocks call one ReLU several times.
    """

    layer: Layer
    module: str
    call: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns."""
        _batch, channels, rows, columns = self.layer.volume
        return channels, rows, columns


def map_layers(module: nn.Module, analysis: Analysis) -> dict[str, MapLayer]:
    """Returns the layers with maps by name, in the order in which they run.

    Operations of a block between its modules, such as torchvision's additions, can't have hooks. Only the last
    operation of a block is available, as the output of the block.
    """
    modules = {name for name, _module in module.named_modules()}
    last = {}
    for layer in analysis.layers:
        parts = layer.name.split(".")
        last.update({".".join(parts[:depth]): layer.name for depth in range(1, len(parts))})
    found = {}
    for layer in analysis.layers:
        if not _has_maps(layer):
            continue
        name, _hash, call = layer.name.partition("#")
        block = name.rpartition(".")[0]
        if name in modules:
            found[layer.name] = MapLayer(layer, name, int(call or 1))
        elif block in modules and last.get(block) == layer.name:
            found[layer.name] = MapLayer(layer, block, 1)
    return found


def _has_maps(layer: Layer) -> bool:
    shape = layer.volume
    return len(shape) == 4 and shape[0] == 1 and shape[2:] != (1, 1)


def find_map_layer(layers: Mapping[str, MapLayer], name: str) -> MapLayer:
    """Returns the layer with this name. An empty name gives the default: the last with maps before a pool or the head.

    Raises:
        InputError: If the network has no layer with maps, or none with this name.
    """
    if not layers:
        raise InputError(_("this network has no layer with maps, so it can't be explained place by place"))
    if not name:
        not_pools = [one for one in layers.values() if "Pool" not in one.layer.kind]
        body = [one for one in not_pools if one.layer.stage != "head"]
        return (body or not_pools or list(layers.values()))[-1]
    if name not in layers:
        similar = get_close_matches(name[:100], layers, n=3)
        raise InputError(
            _("layer: {value} is not a layer with maps; did you mean {names}?").format(
                value=shown(name), names=", ".join(similar)
            )
            if similar
            else _("layer: {value} is not a layer with maps").format(value=shown(name))
        )
    return layers[name]


class HookPoint(nn.Module):
    """A module that follows a layer in a copy of the network. It carries the hooks, and gradients end here."""

    def forward(self, maps: Tensor) -> Tensor:
        """Returns the maps, (1, channels, rows, columns), as a new leaf for gradients if gradients are enabled."""
        return maps.detach().requires_grad_(torch.is_grad_enabled())


def with_hook_point(module: nn.Module, map_layer: MapLayer) -> tuple[nn.Module, HookPoint]:
    """Returns a copy of a network with a hook point behind a layer, for one forward pass.

    The copy has its own modules and shares all tensors. So neither hooks nor gradients reach the network, even after an
    error.

    Raises:
        InputError: In the forward pass, if the layer's maps have another shape than in the analysis.
    """
    own, hook_point, calls = shared_copy(module), HookPoint(), count(1)
    channels, rows, columns = map_layer.shape

    def through(_module: nn.Module, _inputs: object, maps: Tensor) -> Tensor | None:
        if next(calls) != map_layer.call:
            return None
        if not isinstance(maps, Tensor) or tuple(maps.shape) not in {
            (1, channels, rows, columns), (1, rows, columns, channels)
        }:  # fmt: skip
            raise InputError(_("layer: {name} gives no maps").format(name=map_layer.layer.name))
        # The next layer gets a clone, because an in-place ReLU would change the maps of the hook point.
        if maps.shape[1:] == (channels, rows, columns):
            return hook_point(maps).clone()  # type: ignore[no-any-return]
        return hook_point(maps.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).clone()  # type: ignore[no-any-return]

    own.get_submodule(map_layer.module).register_forward_hook(through)
    return own, hook_point
