"""The experiments of lessons, by name: the sections that several pages share, and those of this folder.

Every file of the two folders with a ``SECTION`` is one. So an experiment is added by its file alone.
"""

import pkgutil
from functools import cache
from importlib import import_module

from explorer.ui.shared import sections
from explorer.ui.shared.sections.section import Section


@cache
def experiments() -> dict[str, Section]:
    """Return all experiments by name."""
    found = [
        import_module(f"{package}.{module.name}")
        for package, path in ((sections.__name__, sections.__path__), (__name__, __path__))
        for module in pkgutil.iter_modules(path)
    ]
    return {module.SECTION.name: module.SECTION for module in found if hasattr(module, "SECTION")}
