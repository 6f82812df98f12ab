"""What papers and libraries print about networks: the claims, and which network each is about.

Figures as printed; whether they hold is for :mod:`explorer.analysis.published` to find out. What is printed about one
family alone stands in the family's folder.
"""

from collections.abc import Iterator

from explorer.analysis import trained
from explorer.families import PRESETS, Spec, resolve
from explorer.families.claims import Claim, Metric, counted, same
from explorer.families.naming import twin_of
from explorer.families.registry import part
from explorer.i18n import _

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


def claims(spec: Spec) -> Iterator[Claim]:
    """Everything that is printed about this network; nothing where no source knows it."""
    network = _as_preset(spec)
    yield from _of_family(network)
    yield from _trained(network)
    if spec.own_name is not None:
        yield from _of_family(spec) if network is not spec else ()
        return
    why_macs = getattr(part(spec.family, "published"), "why_macs", None)
    for name, preset in PRESETS.items():
        twin = twin_of(name)
        # torchvision's own bottlenecks stride in the 3x3; beside the paper's the difference is worth showing.
        if twin in TORCHVISION and same(spec, preset.spec, "stride_on"):
            yield from counted(*TORCHVISION[twin], why_macs=why_macs(spec) if why_macs else "")


def _of_family(spec: Spec) -> Iterator[Claim]:
    module = part(spec.family, "published")
    yield from module.claims(spec) if module else ()


def _as_preset(spec: Spec) -> Spec:
    """The preset that has the same tensors as a model of torchvision; else the network itself."""
    if spec.own_name is None or spec != resolve(spec.own_name):
        return spec
    name = spec.own_name.partition(":")[2]
    return next((preset.spec for known, preset in PRESETS.items() if twin_of(known) == name), spec)


def _trained(spec: Spec) -> Iterator[Claim]:
    """Errors and accuracies that others measured on this network once it was trained."""
    for error in trained.ERRORS:
        preset = PRESETS[error.network].spec
        # The options of shortcuts of the shallow nets stand beside one another, each by its name.
        options = getattr(preset, "block", "") == "basic" and bool(error.shortcut)
        if same(spec, preset, "stride_on", *(["shortcut"] if options else [])):
            part = trained.tested(error)
            if getattr(spec, "block", "") == "bottleneck" and getattr(spec, "stride_on", "") == "3x3":
                part = _("{conditions}, stride on the 1×1").format(conditions=part)
            if error.top1:
                yield Claim(error.source, Metric.TOP1_ERROR, f"{error.top1}%", part)
            if error.top5:
                yield Claim(error.source, Metric.TOP5_ERROR, f"{error.top5}%", part)
    for training in trained.TRAININGS:
        if same(spec, PRESETS[training.network].spec):
            for metric, share in training.final.items():
                yield Claim(training.source, Metric(metric), f"{100 * share:.4g}%", training.conditions)


def trainings(spec: Spec, dataset: str) -> list[trained.Training]:
    """Published trainings of a network on a data set of this name."""
    return [
        training
        for preset in dict.fromkeys(training.network for training in trained.TRAININGS)
        if same(spec, PRESETS[preset].spec)
        for training in trained.of_network(preset, dataset)
    ]
