"""The verdict on an answer: whether it is reliable, warnings about the picture, and notes about its preparation."""

from dataclasses import dataclass

from explorer.i18n import _, ngettext
from explorer.prediction import ink
from explorer.prediction.answers import Answer
from explorer.prediction.confidence import ConfidenceWarning, confidence_warnings, stands_out
from explorer.prediction.strokes import Strokes


@dataclass(frozen=True)
class WarningMessage:
    """A warning as a sentence."""

    code: ConfidenceWarning
    message: str


@dataclass(frozen=True)
class Verdict:
    """The verdict on an answer, the same on a page and in a terminal.

    Attributes:
        is_sure: Whether one class stands out and there is no warning about the picture.
        stands_out: Whether one class stands out.
        warnings: Warnings about the picture.
        notes: Sentences about what was done to the picture before the network saw it.
    """

    is_sure: bool
    stands_out: bool
    warnings: tuple[WarningMessage, ...]
    notes: tuple[str, ...]


def verdict(answer: Answer) -> Verdict:
    """Returns the verdict on an answer. It is not sure if the picture can't be read."""
    if answer.probabilities is None:
        return Verdict(is_sure=False, stands_out=False, warnings=(), notes=())
    is_clear = stands_out(answer.probabilities)
    warnings = confidence_warnings(answer.picture, answer.network.card)
    # ConfidenceWarning.NAME concerns the names of the data set, not this picture.
    is_sure = is_clear and all(code is ConfidenceWarning.NAME for code in warnings)
    messages = tuple(WarningMessage(code, _sentence(code, answer)) for code in warnings)
    return Verdict(is_sure, is_clear, messages, _preparation(answer))


def _sentence(code: ConfidenceWarning, answer: Answer) -> str:
    name, picture, card = answer.network.name, answer.picture, answer.network.card
    height, width = picture.size
    codes = ConfidenceWarning
    sentence = {
        codes.CLASS: ngettext(
            "{truth} is not the one class that {name} knows, so no answer can be right.",
            "{truth} is not one of the {count:,} classes that {name} knows, so no answer can be right.",
            len(card.classes),
        ),
        codes.NAME: _(
            "The class names of {name} and those of the picture's data set all differ. Classes are matched by "
            "their position, {truth} with {taken}; if they mean different things, no answer can be right."
        ),
        codes.COLOUR: _(
            "{name} was trained with grey images: it doesn't see the colours, and has hardly seen photographs."
        ),
        codes.INVERTED: _(
            "Light and dark are swapped compared with {name}'s own images: find the ink, or invert the picture."
        ),
        codes.BACKGROUND: _("The background is grey, and that of {name}'s own images is not: find the ink."),
        codes.FRAMING: _(
            "The drawing is in another place than in {name}'s own images, or has another size: find the ink."
        ),
        codes.FAINT: _("Light and dark hardly differ in this picture: {name} sees almost nothing."),
        codes.SMALL: _(
            "The picture has {width} × {height} pixels, and {name} reads {reads_width} × {reads_height}: it sees a "
            "blur."
        ),
        codes.EMPTY: _("The picture has one colour: there is nothing in it that {name} could recognise."),
        codes.NO_INK: _("No strokes were found: {name} classified the picture as it is."),
        codes.OTHERS: _("More is drawn in this picture: {name} classified only the largest figure."),
    }[code]
    return sentence.format(
        truth=picture.truth or "", count=len(card.classes), name=name, width=width, height=height,
        reads_width=card.inputs.sides.width, reads_height=card.inputs.sides.height,
        taken=card.classes[answer.true_index or 0],
    )  # fmt: skip


def _preparation(answer: Answer) -> tuple[str, ...]:
    picture = answer.picture
    if picture.source is None:
        return (_("Light and dark are inverted."),) if picture.inverted else ()
    strokes = ink.find_strokes(picture.source)
    return () if strokes is None else (_ink_sentence(strokes, picture.source.size, answer),)


def _ink_sentence(strokes: Strokes, size: tuple[int, int], answer: Answer) -> str:
    top, left, height, width = strokes.box
    if answer.picture.is_drawing:
        return _(
            "Cropped to the strokes, {width} × {height} of {across} × {down} pixels, drawn with the pen of {name}'s "
            "own images and centred as these are."
        ).format(width=width, height=height, across=size[1], down=size[0], name=answer.network.name)
    bright = ink.strokes_are_bright(answer.network.card)
    sentence = {
        (True, True): _(
            "Dark strokes found on {width} × {height} of {across} × {down} pixels, from the left {left} and the top "
            "{top}: inverted, cropped, drawn with the pen of {name}'s own images and centred as these are."
        ),
        (False, True): _(
            "Light strokes found on {width} × {height} of {across} × {down} pixels, from the left {left} and the top "
            "{top}: cropped, drawn with the pen of {name}'s own images and centred as these are."
        ),
        (True, False): _(
            "Dark strokes found on {width} × {height} of {across} × {down} pixels, from the left {left} and the top "
            "{top}: cropped, drawn with the pen of {name}'s own images and centred as these are."
        ),
        (False, False): _(
            "Light strokes found on {width} × {height} of {across} × {down} pixels, from the left {left} and the top "
            "{top}: inverted, cropped, drawn with the pen of {name}'s own images and centred as these are."
        ),
    }[strokes.dark, bright]
    return sentence.format(
        width=width, height=height, across=size[1], down=size[0], left=left, top=top, name=answer.network.name
    )
