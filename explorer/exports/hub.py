"""Trained weights as a folder that is ready for the Hugging Face Hub, in one zip file.

The folder holds the weights as safetensors, a model card with its metadata, ``config.json``, the network's source, and
an example that needs torch, safetensors and Pillow, but not this product.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import jinja2
from safetensors.torch import save

from explorer import __version__
from explorer.analysis import analyse
from explorer.errors import InputError, SpecError
from explorer.exports.pytorch import source, templates
from explorer.families import Spec
from explorer.families.registry import part
from explorer.i18n import _
from explorer.weights.files import Card, read

LICENSES = ("mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "gpl-3.0")
MEASURED = ("test/top1", "torchvision/top1", "validation/top1")  # accuracies on a card, the most reliable one first
DATE = (2020, 1, 1, 0, 0, 0)  # of the files, so that the same weights give the same zip file
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    undefined=jinja2.StrictUndefined,
    autoescape=jinja2.select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)  # every JSON value is YAML too


def hub_folder(path: Path) -> bytes:
    """Returns a zip file with ``README.md``, ``config.json``, ``model.safetensors``, ``net.py`` and ``example.py``.

    Args:
        path: Path of the weights.

    Raises:
        InputError: If the weights can't be read, or no source without this product builds their network.
    """
    tensors, card = read(path)
    spec = card.network_spec
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    return _zipped(
        {
            "README.md": _model_card(card).encode(),
            "config.json": (json.dumps(_config(card), ensure_ascii=False, indent=2) + "\n").encode(),
            "model.safetensors": save(contiguous, metadata={"format": "pt"}),
            "net.py": _source(spec).encode(),
            "example.py": _templates.get_template("hub_example.py.jinja").render().encode(),
        }
    )


def _source(spec: Spec) -> str:
    try:
        return source(spec)
    except SpecError as error:
        library = part(spec.family, "library_source")
        context = None if library is None else library.context(spec)
        if context is None:
            raise InputError(
                _("hub: no source without this product builds this network; export it as onnx or pt2")
            ) from error
        return templates.get_template(f"{spec.family}/library_source.py.jinja").render(spec=spec, **context)


def _config(card: Card) -> dict[str, Any]:
    spec = card.network_spec
    names = dict(enumerate(card.classes))
    return {
        "architectures": ["Net"],
        "model_type": spec.family,
        "num_channels": spec.in_channels,
        "image_size": spec.image_size if isinstance(spec.image_size, int) else list(spec.image_size),
        "num_labels": spec.num_classes,
        "id2label": {str(index): name for index, name in names.items()},
        "label2id": {name: index for index, name in names.items()},
        "preprocessing": card.inputs.to_dict(),
        "spec": spec.to_dict(),
        "made_by": f"CNN Architecture Explorer {__version__}",
    }


def _model_card(card: Card) -> str:
    accuracy = next(
        ((key.partition("/")[0], value) for key in MEASURED if isinstance(value := card.metrics.get(key), int | float)),
        None,
    )
    terms = card.license.lower() if card.license else None
    return _templates.get_template("hub_card.md.jinja").render(
        card=card,
        name=" ".join(card.name.split()) or "network",
        spec=card.network_spec,
        inputs=card.inputs,
        totals=analyse(card.network_spec).totals,
        data=card.data.get("name") or "",
        accuracy=accuracy,
        terms=terms if terms in LICENSES else ("other" if terms else None),
        own_terms=card.license if terms and terms not in LICENSES else None,
        recipe=json.dumps(card.recipe, ensure_ascii=False, indent=1) if card.recipe else "",
    )


def _zipped(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in parts.items():
            # Weights hardly shrink, so they are stored as they are.
            kind = zipfile.ZIP_STORED if name.endswith(".safetensors") else zipfile.ZIP_DEFLATED
            file.writestr(zipfile.ZipInfo(name, DATE), data, kind)
    return content.getvalue()
