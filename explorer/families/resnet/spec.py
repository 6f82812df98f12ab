"""The ``resnet`` family: stages of basic or bottleneck blocks (He et al. 2016)."""

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from explorer.errors import SpecError
from explorer.i18n import _
from explorer.specs.activation import ActivatedSpec
from explorer.specs.base import Count, Flag, Preset, Width

MAX_STAGES = 8
MAX_BLOCKS = 160
EXPANSION = {"basic": 1, "bottleneck": 4}


class ResNetSpec(ActivatedSpec):
    """The number of blocks and the width of each stage, and the design of blocks and shortcuts.

    ``shortcut`` A pads the identity with zeros, B projects if shapes differ, C projects in every block (He et al. 2016,
    section 4.1). If ``residual`` is false, the network has the same layers without shortcuts (plain network). ``stem``
    imagenet is a 7x7 convolution with stride 2 and a 3x3 max-pool with stride 2; cifar is a 3x3 convolution with
    stride 1; cifar-pool is that convolution and the max-pool.
    """

    title: ClassVar[str] = "ResNet"
    position: ClassVar[int] = 2

    family: Literal["resnet"] = "resnet"
    blocks: Annotated[tuple[Count, ...], Field(min_length=1, max_length=MAX_STAGES, fail_fast=True)]
    block: Literal["basic", "bottleneck"] = "basic"
    widths: Annotated[tuple[Width, ...], Field(max_length=MAX_STAGES, fail_fast=True)]
    stem: Literal["imagenet", "cifar", "cifar-pool"] = "imagenet"
    shortcut: Literal["A", "B", "C"] = "B"
    residual: Flag = True
    stride_on: Literal["3x3", "1x1"] = "3x3"
    batch_norm: Flag = True

    def uncounted(self) -> frozenset[str]:
        basic = {"stride_on"} if self.block == "basic" else set()
        return frozenset(basic if self.residual else basic | {"shortcut"})

    def describe(self) -> str:
        blocks = ", ".join(map(str, self.blocks))
        sentence = _("Residual network, blocks {blocks}") if self.residual else _("Plain network, blocks {blocks}")
        return sentence.format(blocks=blocks)

    def structure(self) -> list[object]:
        return [block for stage, count in enumerate(self.blocks) for block in [(self.block, stage)] * count]

    @model_validator(mode="before")
    @classmethod
    def _default_widths(cls, data: Any) -> Any:
        if isinstance(data, dict) and "widths" not in data:
            blocks = data.get("blocks")
            return {**data, "widths": default_widths(len(blocks) if isinstance(blocks, list | tuple) else 0)}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise SpecError(
                _("widths: {widths} widths for {stages} stages; give one width for each entry of blocks").format(
                    widths=len(self.widths), stages=len(self.blocks)
                )
            )
        if sum(self.blocks) > MAX_BLOCKS:
            raise SpecError(
                _("blocks: {count} blocks are more than the {limit} allowed").format(
                    count=sum(self.blocks), limit=MAX_BLOCKS
                )
            )
        outputs = [self.widths[0], *(width * EXPANSION[self.block] for width in self.widths)]
        if self.residual and self.shortcut == "A":
            for stage, (before, after) in enumerate(pairwise(outputs)):
                if after < before:
                    raise SpecError(
                        _(
                            "widths, entry {number}: shortcut A pads with zeros and can't shrink {before} "
                            "channels to {after}; use shortcut B"
                        ).format(number=stage + 1, before=before, after=after)
                    )
        return self


def default_widths(stages: int) -> tuple[int, ...]:
    """Channels of each stage: 64 in the first, and twice as many in each further one (He et al. 2016, Table 1)."""
    return tuple(64 * 2**stage for stage in range(min(stages, MAX_STAGES)))


_DEPTHS: dict[int, tuple[tuple[int, ...], str]] = {
    18: ((2, 2, 2, 2), "basic"),
    34: ((3, 4, 6, 3), "basic"),
    50: ((3, 4, 6, 3), "bottleneck"),
    101: ((3, 4, 23, 3), "bottleneck"),
    152: ((3, 8, 36, 3), "bottleneck"),
}


def _imagenet(depth: int, **fields: Any) -> ResNetSpec:
    blocks, block = _DEPTHS[depth]
    return ResNetSpec(blocks=blocks, block=block, widths=default_widths(4), **fields)


def _cifar(depth: int, *, residual: bool) -> ResNetSpec:
    # He et al. 2016, section 4.2: 6n + 2 layers, three stages of n blocks, option A.
    return ResNetSpec(
        blocks=((depth - 2) // 6,) * 3,
        widths=(16, 32, 64),
        stem="cifar",
        shortcut="A",
        residual=residual,
        image_size=32,
        num_classes=10,
    )


PRESETS = (
    *(
        Preset(f"resnet{depth}", f"ResNet-{depth}", "He et al. 2016, Table 1; stride on the 3×3", _imagenet(depth))
        for depth in _DEPTHS
    ),
    Preset(
        "resnet50-v1",
        "ResNet-50, stride on the 1×1",
        "He et al. 2016, as published",
        _imagenet(50, stride_on="1x1"),
    ),
    *(
        Preset(f"plain{depth}", f"Plain-{depth}", "He et al. 2016, Figure 3", _imagenet(depth, residual=False))
        for depth in (18, 34)
    ),
    *(
        Preset(
            f"cifar-resnet{depth}",
            f"ResNet-{depth} for CIFAR-10",
            "ResNet notes",
            _imagenet(depth, stem="cifar", image_size=32, num_classes=10),
        )
        for depth in _DEPTHS
    ),
    *(
        Preset(
            f"{kind}{depth}",
            f"{title}-{depth} for CIFAR-10, option A",
            "He et al. 2016, Table 6",
            _cifar(depth, residual=kind == "resnet"),
        )
        for kind, title in (("resnet", "ResNet"), ("plain", "Plain"))
        for depth in (20, 32, 44, 56, 110)
    ),
)
