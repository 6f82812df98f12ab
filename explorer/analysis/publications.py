"""Claims of papers and libraries about networks, as printed.

:mod:`explorer.analysis.published` compares them with our analysis. Claims about a single family are in the family's
folder.
"""

from collections.abc import Iterator
from functools import cache

from explorer.analysis import published_results
from explorer.families import PRESETS, Spec, resolve
from explorer.families.claims import Claim, Metric, has_same_figures, torchvision_claims
from explorer.families.naming import twin_of
from explorer.families.registry import part, parts
from explorer.i18n import _


def claims(spec: Spec) -> Iterator[Claim]:
    """Yields the published claims about a network."""
    network = _as_preset(spec)
    yield from _family_claims(network)
    yield from _result_claims(network)
    if spec.own_name is not None:
        yield from _family_claims(spec) if network is not spec else ()
        return
    why_macs = getattr(part(spec.family, "published"), "why_macs", None)
    printed = metadata()
    for name, preset in PRESETS.items():
        twin = twin_of(name)
        # torchvision's bottlenecks have the stride in the 3x3 convolution; the difference to the paper is worth
        # showing.
        if twin in printed and has_same_figures(spec, preset.spec, "stride_on"):
            yield from torchvision_claims(*printed[twin], why_macs=why_macs(spec) if why_macs else "")


@cache
def metadata() -> dict[str, tuple[str, str]]:
    """Returns ``num_params`` and ``_ops`` (G) of torchvision's models with an equal preset, as torchvision prints them.

    The families define them as literals, because the import of torchvision takes a second.
    """
    tables = (getattr(module, "TORCHVISION", {}) for module in parts("published").values())
    return {name: figures for table in tables for name, figures in table.items()}


def _family_claims(spec: Spec) -> Iterator[Claim]:
    module = part(spec.family, "published")
    yield from module.claims(spec) if module else ()


def _as_preset(spec: Spec) -> Spec:
    """Returns the preset with the same tensors as a model of torchvision, or the network itself if there is none."""
    if spec.own_name is None or spec != resolve(spec.own_name):
        return spec
    name = spec.own_name.partition(":")[2]
    return next((preset.spec for known, preset in PRESETS.items() if twin_of(known) == name), spec)


def _result_claims(spec: Spec) -> Iterator[Claim]:
    """Yields the published errors and accuracies of the trained network."""
    for error in published_results.ERRORS:
        preset = PRESETS[error.network].spec
        # Shallow networks show the errors of all shortcut options, each with its name.
        options = getattr(preset, "block", "") == "basic" and bool(error.shortcut)
        if has_same_figures(spec, preset, "stride_on", *(["shortcut"] if options else [])):
            part = published_results.conditions_of(error)
            if getattr(spec, "block", "") == "bottleneck" and getattr(spec, "stride_on", "") == "3x3":
                part = _("{conditions}, stride on the 1×1").format(conditions=part)
            if error.top1:
                yield Claim(error.source, Metric.TOP1_ERROR, f"{error.top1}%", part)
            if error.top5:
                yield Claim(error.source, Metric.TOP5_ERROR, f"{error.top5}%", part)
    for training in published_results.TRAININGS:
        if has_same_figures(spec, PRESETS[training.network].spec):
            for metric, share in training.final.items():
                yield Claim(training.source, Metric(metric), f"{100 * share:.4g}%", training.conditions)


def trainings(spec: Spec, dataset: str) -> list[published_results.PublishedTraining]:
    """Returns the published trainings of a network on a data set."""
    return [
        training
        for preset in dict.fromkeys(training.network for training in published_results.TRAININGS)
        if has_same_figures(spec, PRESETS[preset].spec)
        for training in published_results.of_network(preset, dataset)
    ]
