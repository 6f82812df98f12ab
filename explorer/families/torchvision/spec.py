"""The ``torchvision`` family: any classification model that torchvision builds, by its name."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from explorer.errors import SpecError, shown
from explorer.i18n import _
from explorer.specs.activation import ActivationName
from explorer.specs.base import Hidden, Preset, Spec

PREFIX = "torchvision:"

# Side in pixels of the images that torchvision's first weights of a model were evaluated on, if not 224.
NATIVE_SIZES = {
    "efficientnet_b1": 240,
    "efficientnet_b2": 288,
    "efficientnet_b3": 300,
    "efficientnet_b4": 380,
    "efficientnet_b5": 456,
    "efficientnet_b6": 528,
    "efficientnet_b7": 600,
    "efficientnet_v2_s": 384,
    "efficientnet_v2_m": 480,
    "efficientnet_v2_l": 480,
    "inception_v3": 299,
    "swin_v2_t": 256,
    "swin_v2_s": 256,
    "swin_v2_b": 256,
}

# Beginnings of the names of models whose code calls ReLU as a function: there is no module to replace.
FIXED_ACTIVATION = ("densenet", "googlenet", "inception")


class ZooSpec(Spec):
    """A model of ``torchvision.models``; the builder checks its name, because it imports torchvision.

    ``head`` is the end of the network: ``own`` is torchvision's head; ``last`` replaces its last layer by linear
    layers, as most people do for their own classes; ``pooled`` replaces everything after the mean of the last map.
    ``classifier`` lists the widths of the hidden linear layers; a ReLU follows each. ``activation`` other than ``own``
    replaces the activation functions after layers, also that ReLU, but no gates.
    """

    title: ClassVar[str] = "torchvision"
    position: ClassVar[int] = 1000
    any_channels: ClassVar[bool] = False

    family: Literal["torchvision"] = "torchvision"
    name: Annotated[str, Field(min_length=1, max_length=60)]
    head: Literal["own", "last", "pooled"] = "own"
    classifier: Annotated[tuple[Hidden, ...], Field(max_length=16, fail_fast=True)] = ()
    activation: Literal["own", ActivationName] = "own"

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        if not name.startswith(PREFIX):
            return None
        return cls.parse({"family": "torchvision", "name": name.removeprefix(PREFIX)})

    @property
    def own_name(self) -> str:
        return PREFIX + self.name

    @property
    def takes_activation(self) -> bool:
        """Whether the activation functions of the model can be replaced."""
        return not self.name.startswith(FIXED_ACTIVATION)

    @property
    def tensorflow_inputs(self) -> bool:
        return self.name == "inception_v3"

    @model_validator(mode="before")
    @classmethod
    def _native_size(cls, data: Any) -> Any:
        if isinstance(data, dict) and "image_size" not in data:
            return {**data, "image_size": NATIVE_SIZES.get(str(data.get("name")), 224)}
        return data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.name.isidentifier():
            raise SpecError(_("name: {value} is not the name of a torchvision model").format(value=shown(self.name)))
        if self.in_channels != 3:
            raise SpecError(
                _("in_channels: torchvision's models take 3 channels, not {value}").format(value=self.in_channels)
            )
        if self.classifier and self.head == "own":
            raise SpecError(
                _("classifier: torchvision's own head has no hidden layers to set; with them, head is last or pooled")
            )
        if self.activation != "own" and not self.takes_activation:
            raise SpecError(
                _(
                    "activation: torchvision's code of {name} calls ReLU as a function; there is no layer to replace, "
                    "so only own is possible. The presets of DenseNet and GoogLeNet take any activation"
                ).format(name=self.name)
            )
        return self


PRESETS: tuple[Preset, ...] = ()
