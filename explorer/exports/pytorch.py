"""PyTorch source of a network, which imports only torch and contains only code that the network uses.

``class Net`` takes the number of classes (by default that of the spec) and has the tensor names of
:func:`explorer.families.building.build`, so both can load the same weights. The source is in English and formatted by
ruff's defaults (88 columns). Each family has a template (``source.py.jinja``) and the function of its values
(``context`` in ``source.py``) in its folder.
"""

from pathlib import Path
from typing import NamedTuple

import jinja2

from explorer import families
from explorer.analysis import Analysis, analyse
from explorer.families import PRESETS, Spec
from explorer.families.recognition.layers import Shape
from explorer.families.registry import required_part

templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader([Path(__file__).parent, *families.__path__]),
    undefined=jinja2.StrictUndefined,
    autoescape=jinja2.select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Prepared(NamedTuple):
    """A network for the templates.

    Attributes:
        title: Name of the network.
        spec: Spec of a family that has a template.
        analysis: Numbers of the network.
        maps: Shape of the last output of each top-level module.
    """

    title: str
    spec: Spec
    analysis: Analysis
    maps: dict[str, Shape]


def prepared(spec: Spec) -> Prepared:
    """Returns what the templates of a network need.

    Raises:
        SpecError: If only torchvision can build the network.
    """
    title, family = _title(spec), required_part(spec.family, "source")
    if (twin := getattr(family, "twin", None)) is not None:
        spec = twin(spec)
    analysis = analyse(spec)
    maps = {layer.name.split(".")[0]: layer.output_shape for layer in analysis.layers}
    return Prepared(title, spec, analysis, maps)


def source(spec: Spec) -> str:
    """Returns the network of a spec as one Python file.

    Raises:
        SpecError: If only torchvision can build the network.
    """
    network = prepared(spec)
    context = required_part(network.spec.family, "source").context(network.spec, network.maps)
    return templates.get_template(f"{network.spec.family}/source.py.jinja").render(
        title=network.title, spec=network.spec, totals=network.analysis.totals, **context
    )


def _title(spec: Spec) -> str:
    if spec.own_name is not None:
        library, _colon, name = spec.own_name.partition(":")
        return f"{name}, tensor for tensor as in {library}"
    for preset in PRESETS.values():
        if preset.spec == spec:
            return f"{preset.title} ({preset.source})"
    return f"A network of the {spec.family} family"
