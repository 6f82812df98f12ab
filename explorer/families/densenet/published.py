"""Published figures about networks of the ``densenet`` family."""

from collections.abc import Iterator

from explorer.families.claims import Claim, Metric, has_same_figures
from explorer.families.densenet.spec import DenseNetSpec
from explorer.families.registry import PRESETS
from explorer.i18n import _

TABLE_2 = "Huang et al. 2017, Table 2"
TABLE_3 = "Huang et al. 2017, Table 3"
# Parameters in millions, test error in percent on CIFAR-10 without and with augmentation.
CIFAR = {"densenet-40-12": ("1.0", "7.00", "5.24"), "densenet-bc-100-12": ("0.8", "5.92", "4.51")}
# Top-1 and top-5 errors in percent on ImageNet's validation images: 1 crop, 10 crops.
IMAGENET = {
    "densenet121": (("25.02", "7.71"), ("23.61", "6.66")),
    "densenet169": (("23.80", "6.85"), ("22.08", "5.92")),
    "densenet201": (("22.58", "6.34"), ("21.46", "5.54")),
}
# num_params and _ops (G) of torchvision's models with the same tensors.
TORCHVISION = {
    "densenet121": ("7,978,856", "2.834 G"),
    "densenet161": ("28,681,000", "7.728 G"),
    "densenet169": ("14,149,480", "3.36 G"),
    "densenet201": ("20,013,928", "4.291 G"),
}


def claims(spec: DenseNetSpec) -> Iterator[Claim]:
    """Figures of the paper about this network."""
    for name, (millions, plain, augmented) in CIFAR.items():
        if has_same_figures(spec, PRESETS[name].spec):
            yield Claim(TABLE_2, Metric.PARAMS, f"{millions}M")
            yield Claim(TABLE_2, Metric.ERROR, f"{plain}%", _("no augmentation"))
            yield Claim(TABLE_2, Metric.ERROR, f"{augmented}%", _("flips and shifts"))
    for name, errors in IMAGENET.items():
        if has_same_figures(spec, PRESETS[name].spec):
            for (top1, top5), shown in zip(errors, (_("1 crop"), _("10 crops")), strict=True):
                yield Claim(TABLE_3, Metric.TOP1_ERROR, f"{top1}%", shown)
                yield Claim(TABLE_3, Metric.TOP5_ERROR, f"{top5}%", shown)
