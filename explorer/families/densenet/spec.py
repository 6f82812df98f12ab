"""The ``densenet`` family: blocks of layers that read all maps before them (Huang et al. 2017)."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from explorer.errors import SpecError
from explorer.i18n import _
from explorer.specs.activation import ActivatedSpec
from explorer.specs.base import MAX_WIDTH, Count, Preset, Probability, Width

MAX_BLOCKS = 8
MAX_LAYERS = 160  # dense layers of a network
Compression = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Factor = Annotated[int, Field(strict=True, ge=1, le=64)]


class DenseNetSpec(ActivatedSpec):
    """The numbers of layers in each dense block, and the design of layers and transitions.

    Every layer adds ``growth_rate`` channels to the map that it reads. ``bottleneck`` is the width of the 1x1
    convolution before each 3x3, in growth rates; null leaves the 1x1 out. ``compression`` is the share of channels that
    remains after a transition. ``stem_width`` is the number of channels of the first convolution, by default
    twice the growth rate. ``stem`` imagenet is a 7x7 convolution with stride 2 and batch norm, and a 3x3 max-pool with
    stride 2; cifar is a 3x3 convolution with stride 1 (Huang et al. 2017, sections 3 and 4.2).
    """

    title: ClassVar[str] = "DenseNet"
    position: ClassVar[int] = 4

    family: Literal["densenet"] = "densenet"
    blocks: Annotated[tuple[Count, ...], Field(min_length=1, max_length=MAX_BLOCKS, fail_fast=True)]
    growth_rate: Width = 32
    stem_width: Width
    bottleneck: Factor | None = 4
    compression: Compression = 0.5
    stem: Literal["imagenet", "cifar"] = "imagenet"
    dropout: Probability = 0.0

    def uncounted(self) -> frozenset[str]:
        return frozenset(["dropout"])

    def describe(self) -> str:
        return _("Densely connected network, blocks {blocks}").format(blocks=", ".join(map(str, self.blocks)))

    def structure(self) -> list[object]:
        return [stage for stage, count in enumerate(self.blocks) for _layer in range(count)]

    @property
    def widths(self) -> tuple[int, ...]:
        """Input channels of each dense block, then the output channels of the last one."""
        channels = [self.stem_width]
        for stage, count in enumerate(self.blocks, 1):
            made = channels[-1] + count * self.growth_rate
            channels.append(int(made * self.compression) if stage < len(self.blocks) else made)
        return tuple(channels)

    @model_validator(mode="before")
    @classmethod
    def _default_stem(cls, data: Any) -> Any:
        if isinstance(data, dict) and "stem_width" not in data:
            growth = data.get("growth_rate", 32)
            is_valid = isinstance(growth, int) and not isinstance(growth, bool) and 1 <= growth <= MAX_WIDTH // 2
            return {**data, "stem_width": 2 * growth if is_valid else 64}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(self.blocks) > MAX_LAYERS:
            raise SpecError(
                _("blocks: {count} layers are more than the {limit} allowed").format(
                    count=sum(self.blocks), limit=MAX_LAYERS
                )
            )
        for stage, (arriving, count) in enumerate(zip(self.widths, self.blocks, strict=False), 1):
            made = arriving + count * self.growth_rate
            if made > MAX_WIDTH:
                raise SpecError(
                    _("blocks, entry {number}: {made:,} channels leave it, more than the {limit:,} allowed").format(
                        number=stage, made=made, limit=MAX_WIDTH
                    )
                )
            if stage < len(self.blocks) and int(made * self.compression) < 1:  # no transition follows the last block
                raise SpecError(
                    _("compression: {value} leaves no channel of the {made} of block {number}").format(
                        value=self.compression, made=made, number=stage
                    )
                )
        if self.bottleneck is not None and self.bottleneck * self.growth_rate > MAX_WIDTH:
            raise SpecError(
                _("bottleneck: {factor} times {growth} channels are more than the {limit:,} allowed").format(
                    factor=self.bottleneck, growth=self.growth_rate, limit=MAX_WIDTH
                )
            )
        self._check_maps()
        return self

    def _check_maps(self) -> None:
        size = self.sides
        if self.stem == "imagenet":
            size = size.through(7, 2, 3).through(3, 2, 1)
        for stage in range(1, len(self.blocks)):
            if min(size) < 2:
                raise SpecError(
                    _("image_size: {image} is too small: the 2×2 pool after block {number} gets a {size} map").format(
                        image=self.image_size, number=stage, size=size
                    )
                )
            size = size.through(2, 2)


_DEPTHS = {
    121: ((6, 12, 24, 16), 32),
    161: ((6, 12, 36, 24), 48),
    169: ((6, 12, 32, 32), 32),
    201: ((6, 12, 48, 32), 32),
}
_SOURCES = {161: "torchvision: growth rate 48"}


def _imagenet(depth: int) -> DenseNetSpec:
    blocks, growth = _DEPTHS[depth]
    return DenseNetSpec(blocks=blocks, growth_rate=growth, stem_width=2 * growth)


def _cifar(depth: int, growth: int, *, bottleneck: bool) -> DenseNetSpec:
    # Huang et al. 2017, section 3: three blocks of n layers each. There are 4 + 3n convolutions and linear layers, or
    # 4 + 6n if each 3x3 has a 1x1 before it.
    layers = (depth - 4) // 3
    return DenseNetSpec(
        blocks=(layers // 2 if bottleneck else layers,) * 3,
        growth_rate=growth,
        stem_width=2 * growth if bottleneck else 16,
        bottleneck=4 if bottleneck else None,
        compression=0.5 if bottleneck else 1.0,
        stem="cifar",
        image_size=32,
        num_classes=10,
    )


PRESETS = (
    *(
        Preset(
            f"densenet{depth}", f"DenseNet-{depth}", _SOURCES.get(depth, "Huang et al. 2017, Table 1"), _imagenet(depth)
        )
        for depth in _DEPTHS
    ),
    Preset(
        "densenet-bc-100-12",
        "DenseNet-BC (L = 100, k = 12) for CIFAR-10",
        "Huang et al. 2017, Table 2",
        _cifar(100, 12, bottleneck=True),
    ),
    Preset(
        "densenet-40-12",
        "DenseNet (L = 40, k = 12) for CIFAR-10",
        "Huang et al. 2017, Table 2",
        _cifar(40, 12, bottleneck=False),
    ),
)
