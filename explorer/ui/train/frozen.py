"""What of a network can be kept as it is while the rest trains, in words."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from torch import nn

from explorer.analysis import analyse
from explorer.families import Spec
from explorer.families.building import AUXILIARY, build, head_names
from explorer.i18n import _
from explorer.training.start import last_layers

HEAD = "head"  # the stage of layers behind the last map


class Part(NamedTuple):
    """What a user can choose to freeze.

    Attributes:
        kind: "nothing", "features", "last" for all but the last layer, or "stage".
        names: as the recipe has them.
        place: of a stage that is the last one frozen.
        stages: how many there are.
    """

    kind: str
    names: tuple[str, ...]
    place: int = 0
    stages: int = 0

    @property
    def words(self) -> str:
        """What it is called."""
        if self.kind == "stage":
            return _("The first {place:,} of {stages:,} stages").format(place=self.place, stages=self.stages)
        return {
            "nothing": _("Nothing: everything trains"),
            "features": _("The features: the classifier trains"),
            "last": _("All but the last layer"),
        }[self.kind]


@lru_cache(maxsize=256)
def parts(spec: Spec) -> tuple[Part, ...]:
    """What can be frozen of a network, each choice once: the more of it the later.

    A stage are the layers that work on maps of one size. Auxiliary heads learn nothing that the rest could use once
    that is frozen, and are frozen with it.
    """
    network = build(spec, "meta")
    names = [name for name, _parameter in network.named_parameters(remove_duplicate=False)]
    extra = {name for name in names if AUXILIARY.fullmatch(name.partition(".")[0])}
    head = set(head_names(spec))
    features = {name for name in names if name.partition(".")[0] not in head}
    last = last_layers(network)
    stages = dict.fromkeys(layer.stage for layer in analyse(spec).layers if layer.params and layer.stage != HEAD)
    found = [Part("nothing", ())]
    kept: set[str] = set()
    for place, stage in enumerate(list(stages)[:-1], 1):
        layers = {layer.name for layer in analyse(spec).layers if layer.stage == stage}
        kept |= {name for name in names if name.rpartition(".")[0] in layers}
        found.append(Part("stage", _short(network, kept), place, len(stages)))
    found.append(Part("features", _short(network, features | extra)))
    but_last = {name for name in names if name.rpartition(".")[0] not in last}
    found.append(Part("last", _short(network, but_last | extra)))
    seen: dict[tuple[str, ...], Part] = {}
    for part in found:
        if len(part.names) or part.kind == "nothing":
            seen.setdefault(part.names, part)
    everything = _short(network, set(names))
    return tuple(part for names_of, part in seen.items() if names_of != everything)


def of(spec: Spec, names: Iterable[str]) -> Part | None:
    """The choice that these names stand for; None where they are others."""
    wanted = set(names)
    return next((part for part in parts(spec) if set(part.names) == wanted), None)


def _short(network: nn.Module, parameters: set[str]) -> tuple[str, ...]:
    """Names of as few modules as hold just these parameters."""

    def walk(module: nn.Module, place: str) -> Iterator[str]:
        own = [f"{place}{name}" for name, _parameter in module.named_parameters(remove_duplicate=False)]
        if own and all(name in parameters for name in own) and place:
            yield place[:-1]
            return
        yield from (
            f"{place}{name}" for name, _one in module.named_parameters(recurse=False) if f"{place}{name}" in parameters
        )
        for name, child in module.named_children():
            yield from walk(child, f"{place}{name}.")

    return tuple(walk(network, ""))
