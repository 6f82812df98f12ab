"""The figures of a card in words: ``test/topk/3`` is "Test set: top-3"."""

import re

from explorer.i18n import _

_TOP = re.compile(r"top(?:k/)?([0-9]+)")


def figure_name(key: str) -> str:
    """Return the name of a figure. Names that other programs gave stay as they are, after the name of their part."""
    alone = {
        "epoch": _("Epoch"),
        "rate": _("Learning rate"),
        "time/seconds": _("Seconds of an epoch"),
        "time/images_per_second": _("Images per second"),
    }
    if key in alone:
        return alone[key]
    part, slash, metric = key.partition("/")
    parts = {
        "test": _("Test set"),
        "validation": _("Validation images"),
        "train": _("Training images"),
        "torchvision": _("ImageNet, by torchvision"),
        "imported": _("Imported file"),
    }
    if not slash or part not in parts:
        return key
    return _("{images}: {metric}").format(images=parts[part], metric=_metric_name(metric))


def _metric_name(metric: str) -> str:
    if top := _TOP.fullmatch(metric):
        return _("top-{count}").format(count=top[1])
    names = {
        "images": _("images"),
        "correct": _("right answers"),
        "loss": _("loss"),
        "grad_norm": _("length of the gradient"),
        "epoch": _("epoch"),
    }
    return names.get(metric, metric)
