"""A network, or trained weights, as a file for another program."""

from explorer.exports.formats import FORMATS, Format
from explorer.exports.run import batch_norm_note, content, export
from explorer.exports.weights import OF_WEIGHTS, export_weights

__all__ = ["FORMATS", "OF_WEIGHTS", "Format", "batch_norm_note", "content", "export", "export_weights"]
