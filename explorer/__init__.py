"""CNN Architecture Explorer: edit a network, see its exact cost, train it, predict with it.

From Python, ``explorer.analyse(module)`` returns the numbers of any module that takes one image, and
``explorer.show(module)`` shows them with the diagram in a notebook (docs/python.md).
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.analysis.modules import analyse_module as analyse
    from explorer.errors import InputError
    from explorer.notebook import show

# OpenMP's threads sleep while they wait for each other. By default they spin, which takes time from the threads for
# which they wait if other processes use the cores too (benchmarks/threads.py). torch reads this when it is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
__all__ = ["InputError", "__version__", "analyse", "show"]

_LAZY = {
    "InputError": ("explorer.errors", "InputError"),
    "analyse": ("explorer.analysis.modules", "analyse_module"),
    "show": ("explorer.notebook", "show"),
}


def __getattr__(name: str) -> Any:
    """Imports a name when it is used for the first time, because torch takes seconds to import."""
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)
