"""PyTorch source that needs torch alone and reads as if written for this one network.

``class Net`` takes the number of classes (by default the spec's) and has the tensor names of
:func:`explorer.models.build`, so that weights go from one to the other. What a spec does not use is not in its
source. The text is English, as code is, and keeps to the default settings of ruff (88 columns).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from explorer.analysis import Analysis, analyse
from explorer.exports.pytorch import googlenet, resnet, vgg, zoo
from explorer.specs import PRESETS, Spec, ZooSpec

FAMILIES: dict[str, Callable[[Any, Analysis], dict[str, Any]]] = {
    "vgg": vgg.context,
    "resnet": resnet.context,
    "googlenet": googlenet.context,
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def source(spec: Spec) -> str:
    """The network of a spec as one Python file.

    Raises:
        SpecError: where only torchvision can build the network.
    """
    title = zoo.title(spec) if isinstance(spec, ZooSpec) else _title(spec)
    if isinstance(spec, ZooSpec):
        spec = zoo.twin(spec)
    analysis = analyse(spec)
    return _templates.get_template(f"{spec.family}.py.jinja").render(
        title=title, spec=spec, totals=analysis.totals, **FAMILIES[spec.family](spec, analysis)
    )


def _title(spec: Spec) -> str:
    for preset in PRESETS.values():
        if preset.spec == spec:
            return f"{preset.title} ({preset.source})"
    return f"A network of the {spec.family} family"
