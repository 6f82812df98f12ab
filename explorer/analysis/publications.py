"""What papers and libraries print about networks: the claims, and which network each is about.

Figures as printed; whether they hold is for :mod:`explorer.analysis.published` to find out.
"""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from explorer.analysis import trained
from explorer.i18n import _
from explorer.specs import PRESETS, GoogLeNetSpec, ResNetSpec, Spec, VggSpec, ZooSpec


class Metric(StrEnum):
    """What a figure counts; weights are parameters without biases, accuracies and errors are not computed."""

    PARAMS = "params"
    WEIGHTS = "weights"
    MACS = "macs"
    FIELD = "receptive_field"
    STRIDE = "stride"
    PADDING = "padding"
    ERROR = "error"
    SIDE = "side"
    CHANNELS = "channels"
    HEADS_DROPOUT = "heads_dropout"
    TOP1_ERROR = "top1_error"
    TOP5_ERROR = "top5_error"
    TOP1 = "top1"
    TOP3 = "top3"
    GAIN = "gain"


# What comes of training, and is not computed.
TRAINED = frozenset([Metric.ERROR, Metric.TOP1_ERROR, Metric.TOP5_ERROR, Metric.TOP1, Metric.TOP3, Metric.GAIN])


class Claim(NamedTuple):
    """One printed figure.

    ``part`` names what it is about, if not the whole network: layers whose names begin with one of ``layers``
    ("pool3" is the third pool), or the last module of ``example``, a network made for the figure. ``why`` is the
    reason for a difference, if there is one.
    """

    source: str
    metric: Metric
    printed: str
    part: str = ""
    layers: tuple[str, ...] = ()
    example: Spec | None = None
    why: str = ""

    @property
    def value(self) -> Decimal:
        """The figure in units of one."""
        number, unit = self._split()
        return number * unit

    @property
    def step(self) -> Decimal:
        """One in the last printed place."""
        number, unit = self._split()
        return unit.scaleb(-len(str(number).partition(".")[2]))

    def _split(self) -> tuple[Decimal, Decimal]:
        unit = self.printed.lstrip("0123456789.,")
        return Decimal(self.printed.removesuffix(unit).replace(",", "")), Decimal(UNITS[unit.strip()])


# GoogLeNet's K is 1024: its 112K and 1000K are exact so.
UNITS = {"": 1, "%": 1, "K": 1024, "M": 10**6, "million": 10**6, "G": 10**9, "billion": 10**9, "× 10⁹": 10**9}

VGG_TABLE_2 = {"vgg11": 133, "vgg11-lrn": 133, "vgg13": 133, "vgg16-c": 134, "vgg16": 138, "vgg19": 144}
VGG_FIELDS = {
    "vgg11": {"pool5": (150, 32, 59)},
    "vgg16": {
        "pool1": (6, 2, 2),
        "pool2": (16, 4, 6),
        "pool3": (44, 8, 18),
        "pool4": (100, 16, 42),
        "pool5": (212, 32, 90),
    },
}
RESNET_TABLE_1 = {18: "1.8", 34: "3.6", 50: "3.8", 101: "7.6", 152: "11.3"}
RESNET_TABLE_6 = {
    20: ("0.27", "8.75"),
    32: ("0.46", "7.51"),
    44: ("0.66", "7.17"),
    56: ("0.85", "6.97"),
    110: ("1.7", "6.43"),
}
# With the paper's stride placement, to another digit.
RESNET_EXACT = {50: "3.858 G", 101: "7.570 G", 152: "11.282 G"}
RESNET_FIELDS: dict[int, dict[str, tuple[int, ...]]] = {
    50: {"layer1": (35, 8), "layer2": (99, 16), "layer3": (291, 32), "layer4": (483, 32, 239)},
    101: {"layer4": (1027, 32, 511)},
    152: {"layer4": (1507, 32, 751)},
}
GOOGLENET_TABLE_1 = {
    "conv1": ("2.7K", "34M"),
    "conv2 with reduce": ("112K", "360M"),
    "3a": ("159K", "128M"),
    "3b": ("380K", "304M"),
    "4a": ("364K", "73M"),
    "4b": ("437K", "88M"),
    "4c": ("463K", "100M"),
    "4d": ("580K", "119M"),
    "4e": ("840K", "170M"),
    "5a": ("1072K", "54M"),
    "5b": ("1388K", "71M"),
    "linear": ("1000K", "1M"),
}
# Channels that an auxiliary head reads, by the module that it follows.
GOOGLENET_HEADS = {"4a": "512", "4d": "528"}
GOOGLENET_LAYERS = {"conv1": ("conv1",), "conv2 with reduce": ("conv2", "conv3"), "linear": ("fc",)}
# num_params and _ops (G) of the weights of our presets' twins: reading them there takes a second of import.
TORCHVISION = {
    "alexnet": ("61,100,840", "0.714 G"),
    "vgg11": ("132,863,336", "7.609 G"),
    "vgg11_bn": ("132,868,840", "7.609 G"),
    "vgg13": ("133,047,848", "11.308 G"),
    "vgg13_bn": ("133,053,736", "11.308 G"),
    "vgg16": ("138,357,544", "15.47 G"),
    "vgg16_bn": ("138,365,992", "15.47 G"),
    "vgg19": ("143,667,240", "19.632 G"),
    "vgg19_bn": ("143,678,248", "19.632 G"),
    "resnet18": ("11,689,512", "1.814 G"),
    "resnet34": ("21,797,672", "3.664 G"),
    "resnet50": ("25,557,032", "4.089 G"),
    "resnet101": ("44,549,160", "7.801 G"),
    "resnet152": ("60,192,808", "11.514 G"),
    "googlenet": ("6,624,904", "1.498 G"),
}

# Fields of a spec on which none of these figures depends.
NEVER_COUNTED = frozenset(
    ["dropout", "dropout_position", "in_features", "head", "aux_after", "aux_dropout", "aux_pool"]
)

VGG = "Simonyan and Zisserman 2015, Table 2"
RESNET = "He et al. 2016, Table 1"
RESNET_SECTION = "He et al. 2016, section 3.3"
RESNET_CIFAR = "He et al. 2016, Table 6"
GOOGLENET = "Szegedy et al. 2015, Table 1"
DISTILL = "Araujo et al. 2019, Distill"
TORCHVISION_META = "torchvision, Weights.meta"
GOOGLENET_SECTION = "Szegedy et al. 2015, section 5"
NOTES = "GoogLeNet notes"
NOTES_CODE = "GoogLeNet notes, code"


def claims(spec: Spec) -> Iterator[Claim]:
    """Everything that is printed about this network; nothing where no source knows it."""
    network = spec
    if isinstance(spec, ZooSpec):
        twin = next((preset for preset in PRESETS if twin_of(preset) == spec.name), None)
        if twin and spec == ZooSpec(name=spec.name):
            network = PRESETS[twin].spec
    match network:
        case VggSpec():
            yield from _vgg(network)
        case ResNetSpec():
            yield from _resnet(network)
        case GoogLeNetSpec():
            yield from _googlenet(network)
    yield from _trained(network)
    if isinstance(spec, ZooSpec):
        yield from _metadata(spec)
    else:
        for preset in PRESETS:
            twin = twin_of(preset)
            # torchvision's own bottlenecks stride in the 3x3; beside the paper's the difference is worth showing.
            if twin in TORCHVISION and _same(spec, PRESETS[preset].spec, "stride_on"):
                yield from _counted(*TORCHVISION[twin], why_macs=_why_stride_on(spec))


def twin_of(preset: str) -> str:
    """The name under which torchvision would have the same network."""
    return {"googlenet": "", "googlenet-torchvision": "googlenet"}.get(preset, preset.replace("-", "_"))


def _same(spec: Spec, published: Spec, *more: str) -> bool:
    """Whether two specs have the same numbers: fields that none depends on, and ``more``, may differ."""
    fields = set(type(published).model_fields) - NEVER_COUNTED - set(more)
    if isinstance(spec, ResNetSpec):
        fields -= {"stride_on"} if spec.block == "basic" else set()
        fields -= set() if spec.residual else {"shortcut"}
    return type(spec) is type(published) and all(getattr(spec, key) == getattr(published, key) for key in fields)


def _trained(spec: Spec) -> Iterator[Claim]:
    """Errors and accuracies that others measured on this network once it was trained."""
    for error in trained.ERRORS:
        preset = PRESETS[error.network].spec
        # The options of shortcuts of the shallow nets stand beside one another, each by its name.
        options = isinstance(preset, ResNetSpec) and preset.block == "basic" and bool(error.shortcut)
        if _same(spec, preset, "stride_on", *(["shortcut"] if options else [])):
            part = trained.tested(error)
            if isinstance(spec, ResNetSpec) and spec.block == "bottleneck" and spec.stride_on == "3x3":
                part = _("{conditions}, stride on the 1×1").format(conditions=part)
            if error.top1:
                yield Claim(error.source, Metric.TOP1_ERROR, f"{error.top1}%", part)
            if error.top5:
                yield Claim(error.source, Metric.TOP5_ERROR, f"{error.top5}%", part)
    for training in trained.TRAININGS:
        if _same(spec, PRESETS[training.network].spec):
            for metric, share in training.final.items():
                yield Claim(training.source, Metric(metric), f"{100 * share:.4g}%", training.conditions)
    if _same(spec, PRESETS["googlenet"].spec):
        yield Claim(
            "Szegedy et al. 2015, section 5",
            Metric.GAIN,
            "0.6%",
            _("average pooling in place of fully connected layers"),
        )


def trainings(spec: Spec, dataset: str) -> list[trained.Training]:
    """Published trainings of a network on a data set of this name."""
    return [
        training
        for preset in dict.fromkeys(training.network for training in trained.TRAININGS)
        if _same(spec, PRESETS[preset].spec)
        for training in trained.of_network(preset, dataset)
    ]


def _metadata(spec: ZooSpec) -> Iterator[Claim]:
    """What torchvision says of a model of its own, at the size that it was measured at."""
    from torchvision import models  # imported when this spec was built

    for weights in models.get_model_weights(spec.name):
        if weights.transforms().crop_size[0] == spec.image_size and spec.num_classes == 1000 and spec.head == "own":
            yield from _counted(
                f"{weights.meta['num_params']:,}",
                f"{weights.meta['_ops']} G",
                why_params=_(
                    "torchvision's metadata counts the auxiliary head of this model, which stands apart here."
                ),
            )
            return


def _counted(params: str, macs: str, *, why_params: str = "", why_macs: str = "") -> Iterator[Claim]:
    yield Claim(TORCHVISION_META, Metric.PARAMS, params, why=why_params)
    yield Claim(TORCHVISION_META, Metric.MACS, macs, why=why_macs)


def _vgg(spec: VggSpec) -> Iterator[Claim]:
    for name, millions in VGG_TABLE_2.items():
        if _same(spec, PRESETS[name].spec):
            yield Claim(VGG, Metric.PARAMS, f"{millions} million")
    if _same(spec, PRESETS["vgg19"].spec):
        yield Claim(RESNET_SECTION, Metric.MACS, "19.6 billion")
    for name, rows in VGG_FIELDS.items():
        # Of all fields, a receptive field depends on the list of layers alone.
        if _same(spec, PRESETS[name].spec, *set(VggSpec.model_fields) - {"cfg"}):
            *inner, last = rows
            yield from _fields(rows[last])
            for pool in inner:
                yield from _fields(rows[pool], pool)


def _fields(figures: tuple[int, ...], part: str = "", why: tuple[str, str, str] = ("", "", "")) -> Iterator[Claim]:
    for metric, figure, reason in zip((Metric.FIELD, Metric.STRIDE, Metric.PADDING), figures, why, strict=False):
        yield Claim(DISTILL, metric, str(figure), part, (part,) if part else (), why=reason)


def _resnet(spec: ResNetSpec) -> Iterator[Claim]:
    for depth in RESNET_TABLE_1:
        published = PRESETS[f"resnet{depth}"].spec
        # The paper's 18 and 34 layers are one row for plain nets and shortcuts A and B.
        if _same(spec, published, "stride_on", *(("shortcut", "residual") if depth in (18, 34) else ())):
            yield from _imagenet(spec, depth)
        if _same(spec, published, "stride_on", "shortcut", "image_size", "num_classes", "in_channels", "batch_norm"):
            yield from _resnet_fields(spec, depth)
    for depth, (millions, error) in RESNET_TABLE_6.items():
        if _same(spec, PRESETS[f"resnet{depth}"].spec):
            yield Claim(RESNET_CIFAR, Metric.PARAMS, f"{millions}M")
            yield Claim(RESNET_CIFAR, Metric.ERROR, f"{error}%")


def _imagenet(spec: ResNetSpec, depth: int) -> Iterator[Claim]:
    if spec.shortcut == "C" and spec.residual:
        return
    why = _(
        "The paper strides in the first 1×1 of a bottleneck, this network in the 3×3, as torchvision does; "
        "the paper's way costs {macs}."
    ).format(macs=RESNET_EXACT.get(depth))
    yield Claim(RESNET, Metric.MACS, f"{RESNET_TABLE_1[depth]} × 10⁹", why=why)


def _why_stride_on(spec: Spec) -> str:
    if not isinstance(spec, ResNetSpec):
        return ""
    return _("torchvision strides in the 3×3 of a bottleneck, this network in the first 1×1, as the paper does.")


def _resnet_fields(spec: ResNetSpec, depth: int) -> Iterator[Claim]:
    rows = RESNET_FIELDS.get(depth, {})
    coarser = _(
        "TF-Slim strides in the last unit of a stage, this network in the first, so its stages end on finer maps."
    )
    if spec.stride_on == "1x1":
        padded = _("TensorFlow's SAME padding adds less at the start than at the end; here padding is symmetric.")
        why = ("", coarser, padded)
    else:
        nearer = _(
            "TF-Slim strides at the end of a stage; here the first 3×3 of the next one strides, which works on the "
            "finer map and so reaches half as far."
        )
        why = (nearer, coarser, nearer)
    if rows:
        yield from _fields(rows["layer4"], why=why)
    for stage in [stage for stage in rows if stage != "layer4"]:
        yield from _fields(rows[stage], stage, why)


def _googlenet(spec: GoogLeNetSpec) -> Iterator[Claim]:
    if _same(spec, PRESETS["googlenet"].spec):
        for row, (weights, operations) in GOOGLENET_TABLE_1.items():
            layers = GOOGLENET_LAYERS.get(row, (f"inception{row}",))
            yield Claim(GOOGLENET, Metric.WEIGHTS, weights, row, layers, why=_why_row(row))
            yield Claim(GOOGLENET, Metric.MACS, operations, row, layers, why=_why_row(row))
        yield Claim(
            NOTES,
            Metric.PARAMS,
            "5M",
            why=_(
                "The paper says 12 times fewer parameters than AlexNet's 60 M. The rows of its Table 1 add up to 7 M: "
                "6,998,552 weights and biases, auxiliary heads apart."
            ),
        )
        yield from _heads(spec)
    if any(_same(spec, PRESETS[name].spec) for name in ("googlenet", "googlenet-naive")):
        naive, reduced = _("naive module on 28×28×256"), _("the same, reduced")
        twice = _("The sum that is often quoted takes the 3×3 convolution, 86.7 M, twice.")
        yield Claim(NOTES, Metric.MACS, "854M", naive, example=_worked_module(reduce=False))
        yield Claim(NOTES, Metric.MACS, "358M", reduced, example=_worked_module(reduce=True), why=twice)


def _heads(spec: GoogLeNetSpec) -> Iterator[Claim]:
    """What the paper says of its auxiliary heads, layer by layer."""
    for number, module in enumerate(spec.aux_after, 1):
        if module not in GOOGLENET_HEADS:
            continue
        head = f"aux{number}"
        for layer, metric, figure, words in (
            ("pool", Metric.SIDE, "4", _("pool of the head after {module}")),
            ("pool", Metric.CHANNELS, GOOGLENET_HEADS[module], _("pool of the head after {module}")),
            ("conv.conv", Metric.CHANNELS, "128", _("1×1 of the head after {module}")),
            ("fc1", Metric.CHANNELS, "1024", _("hidden layer of the head after {module}")),
            ("fc2", Metric.CHANNELS, "1000", _("classes of the head after {module}")),
        ):
            yield Claim(GOOGLENET_SECTION, metric, figure, words.format(module=module), (f"{head}.{layer}",))
    if spec.aux_after:
        other = _("The paper drops 70% and the code of the notes 50%; this network has a field for it.")
        yield Claim(GOOGLENET_SECTION, Metric.HEADS_DROPOUT, "70%", why=other)
        yield Claim(NOTES_CODE, Metric.HEADS_DROPOUT, "50%", why=other)


def _why_row(row: str) -> str:
    return {
        "conv1": _("The paper's figures fit a separable 7×7, not the dense one that this row describes."),
        "4c": _("The row's operations fit its columns, its parameters don't: they are 7% too few."),
        "5a": _("Both figures nearly fit 48 instead of 32 channels in the 5×5 reduction, as in 5b."),
    }.get(row, _("The table is loose: a figure may be a few percent off what the row's own columns give."))


def _worked_module(*, reduce: bool) -> GoogLeNetSpec:
    """128, 192 and 96 channels on 28×28×256, after a module that hands on 256 channels from a stem of 192."""
    before = ["before", 64, 96, 128, 16, 32, 32] if reduce else ["before", 32, 1, 16, 1, 16, 1]
    case = ["case", 128, 64, 192, 64, 96, 64]
    return GoogLeNetSpec.parse(
        {"family": "googlenet", "modules": [before, case], "stem": "cifar", "image_size": 28, "reduce": reduce}
    )
