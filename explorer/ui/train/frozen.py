"""The parts of a network that a user can choose to freeze."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from torch import nn

from explorer.analysis import analyse
from explorer.families import Spec
from explorer.families.building import AUXILIARY, build, head_names
from explorer.i18n import _
from explorer.training.start import last_layers

HEAD = "head"  # stage of the layers after the last map


class FreezeChoice(NamedTuple):
    """Parts that are frozen together.

    Attributes:
        kind: ``nothing``, ``features``, ``last`` for all but the last layer, or ``stage``.
        names: Names of the frozen parts, as the recipe stores them.
        last_stage: Number of the last frozen stage, from 1.
        stages: Number of stages.
    """

    kind: str
    names: tuple[str, ...]
    last_stage: int = 0
    stages: int = 0

    @property
    def label(self) -> str:
        """Name of the choice for people."""
        if self.kind == "stage":
            return _("The first {place:,} of {stages:,} stages").format(place=self.last_stage, stages=self.stages)
        return {
            "nothing": _("Nothing: everything trains"),
            "features": _("The features: the classifier trains"),
            "last": _("All but the last layer"),
        }[self.kind]


@lru_cache(maxsize=256)
def choices(spec: Spec) -> tuple[FreezeChoice, ...]:
    """Returns the choices for a network without duplicates, in ascending order of frozen parameters.

    A stage consists of the layers that work on maps of one size. Auxiliary heads are frozen with the features: they
    only help to train these.
    """
    network = build(spec, "meta")
    names = [name for name, _parameter in network.named_parameters(remove_duplicate=False)]
    auxiliary = {name for name in names if AUXILIARY.fullmatch(name.partition(".")[0])}
    head = set(head_names(spec))
    features = {name for name in names if name.partition(".")[0] not in head}
    last = last_layers(network)
    stages = dict.fromkeys(layer.stage for layer in analyse(spec).layers if layer.params and layer.stage != HEAD)
    offered = [FreezeChoice("nothing", ())]
    frozen: set[str] = set()
    for last_stage, stage in enumerate(list(stages)[:-1], 1):
        layers = {layer.name for layer in analyse(spec).layers if layer.stage == stage}
        frozen |= {name for name in names if name.rpartition(".")[0] in layers}
        offered.append(FreezeChoice("stage", _module_names(network, frozen), last_stage, len(stages)))
    offered.append(FreezeChoice("features", _module_names(network, features | auxiliary)))
    but_last = {name for name in names if name.rpartition(".")[0] not in last}
    offered.append(FreezeChoice("last", _module_names(network, but_last | auxiliary)))
    seen: dict[tuple[str, ...], FreezeChoice] = {}
    for choice in offered:
        if len(choice.names) or choice.kind == "nothing":
            seen.setdefault(choice.names, choice)
    everything = _module_names(network, set(names))
    return tuple(choice for frozen, choice in seen.items() if frozen != everything)


def find_choice(spec: Spec, names: Iterable[str]) -> FreezeChoice | None:
    """Returns the choice with exactly these names. None if there is none."""
    frozen = set(names)
    return next((choice for choice in choices(spec) if set(choice.names) == frozen), None)


def _module_names(network: nn.Module, parameters: set[str]) -> tuple[str, ...]:
    """Returns the shortest list of modules and parameters that covers exactly these parameters."""

    def walk(module: nn.Module, prefix: str) -> Iterator[str]:
        own = [f"{prefix}{name}" for name, _parameter in module.named_parameters(remove_duplicate=False)]
        if own and all(name in parameters for name in own) and prefix:
            yield prefix[:-1]
            return
        yield from (
            f"{prefix}{name}"
            for name, _one in module.named_parameters(recurse=False)
            if f"{prefix}{name}" in parameters
        )
        for name, child in module.named_children():
            yield from walk(child, f"{prefix}{name}.")

    return tuple(walk(network, ""))
