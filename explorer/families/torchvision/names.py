"""Names of torchvision's classification models, without importing torchvision, which takes seconds."""

import re
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from explorer.errors import SpecError, shown
from explorer.families.torchvision.spec import PREFIX, ZooSpec
from explorer.i18n import _

_BUILDER = re.compile(r'^@register_model\((?:name="(?P<name>\w+)")?\)\n(?:@.*\n)*def (?P<function>\w+)\(', re.MULTILINE)


@cache
def names() -> tuple[str, ...]:
    """Names of all classification models that the installed torchvision builds, sorted."""
    spec = find_spec("torchvision")
    folders = spec.submodule_search_locations or () if spec else ()
    code = [path.read_text("utf-8") for folder in folders for path in Path(folder, "models").glob("*.py")]
    found = {match["name"] or match["function"] for text in code for match in _BUILDER.finditer(text)}
    if found:
        return tuple(sorted(found))
    models = import_module("torchvision.models")  # another version, or installed in another form
    return tuple(models.list_models(module=models))


def check(spec: ZooSpec) -> None:
    """Checks the name of a model.

    Raises:
        SpecError: If torchvision has no such model.
    """
    if spec.name not in names():
        # cutoff=0: if no name is close, any three names still show the pattern.
        close = get_close_matches(spec.name, names(), n=3, cutoff=0.0)
        raise SpecError(
            _("name: torchvision has no classification model {name}; close names: {close}").format(
                name=shown(spec.name), close=", ".join(close)
            )
        )


def own_names() -> dict[str, str]:
    """Titles of all models in lists, by ``torchvision:NAME``."""
    return {PREFIX + name: f"torchvision · {name}" for name in names()}
