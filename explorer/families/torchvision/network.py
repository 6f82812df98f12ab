"""torchvision's classification models, by name."""

import warnings
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from explorer.errors import SpecError
from explorer.families.activations import make_activation
from explorer.families.refusal import explain
from explorer.families.torchvision.names import check, names
from explorer.families.torchvision.spec import ZooSpec
from explorer.i18n import _

HEAD = ("classifier", "fc", "head", "heads", "avgpool")
# Models whose head reads a map and computes its mean itself.
HEADS_OF_MAPS = ("convnext", "maxvit", "squeezenet")
# Activation functions after layers. Sigmoid and Hardsigmoid are not among them: in torchvision's models they are gates,
# which scale channels by a share from 0 to 1 (Hu et al. 2018, section 3).
REPLACEABLE = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.Tanh)
POSITION_BIAS = "cpb_mlp"  # a network in Swin V2 that reads places and no image; it keeps its ReLU


@cache
def metadata() -> dict[str, dict[str, Any]]:
    """Torchvision's metadata of each model with its best weights: ``num_params``, ``_ops`` (GMACs) and others."""
    from torchvision import models  # not at the top: it takes a second, and only this family needs it

    return {name: models.get_model_weights(name).DEFAULT.meta for name in names()}


class _MetaParameters(TorchFunctionMode):
    """Creates parameters and buffers on the meta device and all other tensors on the current one.

    ``torch.device("meta")`` alone fails for RegNets, which compute their widths with small tensors and read them back.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.empty, torch.zeros, torch.ones):
            kwargs = {**(kwargs or {}), "device": "meta"}
        return func(*args, **(kwargs or {}))


def build(spec: ZooSpec) -> nn.Module:
    """The network of a spec, without pretrained weights.

    Raises:
        SpecError: If torchvision has no such model, or can't build it for this image size.
    """
    check(spec)
    on_meta = torch.get_default_device().type == "meta"
    try:
        return _model(spec)
    except SpecError:
        raise
    except Exception as error:
        if not on_meta:
            raise _refused(spec, error) from error
    try:
        with torch.device("cpu"), _MetaParameters():
            return _model(spec)
    except Exception as error:
        raise _refused(spec, error) from error


def _refused(spec: ZooSpec, error: Exception) -> SpecError:
    return SpecError(
        _("torchvision:{name} can't be built for image_size {size}: {reason}").format(
            name=spec.name, size=spec.image_size, reason=explain(error)
        )
    )


def _model(spec: ZooSpec) -> nn.Module:
    from torchvision import models

    options: dict[str, Any] = {"num_classes": spec.num_classes}
    if spec.name.startswith("vit_"):
        if not isinstance(spec.image_size, int):
            raise SpecError(
                _("image_size: torchvision's {name} takes square images, not {size}").format(
                    name=spec.name, size=spec.sides
                )
            )
        options["image_size"] = spec.image_size
    elif spec.name.startswith("maxvit"):
        options["input_size"] = tuple(spec.sides)
    elif spec.name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network: nn.Module = models.get_model(spec.name, weights=None, **options)
    if spec.head != "own":
        _replace_head(network, spec)
    if spec.activation != "own":
        _replace_activations(network, spec)
    return network


def constants(spec: ZooSpec) -> dict[str, torch.Tensor]:
    """Tensors that a network computes from its shape, such as the relative positions of Swin transformers, by name.

    Raises:
        SpecError: As in :func:`build`.
    """
    with torch.device("cpu"), _MetaParameters():
        return {name: buffer for name, buffer in _model(spec).named_buffers() if buffer.device.type == "cpu"}


@cache
def epsilon(spec: ZooSpec) -> float | None:
    """The epsilon of the batch norms of a model; None if it has none.

    Raises:
        SpecError: As in :func:`build`.
    """
    with torch.device("meta"):
        modules = build(spec).modules()
    return next((float(module.eps) for module in modules if isinstance(module, nn.BatchNorm2d)), None)


def head_module(network: nn.Module) -> str:
    """Name of the module that is the head of a model of torchvision."""
    return next(name for name, _module in network.named_children() if name in HEAD and name != "avgpool")


def last_layer(network: nn.Module) -> tuple[str, int]:
    """Name of the layer that computes the scores, and its input features."""
    name, layer = [
        (name, module)
        for name, module in network.get_submodule(head_module(network)).named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ][-1]
    features = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
    return ".".join(filter(None, (head_module(network), name))), features


def pooled_features(network: nn.Module) -> int:
    """Channels of the last map, which the head reads."""
    head = network.get_submodule(head_module(network))
    first = next(module for module in head.modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.LayerNorm))
    match first:
        case nn.Linear():
            return first.in_features
        case nn.Conv2d():
            return first.in_channels
    return first.normalized_shape[0]


def _replace_head(network: nn.Module, spec: ZooSpec) -> None:
    """Replace the head, or its last layer, by linear layers."""
    place, features = last_layer(network)
    replaces_all = spec.head == "pooled" or isinstance(network.get_submodule(place), nn.Conv2d)
    if replaces_all:
        place, features = head_module(network), pooled_features(network)
    widths = [features, *spec.classifier]
    hidden = [layer for read, made in pairwise(widths) for layer in (nn.Linear(read, made), nn.ReLU(inplace=True))]
    mean = [nn.AdaptiveAvgPool2d(1), nn.Flatten(1)] if replaces_all and spec.name.startswith(HEADS_OF_MAPS) else []
    layers = [*mean, *hidden, nn.Linear(widths[-1], spec.num_classes)]
    network.set_submodule(place, layers[0] if len(layers) == 1 else nn.Sequential(*layers))


def _replace_activations(network: nn.Module, spec: ZooSpec) -> None:
    """Replace the activation functions after layers, in place where torchvision's are in place."""
    for name, module in list(network.named_modules()):
        if isinstance(module, REPLACEABLE) and POSITION_BIAS not in name.split("."):
            network.set_submodule(name, make_activation(spec, inplace=getattr(module, "inplace", False)))
