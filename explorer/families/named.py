"""A network and what it was made from: the pair that links, jobs, the store and cards pass on."""

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
    """A network and what it was made from.

    Attributes:
        spec: The network.
        base: The preset that it was made from, or torchvision:NAME; empty where nobody knows, as of an imported file.
    """

    spec: Spec
    base: str = ""

    @classmethod
    def from_link(cls, parameters: Mapping[str, str]) -> Self:
        """The network of a link.

        Raises:
            SpecError: naming the parameter and what is wrong with it.
        """
        return cls(*decode(parameters))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The network of its one text in a link.

        Raises:
            SpecError: naming the part and what is wrong with it.
        """
        return cls(*from_text(text))

    @classmethod
    def resolved(cls, text: str) -> Self:
        """The network of what people type, as :func:`~explorer.families.presets.resolve` takes it.

        Raises:
            InputError: likewise.
        """
        spec, name = resolve(text), text.strip()
        return cls(spec, name if is_base(name) else "")

    def changed(self, **fields: object) -> Self:
        """The network with other values of some fields, made from the same.

        Raises:
            SpecError: where a field breaks a rule.
        """
        return self._replace(spec=self.spec.changed(**fields))

    @classmethod
    def kept(cls, spec: Mapping[str, object], base: str | None) -> Self:
        """The network of a file or record.

        Args:
            spec: The spec as JSON values.
            base: What is kept as its base: nothing in files of an earlier version, and any text in those of strangers.

        Raises:
            SpecError: where the spec breaks a rule.
        """
        network = parse_spec(dict(spec))
        with suppress(SpecError):
            if base and is_base(base) and resolve(base).family == network.family:
                return cls(network, base)
        return cls(network)

    @property
    def start(self) -> str:
        """What the link starts from: the base, or where nobody knows it, the likeliest."""
        return self.base or _likeliest(self.spec)

    @property
    def link(self) -> dict[str, str]:
        """The query parameters with which the Architecture page opens the network."""
        return encode(self.spec, self.start)

    @property
    def linked(self) -> Self:
        """The network as its link opens it: its base is the one that the link starts from."""
        return self._replace(base=self.link[BASE])

    @property
    def text(self) -> str:
        """The network as one text in a link."""
        return to_text(self.spec, self.start)


@lru_cache(maxsize=1000)
def _likeliest(spec: Spec) -> str:
    """The preset from which the link of a network is the shortest, or the network's own name."""
    if spec.own_name is not None:
        return spec.own_name
    bases = [name for name, preset in PRESETS.items() if preset.spec.family == spec.family]
    return min(bases, key=lambda base: len(to_text(spec, base)))
