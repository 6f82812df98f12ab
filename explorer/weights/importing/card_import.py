"""Weights of this product's that are imported again: what their card says needs no question."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from explorer.families.recognition.guess import Guess, Question, our_shapes
from explorer.i18n import _
from explorer.weights.files import Card


def guess(card: Card, tensors: Mapping[str, Tensor]) -> Guess:
    """The network of a card, whose tensors these are; auxiliary heads, which help in training only, are left out."""
    names = our_shapes(card.network_spec)
    ignored = tuple(name for name in tensors if name not in names)
    return Guess(card.network_spec, {name: name for name in names}, ignored=ignored)


def answers(card: Card | None) -> dict[str, Any]:
    """What a card says of images and classes, by the key of the question."""
    if card is None:
        return {}
    known = card.inputs.to_dict()
    return {"mean": known["mean"], "std": known["std"], "resize": known.get("resize"), "classes": [*card.classes]}


def question(asked: Question, card: Card | None) -> Question:
    """A question of images or classes, with what the card says as the likely answer."""
    if card is None:
        return asked
    words = {
        "mean": _("The mean that is taken out of the pixels, which go from 0 to 1, as the card says"),
        "std": _("The standard deviation that they are divided by, as the card says"),
        "resize": _(
            "To how many pixels the shorter side of an image is resized, before the middle is cut out, as the card says"
        ),
        "classes": _("The classes in the order of the outputs, as the card says"),
    }
    return replace(asked, text=words[asked.key], likely=answers(card)[asked.key])


def kept(before: Card, card: Card) -> Card:
    """The new card with what the one before says of data and licence, and its figures where they are still true."""
    same = (card.network_spec, card.inputs) == (before.network_spec, before.inputs)
    return card.model_copy(
        update={
            "metrics": before.metrics if same else {},
            "data": before.data,
            "recipe": before.recipe,
            "license": before.license,
        }
    )
