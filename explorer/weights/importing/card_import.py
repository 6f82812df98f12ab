"""Imports weights files of this product. Their card answers the questions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from explorer.families.recognition.guess import Guess, Question, our_shapes
from explorer.i18n import _
from explorer.weights.files import Card


def guess(card: Card, tensors: Mapping[str, Tensor]) -> Guess:
    """Returns the network of a card, without auxiliary heads, which only serve training."""
    names = our_shapes(card.network_spec)
    ignored = tuple(name for name in tensors if name not in names)
    return Guess(card.network_spec, {name: name for name in names}, ignored=ignored)


def answers(card: Card | None) -> dict[str, Any]:
    """Returns the card's answers about images and classes, by the key of the question."""
    if card is None:
        return {}
    inputs = card.inputs.to_dict()
    return {"mean": inputs["mean"], "std": inputs["std"], "resize": inputs.get("resize"), "classes": [*card.classes]}


def with_card_answer(question: Question, card: Card | None) -> Question:
    """Returns a question about images or classes with the card's value as the likely answer."""
    if card is None:
        return question
    texts = {
        "mean": _("The mean that is subtracted from the pixels (from 0 to 1), as the card says"),
        "std": _("The standard deviation that they are divided by, as the card says"),
        "resize": _(
            "The length in pixels to which the shorter side is resized before the centre crop, as the card says"
        ),
        "classes": _("The classes in the order of the outputs, as the card says"),
    }
    return replace(question, text=texts[question.key], likely=answers(card)[question.key])


def merge_cards(before: Card, card: Card) -> Card:
    """Returns the new card with data, recipe and license of the card before, and its metrics if they still hold."""
    same = (card.network_spec, card.inputs) == (before.network_spec, before.inputs)
    return card.model_copy(
        update={
            "metrics": before.metrics if same else {},
            "data": before.data,
            "recipe": before.recipe,
            "license": before.license,
        }
    )
