"""The network as one Keras source file, whose layers take the weights of the PyTorch network.

It computes the same as the PyTorch network from the same weights: ``load_torch`` in the file copies them. Each family
has a template (``keras_source.py.jinja``) in its folder. The source is in English and formatted by ruff's defaults.
"""

import jinja2

from explorer.exports.pytorch import prepared, templates
from explorer.families import Spec
from explorer.families.registry import part, required_part

# Arguments of keras.layers.Activation. Keras' own leaky ReLU has another slope than PyTorch's.
_ACTIVATIONS = {
    "relu": 'Activation("relu")',
    "leaky_relu": "LeakyReLU(0.01)",
    "elu": 'Activation("elu")',
    "gelu": 'Activation("gelu")',
    "silu": 'Activation("silu")',
    "tanh": 'Activation("tanh")',
    "sigmoid": 'Activation("sigmoid")',
}


def keras_source(spec: Spec) -> str:
    """Returns the network of a spec as one Python file for Keras 3.

    Auxiliary heads, which run only in training, are left out.

    Raises:
        SpecError: If only torchvision can build the network.
    """
    network = prepared(spec)
    module = part(network.spec.family, "keras_source") or required_part(network.spec.family, "source")
    values = {
        "title": network.title,
        "spec": network.spec,
        "totals": network.analysis.totals,
        "activation": _ACTIVATIONS[getattr(network.spec, "activation", "relu")],
        **module.context(network.spec, network.maps),
    }
    body = templates.get_template(f"{network.spec.family}/keras_source.py.jinja").render(values)
    return _template().render(values, body=body.rstrip("\n"))


def _template() -> jinja2.Template:
    return templates.get_template("keras_net.py.jinja")
