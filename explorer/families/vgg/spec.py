"""The ``vgg`` family: a cfg list of convolutions and pools, then a fully connected head.

VGG (Simonyan and Zisserman 2015), AlexNet, LeNet-5, small CNNs and, with an empty cfg, MLPs.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from explorer.errors import InputError, SpecError
from explorer.i18n import _
from explorer.specs import cfg as cfg_list
from explorer.specs.activation import ActivatedSpec
from explorer.specs.base import Flag, Hidden, Preset, Probability, Spec, StrictInt
from explorer.specs.cfg_text import read_text
from explorer.specs.size import Size


class VggSpec(ActivatedSpec):
    """A feature extractor given as a cfg list, and its head.

    ``pool_to`` is the side of the adaptive average pool before the head; null flattens the map as it is.
    ``in_features`` is the number of features that the head expects: the spec is refused if another number arrives;
    null accepts any.
    """

    title: ClassVar[str] = "VGG"
    position: ClassVar[int] = 1

    family: Literal["vgg"] = "vgg"
    cfg: Annotated[tuple[int | str, ...], BeforeValidator(cfg_list.parse_tokens)]
    batch_norm: Flag = False
    pool_to: Annotated[int, Field(strict=True, ge=1, le=64)] | None = 7
    classifier: Annotated[tuple[Hidden, ...], Field(max_length=16, fail_fast=True)] = (4096, 4096)
    in_features: Annotated[StrictInt, Field(ge=1)] | None = None
    dropout: Probability = 0.5
    dropout_position: Literal["after", "before"] = "after"
    head: Literal["linear", "conv"] = "linear"

    @property
    def out_channels(self) -> int:
        """Channels of the last map."""
        convs = [token for token in cfg_list.tokens(self.cfg) if isinstance(token, cfg_list.Conv)]
        return convs[-1].channels if convs else self.in_channels

    @property
    def map_size(self) -> Size:
        """Rows and columns of the last map of the feature extractor, in cells."""
        return cfg_list.map_sizes(self.cfg, self.image_size)[-1] if self.cfg else self.sides

    @property
    def head_size(self) -> Size:
        """Rows and columns of the map that the head reads, in cells."""
        return Size(self.pool_to, self.pool_to) if self.pool_to else self.map_size

    @classmethod
    def from_layers(cls, text: str, current: Spec) -> Self:
        fields = current.to_dict() if isinstance(current, cls) else {"family": "vgg"}
        typed = read_text(text)
        head = {} if typed.hidden is None else {"classifier": typed.hidden, "num_classes": typed.classes}
        return cls.parse({**fields, "cfg": typed.cfg, **head, "in_features": None})

    def uncounted(self) -> frozenset[str]:
        return frozenset(["dropout", "dropout_position", "in_features", "head"])

    def describe(self) -> str:
        count = sum(isinstance(token, cfg_list.Conv) for token in cfg_list.tokens(self.cfg))
        if not count:
            return _("Network of linear layers")
        return _("One convolution") if count == 1 else _("Chain of {count} convolutions").format(count=count)

    def structure(self) -> list[object]:
        return [
            token._replace(channels=0) if isinstance(token, cfg_list.Conv) else token
            for token in cfg_list.tokens(self.cfg)
        ]

    @property
    def dense_map(self) -> tuple[int, Size] | None:
        return (self.out_channels, self.head_size) if self.head == "linear" else None

    @property
    def head_convolutions(self) -> int:
        return len(self.classifier) + 1 if self.head == "conv" else 0

    def with_convolutional_head(self) -> Self:
        if self.head == "conv":
            raise InputError(_("head: it consists of convolutions already"))
        if self.head_size != self.map_size:
            raise InputError(
                _(
                    "head: it reads a map of {head} that is pooled from {map}: as convolutions it would "
                    "give other scores"
                ).format(head=self.head_size, map=self.map_size)
            )
        rows, columns = self.head_size
        return self.changed(head="conv", pool_to=rows if rows == columns else None)

    def at_size(self, size: int | Size) -> Self:
        if self.head == "conv":
            rows, columns = self.head_size
            if rows != columns:  # without pool_to, the kernel would become as large as the new map
                raise InputError(
                    _(
                        "image_size: its head is a kernel of {head}; only a square kernel can slide over other sizes"
                    ).format(head=self.head_size)
                )
            return self.changed(image_size=size, pool_to=rows)
        try:
            resized = self.changed(image_size=size, in_features=None)
        except SpecError as error:
            raise InputError(
                _("image_size: {value} pixels are too few: {fault}").format(value=size, fault=error)
            ) from None
        if resized.head_size != self.head_size:
            raise InputError(
                _(
                    "image_size: its dense head reads a map of {head}, and {map} arrive at {value} "
                    "pixels; convert the head to convolutions first (python -m explorer weights convolve)"
                ).format(head=self.head_size, map=resized.map_size, value=size)
            )
        return resized

    @model_validator(mode="after")
    def _fits(self) -> Self:
        cfg_list.check_groups(self.cfg, self.in_channels)
        map_size = self.map_size
        arriving = self.out_channels * self.head_size.area
        if self.in_features not in (None, arriving):
            raise SpecError(
                _(
                    "in_features: the head expects {expected:,} features but {arriving:,} arrive "
                    "({channels} channels of {side} at image_size {image}); set it to {arriving} or leave it out"
                ).format(
                    expected=self.in_features,
                    arriving=arriving,
                    channels=self.out_channels,
                    side=self.head_size,
                    image=self.image_size,
                )
            )
        if self.head == "conv" and any(kernel > side for kernel, side in zip(self.head_size, map_size, strict=True)):
            raise SpecError(
                _(
                    "head: a convolutional head of {kernel} needs a map of at least that size, "
                    "but {side} arrives at image_size {image}"
                ).format(kernel=self.head_size, side=map_size, image=self.image_size)
            )
        return self


_A = (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M")
_B = (64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M")
_C = (64, 64, "M", 128, 128, "M", 256, 256, "256:1", "M", 512, 512, "512:1", "M", 512, 512, "512:1", "M")
_D = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")
_E = (64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M")
_NARROW = (16, 16, "M", 32, 32, "M", 64, 64, 64, "M", 128, 128, 128, "M", 128, 128, 128, "M")
_ALEXNET = ("64:11/4p2", "M:3/2", "192:5", "M:3/2", 384, 256, 256, "M:3/2")
_PAPER = "Simonyan and Zisserman 2015, Table 1"

PRESETS = (
    Preset(
        "lenet5",
        "LeNet-5",
        "LeCun et al. 1998, with ReLU and a softmax head",
        VggSpec(
            cfg=("6:5p0", "A", "16:5p0", "A"),
            pool_to=None,
            classifier=(120, 84),
            dropout=0.0,
            in_channels=1,
            image_size=32,
            num_classes=10,
        ),
    ),
    Preset(
        "alexnet",
        "AlexNet",
        "Krizhevsky 2014, one tower, as in torchvision",
        VggSpec(cfg=_ALEXNET, pool_to=6, dropout_position="before"),
    ),
    *(
        Preset(name + suffix, title, _PAPER, VggSpec(cfg=cfg, batch_norm=bool(suffix)))
        for name, letter, cfg in (("vgg11", "A", _A), ("vgg13", "B", _B), ("vgg16", "D", _D), ("vgg19", "E", _E))
        for suffix, title in (
            ("", f"VGG-{name[3:]} ({letter})"),
            ("-bn", f"VGG-{name[3:]} ({letter}) with batch norm"),
        )
    ),
    Preset("vgg11-lrn", "VGG-11 with LRN (A-LRN)", _PAPER, VggSpec(cfg=(64, "L", *_A[1:]))),
    Preset("vgg16-c", "VGG-16 (C), 1×1 convolutions", _PAPER, VggSpec(cfg=_C)),
    Preset(
        "vgg16-conv",
        "VGG-16 (D), fully convolutional",
        "Simonyan and Zisserman 2015, section 3.2",
        VggSpec(cfg=_D, head="conv"),
    ),
    Preset(
        "vgg16-cifar10",
        "Narrow VGG-16 for CIFAR-10",
        "VGG notes",
        VggSpec(
            cfg=_NARROW,
            pool_to=None,
            classifier=(512, 512),
            dropout=0.4,
            dropout_position="before",
            image_size=32,
            num_classes=10,
        ),
    ),
    Preset(
        "vgg16-bn-cifar10-224",
        "VGG-16 with batch norm, CIFAR-10 at 224",
        "VGG-16 notes",
        VggSpec(cfg=_D, batch_norm=True, pool_to=None, num_classes=10),
    ),
    Preset(
        "vgg11-bn-cifar10",
        "Simplified VGG-11 for CIFAR-10",
        "Course homework",
        VggSpec(cfg=_A, batch_norm=True, pool_to=None, classifier=(), dropout=0.0, image_size=32, num_classes=10),
    ),
    Preset(
        "cnn-cifar10",
        "Small CNN for CIFAR-10",
        "Course homework",
        VggSpec(
            cfg=("6:5p0", "M", "16:5p0", "M"),
            pool_to=None,
            classifier=(120, 84),
            dropout=0.0,
            image_size=32,
            num_classes=10,
        ),
    ),
    Preset(
        "mnist-cnn",
        "Small CNN for MNIST",
        "Course homework",
        VggSpec(
            cfg=("6:5p0", "M", "6:5p0", "M"),
            pool_to=None,
            classifier=(50,),
            dropout=0.0,
            in_channels=1,
            image_size=28,
            num_classes=10,
        ),
    ),
    Preset(
        "mnist-fc",
        "Fully connected net for MNIST",
        "Course homework",
        VggSpec(cfg=(), pool_to=None, classifier=(8, 8), dropout=0.0, in_channels=1, image_size=28, num_classes=10),
    ),
    Preset(
        "digits-cnn",
        "Small CNN for the bundled digits",
        "This project",
        VggSpec(
            cfg=(32, "M", 64, 64),
            batch_norm=True,
            pool_to=1,
            classifier=(),
            dropout=0.0,
            in_channels=1,
            image_size=8,
            num_classes=10,
        ),
    ),
)
