"""Terms of the families, and of what is counted."""

from explorer.i18n import _
from explorer.ui.glossary.entry import Entry


def families() -> dict[str, Entry]:
    """What VGG, ResNet and GoogLeNet are known for."""
    options = "He et al. 2016, section 4.1"
    return {
        "cfg": Entry(
            _("cfg list"),
            _("A network's convolutions and pools in order, written as numbers and letters."),
            "torchvision, models/vgg.py",
        ),
        "residual-block": Entry(
            _("Residual block"),
            _("A few layers whose result is added to their input, so that they only learn what to change."),
            "He et al. 2016, section 3.1",
        ),
        "shortcut": Entry(
            _("Shortcut"),
            _("The path that carries a block's input past its layers to the addition."),
            "He et al. 2016, section 3.2",
        ),
        "shortcut-a": Entry(
            _("Shortcut A"), _("The identity, with zeros for the channels that are missing: no parameters."), options
        ),
        "shortcut-b": Entry(
            _("Shortcut B"), _("A projection where shapes differ, the identity everywhere else."), options
        ),
        "shortcut-c": Entry(_("Shortcut C"), _("A projection at every block."), options),
        "projection": Entry(
            _("Projection"),
            _("A 1×1 convolution on the shortcut that gives the input the shape of what it is added to."),
            "He et al. 2016, equation 2",
        ),
        "basic-block": Entry(
            _("Basic block"), _("A residual block of two 3×3 convolutions."), "He et al. 2016, Figure 5, left"
        ),
        "bottleneck": Entry(
            _("Bottleneck"),
            _("A residual block that narrows by a 1×1, works in a 3×3 and widens fourfold by another 1×1."),
            "He et al. 2016, Figure 5, right",
        ),
        "stride-placement": Entry(
            _("Stride placement"),
            _("Which convolution of a bottleneck halves the map: the paper's first 1×1 or torchvision's 3×3."),
            "He et al. 2016, Table 1; torchvision, models/resnet.py",
        ),
        "plain": Entry(
            _("Plain network"),
            _("The same layers without shortcuts, to compare with; deep ones train worse."),
            "He et al. 2016, section 3.3",
        ),
        "degradation": Entry(
            _("Degradation"),
            _("Beyond some depth a plain network gets worse even on its training images, so it is no overfitting."),
            "He et al. 2016, section 1",
        ),
        "identity": Entry(
            _("Identity mapping"),
            _("Passes its input on unchanged: what a deeper network's extra layers would need to learn at least."),
            "He et al. 2016, section 3.1",
        ),
        "inception": Entry(
            _("Inception module"),
            _("Windows of 1×1, 3×3 and 5×5 and a pool side by side on one map, their outputs concatenated."),
            "Szegedy et al. 2015, Figure 2b",
        ),
        "reduction": Entry(
            _("Reduction"),
            _("A 1×1 convolution that narrows the map before a costly 3×3 or 5×5."),
            "Szegedy et al. 2015, section 4",
        ),
        "naive-module": Entry(
            _("Naive module"),
            _("An Inception module without reductions, whose cost grows with every further one."),
            "Szegedy et al. 2015, Figure 2a",
        ),
        "auxiliary-head": Entry(
            _("Auxiliary head"),
            _("A small classifier on a middle map that brings gradients there in training and is dropped afterwards."),
            "Szegedy et al. 2015, section 5",
        ),
    }


def numbers() -> dict[str, Entry]:
    """What is counted."""
    distill = "Araujo et al. 2019"
    return {
        "parameter": Entry(_("Parameter"), _("A number that training changes: a weight or a bias.")),
        "macs": Entry(
            _("MACs"),
            _("Multiply-accumulates of convolutions, linear layers and matrix products for one image, bias left out."),
            "He et al. 2016, Table 1, where they are called FLOPs",
        ),
        "flops": Entry(
            _("FLOPs"),
            _("Two for each MAC, and those of biases, normalisation, activations and pooling, each term listed."),
            "Molchanov et al. 2017, appendix A.1",
        ),
        "mult-adds": Entry(
            _("Mult-adds"),
            _("A library's own total, which counts biases and batch norm but no products of activations."),
            "torchinfo",
        ),
        "activation-memory": Entry(
            _("Activation memory"), _("Bytes that the layers' outputs take, all together or at most at once.")
        ),
        "training-memory": Entry(
            _("Training memory"),
            _("Weights, gradients, optimizer state and every map that the backward pass needs again, for a batch."),
            "Chen et al. 2016, section 3",
        ),
        "buffer": Entry(
            _("Buffer"), _("Numbers that are saved but not trained, such as batch norm's running means and variances.")
        ),
        "receptive-field": Entry(
            _("Receptive field"), _("The pixels of the image that one unit depends on, along a side."), distill
        ),
        "effective-stride": Entry(
            _("Effective stride"),
            _("By how many pixels of the image the fields of neighbouring units lie apart."),
            distill,
        ),
        "effective-padding": Entry(
            _("Effective padding"), _("By how many pixels the first unit's field hangs over the image's edge."), distill
        ),
    }
