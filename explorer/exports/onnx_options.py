"""The options of an ONNX export."""

from dataclasses import asdict, dataclass
from typing import Any

from explorer.errors import InputError
from explorer.i18n import _

OPSET = 18  # the version that PyTorch's exporter writes itself
MIN_OPSET, MAX_OPSET = 12, 22


@dataclass(frozen=True, slots=True)
class OnnxOptions:
    """The options of an ONNX export.

    Attributes:
        fold: Whether batch norm is folded into the weights and biases of the layers before it. The model is then
            smaller and faster, but can't be trained further.
        half: Whether weights and maps are in float16. Images and scores stay in float32.
        opset: Version of ONNX's operators.
    """

    fold: bool = False
    half: bool = False
    opset: int = OPSET

    def to_dict(self) -> dict[str, Any]:
        """Returns the options as keyword arguments."""
        return asdict(self)

    def check(self) -> None:
        """Checks the version of the operators.

        Raises:
            InputError: If it is out of its limits.
        """
        if not MIN_OPSET <= self.opset <= MAX_OPSET:
            raise InputError(
                _("opset: {value} is not from {least} to {most}").format(
                    value=self.opset, least=MIN_OPSET, most=MAX_OPSET
                )
            )


NO_OPTIONS = OnnxOptions()
