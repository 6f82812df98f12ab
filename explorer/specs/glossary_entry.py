"""What an entry of the glossary is."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A term and its sentence; an empty source says that none is needed."""

    name: str
    sentence: str
    source: str = ""
