"""PyTorch source of a network, which imports only torch and contains only code that the network uses.

``class Net`` takes the number of classes (by default that of the spec) and has the tensor names of
:func:`explorer.families.building.build`, so both can load the same weights. The source is in English and formatted by
ruff's defaults (88 columns). Each family has a template (``source.py.jinja``) and the function of its values
(``context`` in ``source.py``) in its folder.
"""

from pathlib import Path

import jinja2

from explorer import families
from explorer.analysis import analyse
from explorer.families import PRESETS, Spec
from explorer.families.registry import required_part

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader([Path(__file__).parent, *families.__path__]),
    undefined=jinja2.StrictUndefined,
    autoescape=jinja2.select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def source(spec: Spec) -> str:
    """Returns the network of a spec as one Python file.

    Raises:
        SpecError: If only torchvision can build the network.
    """
    title, family = _title(spec), required_part(spec.family, "source")
    if (twin := getattr(family, "twin", None)) is not None:
        spec = twin(spec)
        family = required_part(spec.family, "source")
    analysis = analyse(spec)
    maps = {
        layer.name.split(".")[0]: layer.output_shape for layer in analysis.layers
    }  # of the last layer in each module
    return _templates.get_template(f"{spec.family}/source.py.jinja").render(
        title=title,
        spec=spec,
        totals=analysis.totals,
        **family.context(spec, maps),
    )


def _title(spec: Spec) -> str:
    if spec.own_name is not None:
        library, _colon, name = spec.own_name.partition(":")
        return f"{name}, tensor for tensor as in {library}"
    for preset in PRESETS.values():
        if preset.spec == spec:
            return f"{preset.title} ({preset.source})"
    return f"A network of the {spec.family} family"
