"""Glossary entries about training."""

from explorer.i18n import _
from explorer.specs.glossary_entry import GlossaryEntry


def training() -> dict[str, GlossaryEntry]:
    """Return the terms about recipes."""
    return {
        "batch": GlossaryEntry(
            _("Batch"), _("The images that pass through the network together before the weights change.")
        ),
        "epoch": GlossaryEntry(_("Epoch"), _("One pass over all training images.")),
        "gradient": GlossaryEntry(
            _("Gradient"),
            _("For each parameter, how much the loss changes with it; as many numbers as parameters."),
            "Rumelhart et al. 1986",
        ),
        "optimizer": GlossaryEntry(
            _("Optimizer"),
            _("The rule by which gradients change the weights: plain SGD, SGD with momentum, Adam."),
            "Sutskever et al. 2013; Kingma and Ba 2015",
        ),
        "optimizer-state": GlossaryEntry(
            _("Optimizer state"),
            _("What an optimizer remembers of each parameter: nothing for SGD, one number for momentum, two for Adam."),
            "Kingma and Ba 2015, algorithm 1",
        ),
        "mixed-precision": GlossaryEntry(
            _("Mixed precision"),
            _("Maps and products in 16 bits while a copy of the weights stays in 32."),
            "Micikevicius et al. 2018, section 3",
        ),
        "learning-rate": GlossaryEntry(
            _("Learning rate"),
            _("How far a step follows the gradient; the highest of the run, which schedule and warm-up go below."),
            "Goodfellow et al. 2016, section 8.3",
        ),
        "momentum": GlossaryEntry(
            _("Momentum"),
            _(
                "How much of the previous steps is carried over to the next; for Adam the decay of its mean "
                "gradient, beta 1."
            ),
            "Sutskever et al. 2013, section 2",
        ),
        "weight-decay": GlossaryEntry(
            _("Weight decay"),
            _("Pulls every weight towards zero in each step; AdamW does so apart from the gradient."),
            "Loshchilov and Hutter 2019",
        ),
        "schedule": GlossaryEntry(
            _("Learning-rate schedule"),
            _("How the learning rate changes over the run: most fall, so that the end settles."),
            "Smith and Topin 2018; Loshchilov and Hutter 2017",
        ),
        "warm-up": GlossaryEntry(
            _("Warm-up"),
            _("The rise of the rate at the start of a run, without which large rates may diverge."),
            "Goyal et al. 2017, section 2.2",
        ),
        "augmentation": GlossaryEntry(
            _("Augmentation"),
            _("Random changes of the training images that leave their class as it is, new in every epoch."),
            "Krizhevsky et al. 2012, section 4.1",
        ),
        "validation": GlossaryEntry(
            _("Validation images"),
            _("Images that the network does not learn from and that choose the epoch to keep; the test stays unseen."),
            "Goodfellow et al. 2016, section 5.3",
        ),
        "label-smoothing": GlossaryEntry(
            _("Label smoothing"),
            _("Takes a little of the target from the true class and shares it among all, against overconfidence."),
            "Szegedy et al. 2016, section 7",
        ),
        "clipping": GlossaryEntry(
            _("Gradient clipping"),
            _("Shortens a gradient whose L2 norm is above a limit, against explosion."),
            "Pascanu et al. 2013, section 3.2",
        ),
        "ema": GlossaryEntry(
            _("Weight average"),
            _("A running average of the weights, with this decay, that is evaluated and saved in their place."),
            "Polyak and Juditsky 1992",
        ),
        "transfer-learning": GlossaryEntry(
            _("Transfer learning"),
            _("Starting from weights trained on other data, often with the first layers frozen."),
            "Yosinski et al. 2014",
        ),
        "initialisation": GlossaryEntry(
            _("Initialisation"),
            _("The random weights at the start; He's keep the scale of the maps from layer to layer."),
            "He et al. 2015, section 2.2",
        ),
    }


def learning() -> dict[str, GlossaryEntry]:
    """Return the terms about learning and its problems."""
    return {
        "loss": GlossaryEntry(
            _("Loss"),
            _("One number that says how wrong the network is on a batch; training makes it small."),
            "Goodfellow et al. 2016, section 5.7",
        ),
        "cross-entropy": GlossaryEntry(
            _("Cross-entropy"),
            _("The loss of classification: minus the logarithm of the probability given to the true class."),
            "Goodfellow et al. 2016, section 6.2.2",
        ),
        "mse": GlossaryEntry(
            _("Mean squared error (MSE)"),
            _("The mean of squared differences: the usual loss for numbers, while classes take cross-entropy."),
            "Goodfellow et al. 2016, section 5.1.4",
        ),
        "mae": GlossaryEntry(
            _("Mean absolute error (MAE)"),
            _("Averages how far off the answers are, so that one large error counts less than in squares."),
            "Hastie et al. 2009, section 10.6",
        ),
        "backpropagation": GlossaryEntry(
            _("Backpropagation"),
            _("The chain rule from the loss back through the layers, which gives all gradients in one pass."),
            "Rumelhart et al. 1986",
        ),
        "step": GlossaryEntry(
            _("Step"),
            _("One change of all weights: forward pass, loss, backward pass, and what the optimizer makes of it."),
            "Goodfellow et al. 2016, section 8.1.3",
        ),
        "vanishing-gradient": GlossaryEntry(
            _("Vanishing gradient"),
            _("A product of many factors below one over the layers, so that the first layers hardly learn."),
            "Glorot and Bengio 2010, section 3",
        ),
        "exploding-gradient": GlossaryEntry(
            _("Exploding gradient"),
            _("A product of many factors above one over the layers, after which the loss is no longer a number."),
            "Pascanu et al. 2013, section 2",
        ),
        "overfitting": GlossaryEntry(
            _("Overfitting"),
            _("The network knows its training images by heart: they get better while unseen ones do not."),
            "Goodfellow et al. 2016, section 5.2",
        ),
        "underfitting": GlossaryEntry(
            _("Underfitting"),
            _("Even the training images are answered badly: too small a network, or too short a training."),
            "Goodfellow et al. 2016, section 5.2",
        ),
        "generalisation": GlossaryEntry(
            _("Generalisation gap"),
            _("How much better a network does on its training images than on images that it has never seen."),
            "Goodfellow et al. 2016, section 5.2",
        ),
        "regularisation": GlossaryEntry(
            _("Regularisation"),
            _("What keeps a network from overfitting: weight decay, dropout, augmentation, or more images."),
            "Goodfellow et al. 2016, section 5.2.2",
        ),
        "eval-mode": GlossaryEntry(
            _("Training and evaluation mode"),
            _("In model.eval() dropout is off and batch norm takes running statistics; no_grad changes neither."),
            "PyTorch, notes on autograd",
        ),
        "test-set": GlossaryEntry(
            _("Test set"),
            _("Images that decide nothing in training and are looked at once, to say how good the network is."),
            "Goodfellow et al. 2016, section 5.3",
        ),
        "confusion-matrix": GlossaryEntry(
            _("Confusion matrix"),
            _("How often each true class (row) was taken for each class (column): right answers lie on the diagonal."),
            "scikit-learn, confusion_matrix",
        ),
        "calibration": GlossaryEntry(
            _("Calibration"),
            _("Whether answers given with 80% probability are right in 80% of cases."),
            "Guo et al. 2017, section 2",
        ),
        "data-parallel": GlossaryEntry(
            _("Data parallel"),
            _("Every process has the whole network and a share of each batch; their gradients are averaged."),
            "Li et al. 2020, section 3",
        ),
        "fine-tuning": GlossaryEntry(
            _("Frozen layers"),
            _("Parts that keep their weights in training, so that only the others, often the head, learn."),
            "Yosinski et al. 2014",
        ),
        "gradient-norm": GlossaryEntry(
            _("Gradient norm"),
            _("The length of the gradient of a layer's weights: if it is nearly zero, the layer hardly learns."),
            "Glorot and Bengio 2010, section 4.2",
        ),
        "random-labels": GlossaryEntry(
            _("Random labels"),
            _("Training images get classes by lot: what a network then gets right it has learnt by heart."),
            "Zhang et al. 2017, section 2",
        ),
        "shortcut-learning": GlossaryEntry(
            _("Shortcut learning"),
            _("A network answers by a mark that goes with the class in its training images, and not by the object."),
            "Geirhos et al. 2020, section 2",
        ),
        "deletion": GlossaryEntry(
            _("Deletion"),
            _("The mean probability while pixels are removed, the hottest first: a right heat map makes it low."),
            "Petsiuk et al. 2018, section 3.1",
        ),
        "insertion": GlossaryEntry(
            _("Insertion"),
            _("The mean probability while pixels are put back, the hottest first: a right heat map makes it high."),
            "Petsiuk et al. 2018, section 3.1",
        ),
        "sanity-check": GlossaryEntry(
            _("Sanity check of a heat map"),
            _("A map that looks the same with random weights can't say what the network has learnt."),
            "Adebayo et al. 2018, section 3",
        ),
        "sweep": GlossaryEntry(
            _("Sweep"),
            _("The same training with several values of a setting, to see what the setting does."),
            "Bergstra and Bengio 2012",
        ),
    }
