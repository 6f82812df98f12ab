"""Published figures about networks of the ``vgg`` family."""

from collections.abc import Iterator

from explorer.families.claims import Claim, Metric, field_claims, has_same_figures
from explorer.families.registry import PRESETS
from explorer.families.vgg.spec import VggSpec

TABLE_2 = "Simonyan and Zisserman 2015, Table 2"
RESNET = "He et al. 2016, section 3.3"
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
# num_params and _ops (G) of torchvision's models with the same tensors.
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
}


def claims(spec: VggSpec) -> Iterator[Claim]:
    """Figures of the papers about this network."""
    for name, millions in VGG_TABLE_2.items():
        if has_same_figures(spec, PRESETS[name].spec):
            yield Claim(TABLE_2, Metric.PARAMS, f"{millions} million")
    if has_same_figures(spec, PRESETS["vgg19"].spec):
        yield Claim(RESNET, Metric.MACS, "19.6 billion")
    for name, rows in VGG_FIELDS.items():
        # A receptive field depends only on the list of layers.
        if has_same_figures(spec, PRESETS[name].spec, *set(VggSpec.model_fields) - {"cfg"}):
            *inner, last = rows
            yield from field_claims(rows[last])
            for pool in inner:
                yield from field_claims(rows[pool], pool)
