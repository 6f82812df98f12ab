"""What papers and libraries print about networks: the claims, and which network each is about.

Figures as printed; whether they hold is for :mod:`explorer.analysis.published` to find out. What is printed about one
family alone stands in the family's folder.
"""

from collections.abc import Iterator
from functools import cache

from explorer.analysis import trained
from explorer.families import PRESETS, Spec, resolve
from explorer.families.claims import Claim, Metric, has_same_figures, torchvision_claims
from explorer.families.naming import twin_of
from explorer.families.registry import part, parts
from explorer.i18n import _


def claims(spec: Spec) -> Iterator[Claim]:
    """Everything that is printed about this network; nothing where no source knows it."""
    network = _as_preset(spec)
    yield from _of_family(network)
    yield from _trained(network)
    if spec.own_name is not None:
        yield from _of_family(spec) if network is not spec else ()
        return
    why_macs = getattr(part(spec.family, "published"), "why_macs", None)
    printed = metadata()
    for name, preset in PRESETS.items():
        twin = twin_of(name)
        # torchvision's own bottlenecks stride in the 3x3; beside the paper's the difference is worth showing.
        if twin in printed and has_same_figures(spec, preset.spec, "stride_on"):
            yield from torchvision_claims(*printed[twin], why_macs=why_macs(spec) if why_macs else "")


@cache
def metadata() -> dict[str, tuple[str, str]]:
    """``num_params`` and ``_ops`` (G) of torchvision's models that a preset is the twin of, as torchvision prints them.

    The families have them as literals: reading them from torchvision takes a second of import.
    """
    tables = (getattr(module, "TORCHVISION", {}) for module in parts("published").values())
    return {name: figures for table in tables for name, figures in table.items()}


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
        if has_same_figures(spec, preset, "stride_on", *(["shortcut"] if options else [])):
            part = trained.tested(error)
            if getattr(spec, "block", "") == "bottleneck" and getattr(spec, "stride_on", "") == "3x3":
                part = _("{conditions}, stride on the 1×1").format(conditions=part)
            if error.top1:
                yield Claim(error.source, Metric.TOP1_ERROR, f"{error.top1}%", part)
            if error.top5:
                yield Claim(error.source, Metric.TOP5_ERROR, f"{error.top5}%", part)
    for training in trained.TRAININGS:
        if has_same_figures(spec, PRESETS[training.network].spec):
            for metric, share in training.final.items():
                yield Claim(training.source, Metric(metric), f"{100 * share:.4g}%", training.conditions)


def trainings(spec: Spec, dataset: str) -> list[trained.Training]:
    """Published trainings of a network on a data set of this name."""
    return [
        training
        for preset in dict.fromkeys(training.network for training in trained.TRAININGS)
        if has_same_figures(spec, PRESETS[preset].spec)
        for training in trained.of_network(preset, dataset)
    ]
