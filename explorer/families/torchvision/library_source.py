"""Values for the template of source that needs torchvision, for models that torch alone can't build."""

from typing import Any

from explorer.families.torchvision.network import POSITION_BIAS, REPLACEABLE
from explorer.families.torchvision.spec import ZooSpec
from explorer.specs.activation import activation_of


def context(spec: ZooSpec) -> dict[str, Any] | None:
    """Values of the template; None for a head that torchvision does not have."""
    if spec.head != "own":
        return None
    return {
        "activation": None if spec.activation == "own" else activation_of(spec),
        "replaced": [f"nn.{kind.__name__}" for kind in REPLACEABLE],
        "kept": POSITION_BIAS,
    }
