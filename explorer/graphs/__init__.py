"""Networks from ONNX files as lists of operators with shapes, without weights and without torch.

A file is read in a process of its own, with limits (:mod:`explorer.graphs.reader`). Nothing in it is executed.
"""

from explorer.graphs.graph import Constant, Graph, Node
from explorer.graphs.reading import MAX_FILE, SUFFIX, read

__all__ = ["MAX_FILE", "SUFFIX", "Constant", "Graph", "Node", "read"]
