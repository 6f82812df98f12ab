"""A network as a file for another program."""

from explorer.exports.formats import FORMATS, Format
from explorer.exports.run import content, export

__all__ = ["FORMATS", "Format", "content", "export"]
