"""The effective receptive field: how much each pixel really moves a unit (Luo et al. 2016).

The theoretical field says which pixels a unit can depend on; here gradients measure how strongly it does.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.families.building import shared_copy
from explorer.i18n import _

IMAGES = 64
BATCH = 16
THRESHOLD = 1 - 0.9545  # share of the largest value from which on a pixel belongs to the field: two standard deviations
SEEN = 2.0**-24  # share of the largest value below which a pixel's gradient is rounding

Progress = Callable[[int, int], None]
Slot = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class GaussianFit:
    """A Gaussian along rows and columns that is fitted to a field.

    Attributes:
        centre: Row and column of its centre, in pixels.
        sigma: Standard deviation along rows and columns, in pixels.
        r2: Share of the field's variance that it explains, at most 1.
    """

    centre: tuple[float, float]
    sigma: tuple[float, float]
    r2: float


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveField:
    """The gradient of one place of a layer by the pixels, as a mean over images and channels.

    Attributes:
        absolute: Mean absolute gradient, float32, (H, W).
        squared: Mean squared gradient, float32, (H, W).
        unit: Row and column of the place in the layer's map.
        images: Number of images.
    """

    absolute: Tensor
    squared: Tensor
    unit: tuple[int, int]
    images: int


class _Reached(Exception):  # noqa: N818  no error: the layers behind the chosen one need not run
    """The chosen layer has run."""


def effective_field(
    network: nn.Module,
    images: Tensor,
    layer: str,
    *,
    call: int = 1,
    shape: tuple[int, int, int] | None = None,
    unit: tuple[int, int] | None = None,
    batch: int = BATCH,
    progress: Progress = lambda _done, _all: None,
    slot: Slot = nullcontext,
) -> EffectiveField:
    """Computes the effective receptive field of one place of a layer. The network stays unchanged.

    The gradient is that of the sum over the channels of the layer at this place.

    Args:
        network: Network, in the mode in which it is to run.
        images: Normalised images, (N, C, H, W).
        layer: Name of the module whose output is the map.
        call: Number of the module's call in a forward pass, from 1.
        shape: Channels, rows and columns of the map, for networks that may have the channels last.
        unit: Row and column in the map; by default the middle.
        batch: Images that are computed at a time.
        progress: Callback for the progress. It receives the images done and all images. If it raises, the work ends.
        slot: Context manager that is entered for each batch, so that others can compute in between.

    Raises:
        InputError: If the layer has no map, the place is outside of it, or the gradient is not finite.
    """
    own, maps, calls = shared_copy(network), [], 0

    def take(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            maps.append(output)
            raise _Reached

    own.get_submodule(layer).register_forward_hook(take)
    absolute = torch.zeros(images.shape[2:], dtype=torch.float64)
    squared = torch.zeros_like(absolute)
    place = unit
    for start in range(0, len(images), batch):
        progress(start, len(images))
        pixels = images[start : start + batch].detach().clone().requires_grad_()
        calls = 0
        with slot(), torch.enable_grad():
            with suppress(_Reached):
                own(pixels)
            if not maps or maps[-1].dim() != 4:
                raise InputError(_("layer: {name} gives no maps").format(name=layer))
            output = maps.pop()
            if shape and tuple(output.shape[1:]) != shape:
                output = output.permute(0, 3, 1, 2)
            place = _place(unit, *output.shape[2:])
            (gradient,) = torch.autograd.grad(output[:, :, place[0], place[1]].sum(), pixels)
        gradient = gradient.double()
        absolute += gradient.abs().mean(1).sum(0)
        squared += gradient.square().mean(1).sum(0)
    progress(len(images), len(images))
    if not squared.isfinite().all() or place is None:
        raise InputError(_("gradient: it is not finite, because maps or weights are too large for 32 bits"))
    count = len(images)
    return EffectiveField((absolute / count).float(), (squared / count).float(), place, count)


def _place(unit: tuple[int, int] | None, rows: int, columns: int) -> tuple[int, int]:
    """Returns the given place of a map, or its middle."""
    place = (rows // 2, columns // 2) if unit is None else unit
    if not (0 <= place[0] < rows and 0 <= place[1] < columns):
        raise InputError(
            _("unit: row {row}, column {column} is not in a map of {rows}×{columns}").format(
                row=place[0], column=place[1], rows=rows, columns=columns
            )
        )
    return place


def fit_gaussian(field: Tensor) -> GaussianFit | None:
    """Fits a Gaussian to a field; None if the field is empty or has no extent.

    Along each axis a parabola is fitted to the logarithm of the field's sum over the other axis. Each value has its
    square as its weight, which undoes the logarithm's preference for small values (Guo 2011). The fit is exact for a
    Gaussian.

    Args:
        field: Not negative, (H, W).
    """
    field = field.double()
    if not field.sum() > 0:
        return None
    axes = [_fit_axis(field.sum(1 - axis)) for axis in (0, 1)]
    if any(one is None for one in axes):
        return None
    (row, sigma_rows), (column, sigma_columns) = (one for one in axes if one is not None)
    bells = [
        torch.exp(-((torch.arange(size, dtype=torch.float64) - centre) ** 2) / (2 * sigma**2))
        for size, centre, sigma in zip(field.shape, (row, column), (sigma_rows, sigma_columns), strict=True)
    ]
    model = torch.outer(*bells)
    model *= (field * model).sum() / model.square().sum()  # the height by least squares
    spread = (field - field.mean()).square().sum()
    r2 = 1 - float((field - model).square().sum() / spread) if spread > 0 else 0.0
    return GaussianFit((row, column), (sigma_rows, sigma_columns), r2)


def _fit_axis(values: Tensor) -> tuple[float, float] | None:
    """Centre and standard deviation of a Gaussian along one axis; None if it has no extent or no peak."""
    places = torch.arange(len(values), dtype=torch.float64)
    used = values > values.max() * SEEN
    if int(used.sum()) < 3:
        return None
    weights = values[used]
    middle = float((places * values).sum() / values.sum())
    powers = torch.stack([torch.ones_like(weights), places[used] - middle, (places[used] - middle) ** 2], 1)
    solved = torch.linalg.lstsq(weights[:, None] * powers, weights[:, None] * weights.log()[:, None]).solution
    _height, slope, bend = solved[:, 0].tolist()
    if not bend < 0:
        return None
    return middle - slope / (2 * bend), math.sqrt(-1 / (2 * bend))


def effective_pixels(field: Tensor) -> int:
    """Number of pixels in the effective field: those of at least 4.55% of the largest value (Luo et al. 2016).

    Args:
        field: Not negative, (H, W).
    """
    most = field.max()
    return int((field >= THRESHOLD * most).sum()) if most > 0 else 0
