"""Glossary entries about numbers of a network."""

from explorer.i18n import _
from explorer.specs.glossary_entry import GlossaryEntry


def numbers() -> dict[str, GlossaryEntry]:
    """Return the terms."""
    distill = "Araujo et al. 2019"
    return {
        "parameter": GlossaryEntry(_("Parameter"), _("A number that training changes: a weight or a bias.")),
        "macs": GlossaryEntry(
            _("MACs"),
            _("Multiply-accumulates of convolutions, linear layers and matrix products for one image, bias left out."),
            "He et al. 2016, Table 1, where they are called FLOPs",
        ),
        "flops": GlossaryEntry(
            _("FLOPs"),
            _("Two for each MAC, and those of biases, normalisation, activations and pooling, each term listed."),
            "Molchanov et al. 2017, appendix A.1",
        ),
        "arithmetic-intensity": GlossaryEntry(
            _("Arithmetic intensity"),
            _(
                "MACs for each byte of weights, inputs and outputs that is read or written; layers with few wait for "
                "memory."
            ),
            "Williams, Waterman and Patterson 2009, Roofline, where it is called operational intensity",
        ),
        "mult-adds": GlossaryEntry(
            _("Mult-adds"),
            _("A library's own total, which counts biases and batch norm but no products of activations."),
            "torchinfo",
        ),
        "activation-memory": GlossaryEntry(
            _("Activation memory"), _("Bytes that the layers' outputs take, all together or at the peak.")
        ),
        "training-memory": GlossaryEntry(
            _("Training memory"),
            _("Weights, gradients, optimizer state and every map that the backward pass needs again, for a batch."),
            "Chen et al. 2016, section 3",
        ),
        "buffer": GlossaryEntry(
            _("Buffer"), _("Numbers that are saved but not trained, such as batch norm's running means and variances.")
        ),
        "receptive-field": GlossaryEntry(
            _("Receptive field"), _("The pixels of the image that one unit depends on, along a side."), distill
        ),
        "effective-stride": GlossaryEntry(
            _("Effective stride"),
            _("By how many pixels of the image the fields of neighbouring units lie apart."),
            distill,
        ),
        "effective-padding": GlossaryEntry(
            _("Effective padding"),
            _("By how many pixels the first unit's field extends beyond the image's edge."),
            distill,
        ),
    }
