"""Published figures about networks of the ``resnet`` family."""

from collections.abc import Iterator

from explorer.families.claims import Claim, Metric, field_claims, has_same_figures
from explorer.families.registry import PRESETS
from explorer.families.resnet.spec import ResNetSpec
from explorer.i18n import _

RESNET = "He et al. 2016, Table 1"
RESNET_CIFAR = "He et al. 2016, Table 6"
RESNET_TABLE_1 = {18: "1.8", 34: "3.6", 50: "3.8", 101: "7.6", 152: "11.3"}
RESNET_TABLE_6 = {
    20: ("0.27", "8.75"),
    32: ("0.46", "7.51"),
    44: ("0.66", "7.17"),
    56: ("0.85", "6.97"),
    110: ("1.7", "6.43"),
}
# MACs with the paper's stride placement, with one more digit.
RESNET_EXACT = {50: "3.858 G", 101: "7.570 G", 152: "11.282 G"}
RESNET_FIELDS: dict[int, dict[str, tuple[int, ...]]] = {
    50: {"layer1": (35, 8), "layer2": (99, 16), "layer3": (291, 32), "layer4": (483, 32, 239)},
    101: {"layer4": (1027, 32, 511)},
    152: {"layer4": (1507, 32, 751)},
}
# num_params and _ops (G) of torchvision's models with the same tensors.
TORCHVISION = {
    "resnet18": ("11,689,512", "1.814 G"),
    "resnet34": ("21,797,672", "3.664 G"),
    "resnet50": ("25,557,032", "4.089 G"),
    "resnet101": ("44,549,160", "7.801 G"),
    "resnet152": ("60,192,808", "11.514 G"),
}


def claims(spec: ResNetSpec) -> Iterator[Claim]:
    """Figures of the papers about this network."""
    for depth in RESNET_TABLE_1:
        published = PRESETS[f"resnet{depth}"].spec
        # At 18 and 34 layers, the paper has one figure for plain networks and for shortcuts A and B.
        if has_same_figures(spec, published, "stride_on", *(("shortcut", "residual") if depth in (18, 34) else ())):
            yield from _imagenet(spec, depth)
        if has_same_figures(
            spec, published, "stride_on", "shortcut", "image_size", "num_classes", "in_channels", "batch_norm"
        ):
            yield from _stages(spec, depth)
    for depth, (millions, error) in RESNET_TABLE_6.items():
        if has_same_figures(spec, PRESETS[f"resnet{depth}"].spec):
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


def why_macs(_spec: ResNetSpec) -> str:
    """The reason why torchvision's MACs of the same preset may differ."""
    return _("torchvision strides in the 3×3 of a bottleneck, this network in the first 1×1, as the paper does.")


def _stages(spec: ResNetSpec, depth: int) -> Iterator[Claim]:
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
        yield from field_claims(rows["layer4"], why=why)
    for stage in [stage for stage in rows if stage != "layer4"]:
        yield from field_claims(rows[stage], stage, why)
