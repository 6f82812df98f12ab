"""The analysis of networks: shapes, parameters, MACs, FLOPs, memory, receptive fields and warnings."""

from explorer.analysis.cost import Term
from explorer.analysis.devices import AUTO, Device
from explorer.analysis.memory import OPTIMIZER_STATE, Precision
from explorer.analysis.result import Analysis, Head, Layer, NetworkWarning, ReceptiveField, SpecAnalysis, Totals, Window
from explorer.analysis.summary import analyse

__all__ = [
    "AUTO",
    "OPTIMIZER_STATE",
    "Analysis",
    "Device",
    "Head",
    "Layer",
    "NetworkWarning",
    "Precision",
    "ReceptiveField",
    "SpecAnalysis",
    "Term",
    "Totals",
    "Window",
    "analyse",
]
