"""Glossary entries about networks and their layers."""

from explorer.i18n import _
from explorer.specs.glossary_entry import GlossaryEntry


def network() -> dict[str, GlossaryEntry]:
    """Return the terms about the parts of a network."""
    return {
        "spec": GlossaryEntry(
            _("Architecture spec"),
            _("A complete description of a network as data: equal specs build equal networks."),
        ),
        "preset": GlossaryEntry(
            _("Preset"), _("A spec with a name, from a paper, a library or a course, to start an edit from.")
        ),
        "layer": GlossaryEntry(
            _("Layer"), _("One operation with its own numbers: it takes maps or vectors and makes new ones.")
        ),
        "stage": GlossaryEntry(
            _("Stage"), _("The layers that work on maps of one size, between two halvings."), "He et al. 2016, Table 1"
        ),
        "stem": GlossaryEntry(
            _("Stem"),
            _("The first layers, which bring the image to the size and width that the repeated part begins with."),
            "Szegedy et al. 2017, Figure 3",
        ),
        "head": GlossaryEntry(
            _("Head"), _("The last layers, which turn the final maps into one number for each class.")
        ),
        "width": GlossaryEntry(
            _("Width"),
            _("How many channels a layer makes; of a bottleneck, those of its 3×3."),
            "Zagoruyko and Komodakis 2016, section 2",
        ),
        "channel": GlossaryEntry(
            _("Channel"), _("One of the maps that lie on top of each other, each looking for something of its own.")
        ),
        "feature-map": GlossaryEntry(
            _("Feature map"),
            _("What one filter answers at every place of its input, laid out like the image."),
            "LeCun et al. 1998, section II.A",
        ),
        "unit": GlossaryEntry(_("Unit"), _("One number of a feature map, computed from its own part of the image.")),
        "fully-convolutional": GlossaryEntry(
            _("Fully convolutional"),
            _("A network whose linear layers are rewritten as convolutions, so that it slides over any larger image."),
            "Simonyan and Zisserman 2015, section 3.2; Long et al. 2015",
        ),
        "logits": GlossaryEntry(
            _("Logits"), _("The last layer's numbers, one for each class, before softmax makes probabilities of them.")
        ),
        "softmax": GlossaryEntry(
            _("Softmax"),
            _("Turns logits into positive numbers that add up to one, the larger the logit, the larger the share."),
            "Bridle 1990",
        ),
        "top-k": GlossaryEntry(
            _("Top-k"),
            _("The share of images whose true class is among the k that the network finds most likely."),
            "Russakovsky et al. 2015, section 4",
        ),
    }


def layers() -> dict[str, GlossaryEntry]:
    """Return the terms about layers."""
    guide = "Dumoulin and Visin 2016, section 2"
    return {
        "convolution": GlossaryEntry(
            _("Convolution"),
            _("The same small filter at every place of a map: a weighted sum over a window and all channels."),
            "LeCun et al. 1998, section II.A",
        ),
        "kernel": GlossaryEntry(
            _("Kernel"), _("The window that a convolution or pool slides over the map, in cells."), guide
        ),
        "stride": GlossaryEntry(
            _("Stride"), _("By how many cells the window moves from one output to the next."), guide
        ),
        "padding": GlossaryEntry(
            _("Padding"), _("Rows and columns of zeros put around a map before the window slides."), guide
        ),
        "dilation": GlossaryEntry(
            _("Dilation"),
            _("How far the cells that a kernel reads lie apart: 2 leaves out every other one."),
            "Yu and Koltun 2016",
        ),
        "groups": GlossaryEntry(
            _("Groups"),
            _("A convolution in parts that see only their own share of the channels."),
            "Krizhevsky et al. 2012, section 3.5",
        ),
        "1x1": GlossaryEntry(
            _("1×1 convolution"),
            _("Mixes the channels at each place and looks at no neighbour; it makes maps narrower or wider cheaply."),
            "Lin et al. 2014, section 3.1",
        ),
        "3x3": GlossaryEntry(
            _("3×3 convolution"),
            _("The smallest window with a left, right, top, bottom and centre; stacks of it replace larger ones."),
            "Simonyan and Zisserman 2015, section 2.3",
        ),
        "weight-sharing": GlossaryEntry(
            _("Weight sharing"),
            _("One small filter serves every place of a map, so that its size does not grow with the image."),
            "LeCun et al. 1998, section II.A",
        ),
        "local-connection": GlossaryEntry(
            _("Local connection"),
            _("Each output depends on a small window of the input only, unlike in a linear layer."),
            "LeCun et al. 1998, section II.A",
        ),
        "pooling": GlossaryEntry(
            _("Pooling"),
            _("Keeps the largest or the mean value of each window, so that the map shrinks and shifts matter less."),
            "Krizhevsky et al. 2012, section 3.4",
        ),
        "max-pooling": GlossaryEntry(
            _("Max pooling"),
            _("Keeps the largest value of each window: whether a feature is there at all, not exactly where."),
            "Krizhevsky et al. 2012, section 3.4",
        ),
        "average-pooling": GlossaryEntry(
            _("Average pooling"),
            _("Keeps the mean of each window, to which every value contributes, strong or weak."),
            "LeCun et al. 1998, section II.B",
        ),
        "global-average-pooling": GlossaryEntry(
            _("Global average pooling"),
            _("Reduces each channel to its mean, which replaces large linear layers."),
            "Lin et al. 2014, section 3.2",
        ),
        "adaptive-pool": GlossaryEntry(
            _("Adaptive pool"),
            _("A pool that is told the size of its output and chooses its windows to fit whatever map arrives."),
            "PyTorch, nn.AdaptiveAvgPool2d",
        ),
        "ceil-mode": GlossaryEntry(
            _("Ceil mode"),
            _("Rounds the output's size up, so that a last window that hangs over the edge still counts."),
            "PyTorch, nn.MaxPool2d",
        ),
        "batch-norm": GlossaryEntry(
            _("Batch norm"),
            _("Shifts and scales each channel to mean 0 and variance 1 over a batch, then by two learned numbers."),
            "Ioffe and Szegedy 2015, section 3",
        ),
        "lrn": GlossaryEntry(
            _("Local response normalisation (LRN)"),
            _("Divides each value by the strength of the neighbouring channels at the same place."),
            "Krizhevsky et al. 2012, section 3.3",
        ),
        "effective-field": GlossaryEntry(
            _("Effective receptive field"),
            _("The pixels that really move a unit: a Gaussian spot, and smaller than all that it can see."),
            "Luo et al. 2016, section 1",
        ),
        "relu": GlossaryEntry(
            _("ReLU"), _("Keeps positive values and makes negative ones zero."), "Nair and Hinton 2010, section 2"
        ),
        "activation": GlossaryEntry(
            _("Activation function"),
            _("The bend after a layer without which a stack of layers could do no more than one linear layer."),
            "Goodfellow et al. 2016, section 6.3",
        ),
        "sigmoid": GlossaryEntry(
            _("Sigmoid"),
            _("Squeezes any number into 0 to 1; its slope is at most 1/4, so gradients shrink at every layer."),
            "Glorot and Bengio 2010, section 3",
        ),
        "tanh": GlossaryEntry(
            _("Tanh"),
            _("Squeezes any number into -1 to 1, with 0 in the middle; its slope is 1 there and less everywhere else."),
            "LeCun et al. 1998, Efficient BackProp, section 4.4",
        ),
        "gelu": GlossaryEntry(
            _("GELU"),
            _("Multiplies a value by the probability that a standard normal number is smaller: a smooth ReLU."),
            "Hendrycks and Gimpel 2016, section 2",
        ),
        "silu": GlossaryEntry(
            _("SiLU (swish)"),
            _("Multiplies a value by its own sigmoid: a smooth ReLU that dips below zero for small negative values."),
            "Elfwing et al. 2018, section 2",
        ),
        "leaky-relu": GlossaryEntry(
            _("Leaky ReLU"),
            _("Like ReLU, but negative values keep a small slope, so that no unit loses its gradient for good."),
            "Maas et al. 2013, section 2",
        ),
        "elu": GlossaryEntry(
            _("ELU"),
            _("Like ReLU, but negative values level off smoothly at -1, which brings the mean nearer to zero."),
            "Clevert et al. 2016, section 3",
        ),
        "dropout": GlossaryEntry(
            _("Dropout"),
            _("Leaves out units at random, with this probability, in training only, so that none relies on another."),
            "Srivastava et al. 2014, section 1",
        ),
        "linear": GlossaryEntry(
            _("Linear layer"),
            _("Every output is a weighted sum of all inputs; also called fully connected or dense."),
        ),
        "flatten": GlossaryEntry(
            _("Flatten"), _("Writes a stack of maps as one vector, which a linear layer can read.")
        ),
        "concatenation": GlossaryEntry(
            _("Concatenation"),
            _("Puts the maps of several branches on top of each other."),
            "Szegedy et al. 2015, section 4",
        ),
    }
