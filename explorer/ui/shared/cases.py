"""Cases: comparisons of two networks that each answer one question."""

from typing import NamedTuple

from explorer.families.registry import PRESETS
from explorer.i18n import _
from explorer.specs.base import Spec


class CaseNetwork(NamedTuple):
    """A network of a case.

    Attributes:
        title: Title in the case.
        base: Name of the preset that it was made from.
        spec: The network.
    """

    title: str
    base: str
    spec: Spec


class Case(NamedTuple):
    """A comparison that opens with one click.

    Attributes:
        name: Name of the case.
        title: Title on the page.
        explanation: Sentences about the differences.
        networks: The networks.
    """

    name: str
    title: str
    explanation: str
    networks: tuple[CaseNetwork, ...]


def _small(*before: int | str, pool: str = "M:3/2p1") -> Spec:
    """Return a small network. From the first pool on, all of them are the same."""
    after = (128, "M", 256, "M", 512, "M")
    return PRESETS["vgg11"].spec.changed(cfg=[*before, pool, *after], pool_to=1, classifier=[], dropout=0.0)


# Three 3x3 and one 7x7 have the same receptive field. The last 3x3 has the stride, so that the rest is the same.
STEM_7 = _small("64:7/2")
STEM_3 = _small(64, 64, "64:3/2")
# Within the network, from 128 to 128 channels: 49 C² weights against 27 C² (Simonyan and Zisserman 2015, section 2.3).
INSIDE_7 = _small("64:7/2", "M", "128:1", "128:7", pool="M")
INSIDE_3 = _small("64:7/2", "M", "128:1", 128, 128, 128, pool="M")
VGG16_POOLED = PRESETS["vgg16"].spec.changed(pool_to=1, classifier=[])


def cases() -> tuple[Case, ...]:
    """Return all cases, in the language of the session. The page shows the first one by default."""
    return (
        Case(
            "stem",
            _("7×7 stem against three 3×3"),
            _(
                "The convolutions of both stems see 7 pixels, and the stack has three ReLUs for one. But on the 3 "
                "channels of an image it costs more, not less: its second and third layer work on 64."
            ),
            (CaseNetwork(_("7×7 stem"), "vgg11", STEM_7), CaseNetwork(_("Three 3×3 stem"), "vgg11", STEM_3)),
        ),
        Case(
            "seven-inside",
            _("7×7 inside against three 3×3"),
            _(
                "Between 128 channels each, one 7×7 has 49·128² weights and three 3×3 have 27·128²: the same "
                "receptive field for 45% fewer weights in these layers."
            ),
            (CaseNetwork(_("7×7 inside"), "vgg11", INSIDE_7), CaseNetwork(_("Three 3×3 inside"), "vgg11", INSIDE_3)),
        ),
        Case(
            "residual",
            _("Plain against residual"),
            _(
                "The shortcuts add no layer of depth and, but for three projections, no weight: it is not capacity "
                "that lets the residual network train."
            ),
            _presets("plain34", "resnet34"),
        ),
        Case(
            "bottleneck",
            _("Basic against bottleneck"),
            _(
                "1×1 convolutions squeeze and widen around one 3×3: half as deep again and four times the channels "
                "between blocks, for 12% more MACs."
            ),
            _presets("resnet34", "resnet50"),
        ),
        Case(
            "inception",
            _("Naive against reduced Inception"),
            _(
                "Naive modules pass all their input channels on, so the maps grow with every module; 1×1 convolutions "
                "before the 3×3 and 5×5 keep both channels and MACs small."
            ),
            _presets("googlenet-naive", "googlenet"),
        ),
        Case(
            "batch-norm",
            _("Without and with batch norm"),
            _(
                "Two numbers a channel: next to no parameters and no MACs, but a second map to keep for every "
                "convolution. Look at the memory."
            ),
            _presets("vgg16", "vgg16-bn"),
        ),
        Case(
            "head",
            _("FC head against global pooling"),
            _("Nearly 90% of VGG-16's parameters sit in its head, and hardly any of its MACs."),
            (
                *_presets("vgg16"),
                CaseNetwork(_("VGG-16, global pooling"), "vgg16", VGG16_POOLED),
            ),
        ),
        Case(
            "vgg-googlenet",
            _("VGG-16 against GoogLeNet"),
            _(
                "GoogLeNet is deeper, at a twentieth of the parameters and a tenth of the MACs: 1×1 convolutions and "
                "no FC head."
            ),
            _presets("vgg16", "googlenet"),
        ),
    )


def _presets(*names: str) -> tuple[CaseNetwork, ...]:
    return tuple(CaseNetwork(PRESETS[name].title, name, PRESETS[name].spec) for name in names)
