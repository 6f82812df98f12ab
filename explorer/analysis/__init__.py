"""From a network to numbers: shapes, parameters, MACs, FLOPs, memory, receptive fields, warnings."""

from explorer.analysis.cost import Term
from explorer.analysis.devices import AUTO, Device
from explorer.analysis.memory import OPTIMIZER_STATE, Precision
from explorer.analysis.result import Analysis, Field, Head, Layer, Totals, Warned, Window
from explorer.analysis.summary import analyse

__all__ = [
    "AUTO",
    "OPTIMIZER_STATE",
    "Analysis",
    "Device",
    "Field",
    "Head",
    "Layer",
    "Precision",
    "Term",
    "Totals",
    "Warned",
    "Window",
    "analyse",
]
