"""An entry of the glossary."""

from typing import NamedTuple


class GlossaryEntry(NamedTuple):
    """A term and its sentence; the source is empty if none is needed."""

    name: str
    sentence: str
    source: str = ""
