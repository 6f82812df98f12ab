"""A network and its base: links, jobs, the store and cards pass on this pair."""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple, Self

from explorer.errors import SpecError
from explorer.families.link import BASE, decode, encode, from_text, to_text
from explorer.families.parsing import parse_spec
from explorer.families.presets import is_base, resolve
from explorer.families.registry import PRESETS
from explorer.specs.base import Spec


class NamedNetwork(NamedTuple):
    """A network and its base.

    Attributes:
        spec: Spec of the network.
        base: Preset that the network was made from, or torchvision:NAME; empty if unknown, as for imported files.
    """

    spec: Spec
    base: str = ""

    @classmethod
    def from_link(cls, parameters: Mapping[str, str]) -> Self:
        """The network of a link.

        Raises:
            SpecError: If a parameter is wrong; names the parameter and the fault.
        """
        return cls(*decode(parameters))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The network of a text from :attr:`text`.

        Raises:
            SpecError: If a part is wrong; names the part and the fault.
        """
        return cls(*from_text(text))

    @classmethod
    def resolved(cls, text: str) -> Self:
        """The network of a typed text; argument and errors as in :func:`~explorer.families.presets.resolve`."""
        spec, name = resolve(text), text.strip()
        return cls(spec, name if is_base(name) else "")

    def changed(self, **fields: object) -> Self:
        """The network with other values of some fields and the same base.

        Raises:
            SpecError: If a field breaks a rule.
        """
        return self._replace(spec=self.spec.changed(**fields))

    @classmethod
    def from_record(cls, spec: Mapping[str, object], base: str | None) -> Self:
        """The network of a stored spec and base; a base of another family is ignored.

        Args:
            spec: Spec as JSON values.
            base: Stored base. Files of an earlier version have none; other people's files may hold any text.

        Raises:
            SpecError: If the spec breaks a rule.
        """
        network = parse_spec(dict(spec))
        with suppress(SpecError):
            if base and is_base(base) and resolve(base).family == network.family:
                return cls(network, base)
        return cls(network)

    @property
    def start(self) -> str:
        """The name that the link starts from: the base, or the likeliest one if the base is unknown."""
        return self.base or _likeliest(self.spec)

    @property
    def link(self) -> dict[str, str]:
        """Query parameters with which the Architecture page opens the network."""
        return encode(self.spec, self.start)

    @property
    def linked(self) -> Self:
        """The network with the base that its link starts from."""
        return self._replace(base=self.link[BASE])

    @property
    def text(self) -> str:
        """The network as one text, for links that hold several networks."""
        return to_text(self.spec, self.start)


@lru_cache(maxsize=1000)
def _likeliest(spec: Spec) -> str:
    """The preset that gives the shortest link of a network, or the network's own name."""
    if spec.own_name is not None:
        return spec.own_name
    bases = [name for name, preset in PRESETS.items() if preset.spec.family == spec.family]
    return min(bases, key=lambda base: len(to_text(spec, base)))
