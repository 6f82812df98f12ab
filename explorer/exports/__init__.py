"""Exports of networks and trained weights as files for other programs."""

from explorer.exports.formats import FORMATS, Format
from explorer.exports.run import batch_norm_note, content, export
from explorer.exports.weights import PAGE, WEIGHT_FORMATS, export_weights

__all__ = ["FORMATS", "PAGE", "WEIGHT_FORMATS", "Format", "batch_norm_note", "content", "export", "export_weights"]
