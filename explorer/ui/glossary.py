"""The terms of the field that the product shows: a sentence each, in our own words, and where it comes from."""

from functools import cache
from html import escape
from typing import NamedTuple

import streamlit as st

from explorer.i18n import _, language
from explorer.ui.text import plain


class Entry(NamedTuple):
    """A term and its sentence; an empty source says that none is needed."""

    name: str
    sentence: str
    source: str = ""


def explain(key: str, here: str = "") -> str:
    """A term's sentence with its source, as Markdown for ``help=``; first ``here``, what it means at this place."""
    return "\n\n".join(filter(None, [here, _line(entries()[key])]))


def _line(entry: Entry) -> str:
    source = f" :small[:gray[{plain(entry.source)}]]" if entry.source else ""
    return f"**{plain(entry.name)}** · {plain(entry.sentence)}{source}"


def term(key: str, words: str) -> str:
    """Words of a text as HTML that explains the term on hover and to screen readers, for ``st.html``."""
    entry = entries()[key]
    meaning = _("{sentence} ({source})").format(sentence=entry.sentence, source=entry.source)
    return f'<abbr title="{escape(meaning if entry.source else entry.sentence)}">{escape(words)}</abbr>'


def draw() -> None:
    """All terms in alphabetical order, with a search."""
    wanted = st.text_input(
        _("Search the glossary"), key="glossary-search", live=True, icon=":material/search:",
        placeholder=_("A term, a word or an author"),
    )  # fmt: skip
    found = [entry for entry in entries().values() if wanted.strip().casefold() in " ".join(entry).casefold()]
    if not found:
        st.info(_("No term, sentence or source has these words: try fewer or shorter ones."))
    with st.grid(2, min_column_width=320, gap="small", key="glossary"):
        for entry in sorted(found, key=lambda entry: entry.name.casefold()):
            st.markdown(_line(entry))


def entries() -> dict[str, Entry]:
    """All terms by key, in the session's language."""
    return _entries(language())


@cache
def _entries(_language: str) -> dict[str, Entry]:
    return {**_network(), **_layers(), **_families(), **_numbers(), **_training()}


def _network() -> dict[str, Entry]:
    return {
        "spec": Entry(
            _("Architecture spec"),
            _("A complete description of a network as data: equal specs build equal networks."),
        ),
        "preset": Entry(
            _("Preset"), _("A spec with a name, from a paper, a library or a course, to start an edit from.")
        ),
        "layer": Entry(
            _("Layer"), _("One operation with its own numbers: it takes maps or vectors and makes new ones.")
        ),
        "stage": Entry(
            _("Stage"), _("The layers that work on maps of one size, between two halvings."), "He et al. 2016, Table 1"
        ),
        "stem": Entry(
            _("Stem"),
            _("The first layers, which bring the image to the size and width that the repeated part begins with."),
            "Szegedy et al. 2017, Figure 3",
        ),
        "head": Entry(_("Head"), _("The last layers, which turn the final maps into one number for each class.")),
        "width": Entry(
            _("Width"),
            _("How many channels a layer makes; of a bottleneck, those of its 3×3."),
            "Zagoruyko and Komodakis 2016, section 2",
        ),
        "channel": Entry(
            _("Channel"), _("One of the maps that lie on top of each other, each looking for something of its own.")
        ),
        "feature-map": Entry(
            _("Feature map"),
            _("What one filter answers at every place of its input, laid out like the image."),
            "LeCun et al. 1998, section II.A",
        ),
        "unit": Entry(_("Unit"), _("One number of a feature map, computed from its own part of the image.")),
        "fully-convolutional": Entry(
            _("Fully convolutional"),
            _("A network whose linear layers are rewritten as convolutions, so that it slides over any larger image."),
            "Simonyan and Zisserman 2015, section 3.2; Long et al. 2015",
        ),
        "logits": Entry(
            _("Logits"), _("The last layer's numbers, one for each class, before softmax makes probabilities of them.")
        ),
        "softmax": Entry(
            _("Softmax"),
            _("Turns logits into positive numbers that add up to one, the larger the logit, the larger the share."),
            "Bridle 1990",
        ),
        "top-k": Entry(
            _("Top-k"),
            _("The share of images whose true class is among the k that the network finds most likely."),
            "Russakovsky et al. 2015, section 4",
        ),
    }


def _layers() -> dict[str, Entry]:
    guide = "Dumoulin and Visin 2016, section 2"
    return {
        "convolution": Entry(
            _("Convolution"),
            _("The same small filter at every place of a map: a weighted sum over a window and all channels."),
            "LeCun et al. 1998, section II.A",
        ),
        "kernel": Entry(_("Kernel"), _("The window that a convolution or pool slides over the map, in cells."), guide),
        "stride": Entry(_("Stride"), _("By how many cells the window moves from one output to the next."), guide),
        "padding": Entry(
            _("Padding"), _("Rows and columns of zeros put around a map before the window slides."), guide
        ),
        "dilation": Entry(
            _("Dilation"),
            _("How far the cells that a kernel reads lie apart: 2 leaves out every other one."),
            "Yu and Koltun 2016",
        ),
        "groups": Entry(
            _("Groups"),
            _("A convolution in parts that see only their own share of the channels."),
            "Krizhevsky et al. 2012, section 3.5",
        ),
        "1x1": Entry(
            _("1×1 convolution"),
            _("Mixes the channels at each place and looks at no neighbour; it makes maps narrower or wider cheaply."),
            "Lin et al. 2014, section 3.1",
        ),
        "pooling": Entry(
            _("Pooling"),
            _("Keeps the largest or the mean value of each window, so that the map shrinks and shifts matter less."),
            "Krizhevsky et al. 2012, section 3.4",
        ),
        "global-average-pooling": Entry(
            _("Global average pooling"),
            _("Reduces each channel to its mean, which replaces large linear layers."),
            "Lin et al. 2014, section 3.2",
        ),
        "adaptive-pool": Entry(
            _("Adaptive pool"),
            _("A pool that is told the size of its output and chooses its windows to fit whatever map arrives."),
            "PyTorch, nn.AdaptiveAvgPool2d",
        ),
        "ceil-mode": Entry(
            _("Ceil mode"),
            _("Rounds the output's size up, so that a last window that hangs over the edge still counts."),
            "PyTorch, nn.MaxPool2d",
        ),
        "batch-norm": Entry(
            _("Batch norm"),
            _("Shifts and scales each channel to mean 0 and variance 1 over a batch, then by two learned numbers."),
            "Ioffe and Szegedy 2015, section 3",
        ),
        "lrn": Entry(
            _("Local response normalisation (LRN)"),
            _("Divides each value by the strength of the neighbouring channels at the same place."),
            "Krizhevsky et al. 2012, section 3.3",
        ),
        "relu": Entry(
            _("ReLU"), _("Keeps positive values and makes negative ones zero."), "Nair and Hinton 2010, section 2"
        ),
        "dropout": Entry(
            _("Dropout"),
            _("Leaves out units at random, with this probability, in training only, so that none relies on another."),
            "Srivastava et al. 2014, section 1",
        ),
        "linear": Entry(
            _("Linear layer"),
            _("Every output is a weighted sum of all inputs; also called fully connected or dense."),
        ),
        "flatten": Entry(_("Flatten"), _("Writes a stack of maps as one vector, which a linear layer can read.")),
        "concatenation": Entry(
            _("Concatenation"),
            _("Puts the maps of several branches on top of each other."),
            "Szegedy et al. 2015, section 4",
        ),
    }


def _families() -> dict[str, Entry]:
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


def _numbers() -> dict[str, Entry]:
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


def _training() -> dict[str, Entry]:
    return {
        "batch": Entry(_("Batch"), _("The images that pass through the network together before the weights change.")),
        "epoch": Entry(_("Epoch"), _("One pass over all training images.")),
        "gradient": Entry(
            _("Gradient"),
            _("For each parameter, how much the loss changes with it; as many numbers as parameters."),
            "Rumelhart et al. 1986",
        ),
        "optimizer": Entry(
            _("Optimizer"),
            _("The rule by which gradients change the weights: plain SGD, SGD with momentum, Adam."),
            "Sutskever et al. 2013; Kingma and Ba 2015",
        ),
        "optimizer-state": Entry(
            _("Optimizer state"),
            _("What an optimizer remembers of each parameter: nothing for SGD, one number for momentum, two for Adam."),
            "Kingma and Ba 2015, algorithm 1",
        ),
        "mixed-precision": Entry(
            _("Mixed precision"),
            _("Maps and products in 16 bits while a copy of the weights stays in 32."),
            "Micikevicius et al. 2018, section 3",
        ),
        "learning-rate": Entry(
            _("Learning rate"),
            _("How far a step follows the gradient; the highest of the run, which schedule and warm-up go below."),
            "Goodfellow et al. 2016, section 8.3",
        ),
        "momentum": Entry(
            _("Momentum"),
            _("How much of the steps before goes on in the next; for Adam the decay of its mean gradient, beta 1."),
            "Sutskever et al. 2013, section 2",
        ),
        "weight-decay": Entry(
            _("Weight decay"),
            _("Pulls every weight towards zero in each step; AdamW does so apart from the gradient."),
            "Loshchilov and Hutter 2019",
        ),
        "schedule": Entry(
            _("Learning-rate schedule"),
            _("How the learning rate changes over the run: most fall, so that the end settles."),
            "Smith and Topin 2018; Loshchilov and Hutter 2017",
        ),
        "warm-up": Entry(
            _("Warm-up"),
            _("The rate's way up at the start of a run, without which large rates may diverge."),
            "Goyal et al. 2017, section 2.2",
        ),
        "augmentation": Entry(
            _("Augmentation"),
            _("Random changes of the training images that leave their class as it is, new in every epoch."),
            "Krizhevsky et al. 2012, section 4.1",
        ),
        "validation": Entry(
            _("Validation images"),
            _("Images that the network does not learn from and that choose the epoch to keep; the test stays unseen."),
            "Goodfellow et al. 2016, section 5.3",
        ),
        "label-smoothing": Entry(
            _("Label smoothing"),
            _("Takes a little of the target from the true class and shares it among all, against overconfidence."),
            "Szegedy et al. 2016, section 7",
        ),
        "clipping": Entry(
            _("Gradient clipping"),
            _("Shortens a gradient whose L2 norm is above a limit, against explosion."),
            "Pascanu et al. 2013, section 3.2",
        ),
        "ema": Entry(
            _("Weight average"),
            _("A running average of the weights, with this decay, that is evaluated and kept in their place."),
            "Polyak and Juditsky 1992",
        ),
        "transfer-learning": Entry(
            _("Transfer learning"),
            _("Starting from weights trained on other data, often with the first layers frozen."),
            "Yosinski et al. 2014",
        ),
        "initialisation": Entry(
            _("Initialisation"),
            _("The random weights at the start; He's keep the scale of the maps through layers with ReLU."),
            "He et al. 2015, section 2.2",
        ),
    }
