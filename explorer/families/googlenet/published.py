"""Published figures about networks of the ``googlenet`` family."""

from collections.abc import Iterator

from explorer.families.claims import Claim, Metric, has_same_figures
from explorer.families.googlenet.spec import GoogLeNetSpec
from explorer.families.registry import PRESETS
from explorer.i18n import _

GOOGLENET = "Szegedy et al. 2015, Table 1"
GOOGLENET_SECTION = "Szegedy et al. 2015, section 5"
NOTES = "GoogLeNet notes"
NOTES_CODE = "GoogLeNet notes, code"
GOOGLENET_TABLE_1 = {
    "conv1": ("2.7K", "34M"),
    "conv2 with reduce": ("112K", "360M"),
    "3a": ("159K", "128M"),
    "3b": ("380K", "304M"),
    "4a": ("364K", "73M"),
    "4b": ("437K", "88M"),
    "4c": ("463K", "100M"),
    "4d": ("580K", "119M"),
    "4e": ("840K", "170M"),
    "5a": ("1072K", "54M"),
    "5b": ("1388K", "71M"),
    "linear": ("1000K", "1M"),
}
# Input channels of each auxiliary head, by the module that it follows.
GOOGLENET_HEADS = {"4a": "512", "4d": "528"}
GOOGLENET_LAYERS = {"conv1": ("conv1",), "conv2 with reduce": ("conv2", "conv3"), "linear": ("fc",)}
# num_params and _ops (G) of torchvision's models with the same tensors.
TORCHVISION = {
    "googlenet": ("6,624,904", "1.498 G"),
}


def claims(spec: GoogLeNetSpec) -> Iterator[Claim]:
    """Figures of the paper and of the notes about this network."""
    if has_same_figures(spec, PRESETS["googlenet"].spec):
        for row, (weights, operations) in GOOGLENET_TABLE_1.items():
            layers = GOOGLENET_LAYERS.get(row, (f"inception{row}",))
            yield Claim(GOOGLENET, Metric.WEIGHTS, weights, row, layers, why=_why_row(row))
            yield Claim(GOOGLENET, Metric.MACS, operations, row, layers, why=_why_row(row))
        yield Claim(
            NOTES,
            Metric.PARAMS,
            "5M",
            why=_(
                "The paper says 12 times fewer parameters than AlexNet's 60 M. The rows of its Table 1 add up to 7 M: "
                "6,998,552 weights and biases, auxiliary heads apart."
            ),
        )
        yield from _heads(spec)
        yield Claim(GOOGLENET_SECTION, Metric.GAIN, "0.6%", _("average pooling in place of fully connected layers"))
    if any(has_same_figures(spec, PRESETS[name].spec) for name in ("googlenet", "googlenet-naive")):
        naive, reduced = _("naive module on 28×28×256"), _("the same, reduced")
        twice = _("The sum that is often quoted takes the 3×3 convolution, 86.7 M, twice.")
        yield Claim(NOTES, Metric.MACS, "854M", naive, example=_worked_module(reduce=False))
        yield Claim(NOTES, Metric.MACS, "358M", reduced, example=_worked_module(reduce=True), why=twice)


def _heads(spec: GoogLeNetSpec) -> Iterator[Claim]:
    """The paper's figures about its auxiliary heads, layer by layer."""
    for number, module in enumerate(spec.aux_after, 1):
        if module not in GOOGLENET_HEADS:
            continue
        head = f"aux{number}"
        for layer, metric, figure, words in (
            ("pool", Metric.SIDE, "4", _("pool of the head after {module}")),
            ("pool", Metric.CHANNELS, GOOGLENET_HEADS[module], _("pool of the head after {module}")),
            ("conv.conv", Metric.CHANNELS, "128", _("1×1 of the head after {module}")),
            ("fc1", Metric.CHANNELS, "1024", _("hidden layer of the head after {module}")),
            ("fc2", Metric.CHANNELS, "1000", _("classes of the head after {module}")),
        ):
            yield Claim(GOOGLENET_SECTION, metric, figure, words.format(module=module), (f"{head}.{layer}",))
    if spec.aux_after:
        other = _("The paper drops 70% and the code of the notes 50%; this network has a field for it.")
        yield Claim(GOOGLENET_SECTION, Metric.HEADS_DROPOUT, "70%", why=other)
        yield Claim(NOTES_CODE, Metric.HEADS_DROPOUT, "50%", why=other)


def _why_row(row: str) -> str:
    return {
        "conv1": _("The paper's figures fit a separable 7×7, not the dense one that this row describes."),
        "4c": _("The row's operations fit its columns, its parameters don't: they are 7% too few."),
        "5a": _("Both figures nearly fit 48 instead of 32 channels in the 5×5 reduction, as in 5b."),
    }.get(row, _("The table is loose: a figure may be a few percent off what the row's own columns give."))


def _worked_module(*, reduce: bool) -> GoogLeNetSpec:
    """A module of 128, 192 and 96 channels on 28×28×256.

    The module before it has 256 output channels; the stem has 192.
    """
    before = ["before", 64, 96, 128, 16, 32, 32] if reduce else ["before", 32, 1, 16, 1, 16, 1]
    case = ["case", 128, 64, 192, 64, 96, 64]
    return GoogLeNetSpec.parse(
        {"family": "googlenet", "modules": [before, case], "stem": "cifar", "image_size": 28, "reduce": reduce}
    )
