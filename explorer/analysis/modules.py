"""The analysis of any ``nn.Module`` that takes one image, in the process of its owner.

The module is copied to meta, so it keeps its device, mode and numbers, and the copy takes no memory.
"""

from collections import deque
from collections.abc import Iterator
from copy import copy, deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.utils._pytree import tree_leaves, tree_map_only

from explorer.analysis import advice
from explorer.analysis.devices import AUTO, Device
from explorer.analysis.layers import last_map
from explorer.analysis.memory import Precision, SavedBytes, saved_for_backward
from explorer.analysis.result import Analysis, NetworkWarning
from explorer.analysis.summary import checked_device, complete, summarise
from explorer.analysis.trace import NO_VALUE, Recorder, Trace
from explorer.errors import InputError, shown
from explorer.families.refusal import explain
from explorer.i18n import _

IMAGE_SIZE = 224  # pixels a side, if nothing says another
CHANNELS = 3
MAX_SIZE = 65_536  # pixels a side
MAX_NAMES = 5  # names in a message
# In PyTorch's messages about tensors without numbers.
READS_NUMBERS = ("item()", "_local_scalar_dense", "nonzero", "data-dependent", "Cannot copy out", "tensor to numpy")
SETTINGS = (int, float, str, type(None))
ANY_ERROR = (Exception, SystemExit)  # a user's code may raise any, and SystemExit would end the program that asks
# Attributes of a module.
TENSORS = ("_parameters", "_buffers", "_non_persistent_buffers_set")
PARTS = ("_parameters", "_buffers", "_modules")
COPYING = ("__deepcopy__", "__copy__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")


def analyse_module(
    module: nn.Module,
    *,
    image_size: int | tuple[int, int] | None = None,
    in_channels: int | None = None,
    name: str = "",
    batch_size: int = 32,
    optimizer: str = "momentum",
    precision: Precision | str = Precision.FP32,
    device: str = AUTO,
) -> Analysis:
    """Analyses a module that takes one batch of images, (N, C, H, W).

    The forward pass of its copy runs on meta: with shapes, without numbers. So the code of ``forward`` may branch on
    shapes and settings, but not on the numbers of a tensor.

    Args:
        module: Module on any device, in any mode; it does not change.
        image_size: Side of the image in pixels, or (height, width). None for the size that a model of timm states, and
            224 for others.
        in_channels: Channels of the image. None for those of the first convolution.
        name: Name of the network. Empty for the name of the module's class.
        batch_size: Batch size of the training memory; layers and totals are for one image.
        optimizer: ``sgd``, ``momentum`` or ``adam``, for the training memory.
        precision: ``fp32``, ``bf16`` or ``fp16``, the precision of activations, for the training memory.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto`` for the device on which this machine would train.

    Raises:
        InputError: If an argument is wrong, or the module can't run on such an image without numbers; the message names
            the layer.
    """
    if precision not in tuple(Precision):
        raise InputError(
            _("precision: {value} is not one of {known}").format(value=shown(precision), known=", ".join(Precision))
        )
    chosen = checked_device(batch_size, optimizer, device)
    original = _unwrapped(module)
    height, width = _sides(original, image_size)
    shape = (_channels(original, in_channels, height * width), height, width)
    network = meta_copy(original)
    try:
        trace = trace_network(network, shape)
    except InputError:
        channels = _first_in_channels(meta_copy(original), height, width) if in_channels is None else None
        if channels in (None, shape[0]):
            raise
        network, shape = meta_copy(original), (channels, height, width)
        trace = trace_network(network, shape)
    summary = summarise(network, {}, top_level_heads(trace), trace)
    unused = _unused(network, trace)
    half = chosen is Device.CUDA and precision != Precision.FP32
    saved = _saved(network, (batch_size, *shape), chosen, half=half)
    make = partial(Analysis, name=name or type(original).__name__, input_shape=(1, *shape))
    analysis = complete(summary, saved, make, batch_size, optimizer, Precision(precision), chosen)
    if saved is None:
        analysis = analysis.with_warning(advice.unknown_training_warning())
    return analysis if unused is None else analysis.with_warning(unused)


def _unwrapped(module: nn.Module) -> nn.Module:
    if not isinstance(module, nn.Module):
        raise InputError(_("module: {value} is not an nn.Module").format(value=shown(module)))
    while not isinstance(module, torch.jit.ScriptModule):
        inner = module._modules.get("_orig_mod")  # of torch.compile
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if inner is None:
            return module
        module = inner
    raise InputError(_("module: a ScriptModule has no Python code to follow; analyse the module it was made from"))


def _sides(module: nn.Module, image_size: object) -> tuple[int, int]:
    if image_size is None:
        stated = getattr(module, "pretrained_cfg", None) or {}  # of timm
        sides: Any = stated.get("input_size", (CHANNELS, IMAGE_SIZE, IMAGE_SIZE))[-2:]
    else:
        sides = image_size if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= MAX_SIZE for side in sides):
        raise InputError(
            _("image_size: {value} is neither a number of pixels from 1 to {limit:,} nor (height, width)").format(
                value=shown(image_size), limit=MAX_SIZE
            )
        )
    return sides[0], sides[1]


def _channels(module: nn.Module, given: int | None, pixels: int) -> int:
    if given is not None:
        if type(given) is not int or not 1 <= given <= MAX_SIZE:
            raise InputError(
                _("in_channels: {value} is not between 1 and {limit:,}").format(value=shown(given), limit=MAX_SIZE)
            )
        return given
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            return layer.in_channels
        if isinstance(layer, nn.Linear):  # a perceptron, which reads the flattened image
            channels, rest = divmod(layer.in_features, pixels)
            return CHANNELS if rest or not channels else channels
    return CHANNELS


class _ReachedError(Exception):
    """Ends a forward pass at its first convolution."""


def _first_in_channels(network: nn.Module, height: int, width: int) -> int | None:
    """Returns the channels of the image for the convolution that runs first, which need not be the first in order.

    The network may add channels before it, such as coordinates, or make several channels of one.
    """

    def reached(layer: nn.Module, args: Any) -> None:
        is_fed = isinstance(args[0], Tensor) and args[0].shape[-3] == layer.in_channels
        raise _ReachedError(CHANNELS if is_fed else layer.in_channels)

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_pre_hook(reached)
    try:
        with torch.device("meta"), torch.no_grad():
            network(torch.empty((1, CHANNELS, height, width), device="meta"))
    except _ReachedError as end:
        return int(end.args[0])
    except ANY_ERROR:
        return None
    return None


def meta_copy(module: nn.Module) -> nn.Module:
    """Returns a copy on meta, in float32 and in evaluation mode.

    Raises:
        InputError: If a layer has no shapes yet, or the module can't be copied.
    """
    memo: dict[int, Any] = {}
    layers = dict(module.named_modules())
    for name, layer in layers.items():
        for tensor in _own_tensors(layer):
            if isinstance(tensor, UninitializedParameter | UninitializedBuffer):
                raise InputError(
                    _("{layer}: a lazy layer has no shapes yet; run the network once before its analysis").format(
                        layer=name or type(layer).__name__
                    )
                )
            if id(tensor) not in memo:
                memo[id(tensor)] = _on_meta(tensor)
    for layer in reversed(layers.values()):  # parts before the modules that they belong to
        if _is_plain(layer, memo):
            memo[id(layer)] = _plain_copy(layer, memo)
    try:
        return deepcopy(module, memo).eval()
    except ANY_ERROR as error:
        raise InputError(_("module: it can't be copied: {reason}").format(reason=_reason(error))) from error


def _own_tensors(layer: nn.Module) -> Iterator[Tensor]:
    for name, value in vars(layer).items():
        if isinstance(value, Tensor):  # neither a parameter nor a buffer, such as anchors
            yield value
        elif isinstance(value, dict | list | tuple | deque) and value and name != "_modules":
            yield from (leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor))


def _is_plain(layer: nn.Module, memo: dict[int, Any]) -> bool:
    """Whether a module has nothing but settings, tensors, and parts that are plain too.

    Nearly all modules are, and copying one by ``deepcopy`` takes longer than tracing it.
    """
    kind = type(layer)
    if not kind.__module__.startswith("torch.nn.modules.") and any(
        getattr(kind, method, None) is not getattr(nn.Module, method, None) for method in COPYING
    ):
        return False
    return all(
        isinstance(value, SETTINGS)
        or (isinstance(value, dict | set) and (not value or name in TENSORS))
        or (isinstance(value, tuple | list) and all(isinstance(entry, SETTINGS) for entry in value))
        or (name == "_modules" and all(id(part) in memo for part in value.values() if part is not None))
        for name, value in vars(layer).items()
    )


def _plain_copy(layer: nn.Module, memo: dict[int, Any]) -> nn.Module:
    copied: nn.Module = type(layer).__new__(type(layer))
    for name, value in vars(layer).items():
        if name in PARTS:
            copied.__dict__[name] = {key: None if part is None else memo[id(part)] for key, part in value.items()}
        else:
            copied.__dict__[name] = copy(value)
    return copied


def _on_meta(tensor: Tensor) -> Tensor:
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    empty = torch.empty(tensor.shape, dtype=dtype, device="meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, requires_grad=tensor.requires_grad)
    return empty


class _ForeignRecorder(Recorder):
    """A recorder for code that makes tensors on another device than meta."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs and records an operator on meta tensors."""
        if not all(map(_is_here, (*args, *(kwargs or {}).values()))):
            args, kwargs = tree_map_only(Tensor, _moved, (args, kwargs or {}))
        return super().__torch_dispatch__(func, types, args, kwargs)


def _is_here(argument: Any) -> bool:
    """Whether an operator's argument has no tensor on another device than meta."""
    if isinstance(argument, Tensor):
        return argument.is_meta
    return not isinstance(argument, list | tuple) or all(map(_is_here, argument))


def _moved(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_meta else torch.empty_like(tensor, device="meta")


def trace_network(network: nn.Module, shape: tuple[int, ...]) -> Trace:
    """Records the forward pass of one image on meta.

    Args:
        network: Network on meta, in evaluation mode.
        shape: Channels, height and width of the image.

    Raises:
        InputError: If it fails; the message names the layer.
    """
    recorder = _ForeignRecorder(network)
    try:
        with torch.device("meta"), torch.no_grad(), recorder, recorder.module_hooks():
            network(torch.empty((1, *shape), device="meta"))
        trace = recorder.trace()
    except InputError:  # of a network that knows its limits
        raise
    except ANY_ERROR as error:
        name, kind = recorder.place
        raise InputError(
            _("{layer} ({kind}): can't be traced on an image of {shape}: {reason}").format(
                layer=name or _("the network"), kind=kind, shape="×".join(map(str, shape)), reason=_reason(error)
            )
        ) from error
    if trace.output is NO_VALUE:
        raise InputError(_("module: it returns no tensor"))
    if not trace.layers:
        raise InputError(_("module: its output does not depend on any layer"))
    return trace


def _reads_numbers(error: BaseException) -> bool:
    return any(sign in str(error) for sign in READS_NUMBERS)


def _reason(error: BaseException) -> str:
    text = str(error)
    if _reads_numbers(error):
        return _("it reads the numbers of a tensor, and there are only shapes")
    if text == "Invalid channel dimensions":
        return _("it gets another number of channels than it takes")
    if "fake impl" in text:
        return _("PyTorch does not know which shape {operator} returns").format(operator=text.partition(": ")[0])
    lines = text.strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def top_level_heads(trace: Trace) -> tuple[str, ...]:
    """Returns the names of the top-level modules and operators that run only after the last map."""
    end = last_map(trace, ())
    if len(end.shape) != 4:
        return ()
    ends = [position for position, layer in enumerate(trace.layers) if any(end in op.outputs for op in layer.ops)]
    names = [layer.name.split(".")[0].split("#")[0] for layer in trace.layers]
    first = max(ends, default=-1) + 1  # 0 if the image itself is the last map
    before = set(names[:first])
    return tuple(dict.fromkeys(name for name in names[first:] if name not in before))


def _saved(network: nn.Module, shape: tuple[int, ...], device: Device, *, half: bool) -> SavedBytes | str | None:
    """Returns what a training step saves, the reason why it fails, or None if it needs numbers."""
    network.train()
    try:
        with torch.device("meta"):
            return saved_for_backward(network, shape, device, half=half)
    except (ValueError, RuntimeError) as error:
        return None if _reads_numbers(error) else explain(error)
    except ANY_ERROR as error:
        return None if _reads_numbers(error) else _reason(error)


def _unused(network: nn.Module, trace: Trace) -> NetworkWarning | None:
    """Returns a warning about parameters that no layer reads, such as those of auxiliary heads, by their modules."""
    idle = {id(parameter) for key, parameter in enumerate(network.parameters()) if key not in trace.read}
    if not idle:
        return None
    names = [
        name or _("the network")
        for name, layer in network.named_modules()
        if any(id(parameter) in idle for parameter in layer.parameters(recurse=False))
    ]
    return NetworkWarning(
        "not-run",
        _(
            "Some parameters take no part in the forward pass of one image in evaluation mode ({layers}). They are in "
            "the number of parameters, not in the other numbers."
        ).format(layers=", ".join(names[:MAX_NAMES]) + (" …" if len(names) > MAX_NAMES else "")),
    )
