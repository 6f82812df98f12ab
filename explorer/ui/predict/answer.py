"""One picture in detail: the original, the input of each network, and the answers."""

from collections.abc import Sequence
from html import escape

import streamlit as st
from torch import Tensor

from explorer.data.preprocessing import Normalise
from explorer.i18n import _
from explorer.prediction import ink
from explorer.prediction.answers import Answer
from explorer.prediction.confidence import FIXED_BY_INK
from explorer.prediction.pictures import Picture
from explorer.prediction.verdict import verdict
from explorer.specs.size import picture_size
from explorer.ui.predict import bars, state
from explorer.ui.predict.encoded import SMALL, data_url
from explorer.ui.predict.view import DEFAULT
from explorer.ui.shared.text import plain

COUNTS = (3, 5, 10)  # choices for the number of listed classes
MAX_WIDTH, HALF_WIDTH = 300, 240  # pixels on the page: of a picture, and of one of four in a row
STYLE = """<style>
  .looks { display: flex; flex-wrap: wrap; gap: 14px }
  .looks figure { margin: 0; width: min(var(--side), 100%) }
  .looks img { display: block; width: 100%; max-height: 300px; object-fit: contain; object-position: left top;
               border-radius: 3px; outline: 1px solid color-mix(in srgb, currentColor 25%, transparent);
               outline-offset: -1px }
  .looks img.pixels { image-rendering: pixelated }
  .looks figcaption { font-size: 0.8rem; line-height: 1.3; margin-top: 4px }
</style>"""


def render(answers: Sequence[Answer], *, dark: bool) -> None:
    """Render a picture and the answer of each network.

    Args:
        answers: Answers about one readable picture.
        dark: Whether the page is dark.
    """
    picture = answers[0].picture.origin
    st.subheader(plain(picture.name), anchor=False)
    _render_switches(answers)
    if len(answers) == 1:
        with st.container(key="predict-looks"):
            _render_images([_original(picture), *_network_images(answers[0])])
        _render_answer(answers[0], "first", dark=dark)
        return
    left, right = st.columns(2, gap="large", vertical_alignment="center")
    with left:
        _render_images([_original(picture)])
    right.markdown(_agreement(*answers))
    for column, answer, place in zip(st.columns(2, gap="large"), answers, ("first", "second"), strict=True):
        with column:
            st.markdown(f"**{plain(answer.network.name)}**")
            with st.container(key=f"predict-looks-{place}"):
                _render_images(_network_images(answer), HALF_WIDTH)
            _render_answer(answer, place, dark=dark)


def _render_switches(answers: Sequence[Answer]) -> None:
    view = state.predict_state().view
    counts = sorted({*COUNTS, view.top})
    with st.container(horizontal=True, vertical_alignment="center", key="predict-switches"):
        st.segmented_control(
            _("Likeliest classes"), counts, required=True, key=state.VIEW_PREFIX + "top", persist_state="page",
            format_func=lambda count: _("Top {count}").format(count=count), label_visibility="collapsed",
        )  # fmt: skip
        if answers[0].picture.origin.is_drawing:
            return
        cards = [answer.network.card for answer in answers]
        if view.ink or any(ink.framing_for(card) for card in cards):
            st.toggle(
                _("Find the ink"), key=state.VIEW_PREFIX + "ink", persist_state="page",
                help=_(
                    "Finds the strokes on any paper, makes them light on dark or dark on light like the "
                        "network's own images, crops them and centres them. Applies to this image only."
                ),
            )  # fmt: skip
        if view.invert or any(card.network_spec.in_channels == 1 for card in cards):
            st.toggle(
                _("Invert light and dark"), key=state.VIEW_PREFIX + "invert", persist_state="page",
                help=_(
                    "For dark strokes on a light background, where a network knows bright strokes on a dark one. "
                        "Applies to this image only."
                ),
            )  # fmt: skip


def headline(answer: Answer, *, markdown: bool = True) -> str:
    """Return the answer in a few words, as Markdown or as plain text."""
    escaped = plain if markdown else str
    if answer.probabilities is None:
        return escaped(answer.error)
    candidates = answer.top(2)
    first, assessment = candidates[0], verdict(answer)
    if assessment.stands_out:
        words = _("**{name}**, {share:.2%}") if assessment.is_sure else _("Not sure: **{name}**, {share:.2%}")
        words = words if markdown else words.replace("**", "")
        return words.format(name=escaped(first.name), share=first.probability)
    return _("Not sure: {first} ({share:.2%}) or {second} ({other:.2%})").format(
        first=escaped(first.name), share=first.probability, second=escaped(candidates[1].name),
        other=candidates[1].probability,
    )  # fmt: skip


def _render_answer(answer: Answer, place: str, *, dark: bool) -> None:
    if answer.probabilities is None:
        st.error(plain(answer.error), icon=":material/broken_image:")
        return
    truth = answer.picture.truth
    st.markdown(f"### {headline(answer)}")
    if truth is not None:
        st.caption(
            (_("Right: it is {truth}.") if answer.is_right else _("It is {truth}.")).format(truth=f"**{plain(truth)}**")
        )
    assessment = verdict(answer)
    if not assessment.stands_out:
        # ``python -m benchmarks.ink resnet20-cifar10`` measures the share that the help names.
        st.caption(
            _("No class stands out: the second is at least half as likely as the first, or all are nearly alike."),
            help=_("On CIFAR-10 test images with such an answer, resnet20-cifar10 is wrong half of the time.")
            if answer.network.name == DEFAULT
            else None,
        )
    for note in assessment.notes:
        st.caption(f":material/ink_pen: {plain(note)}")
    for warning in assessment.warnings:
        st.warning(plain(warning.message), icon=":material/help:")
    if any(warning.code in FIXED_BY_INK for warning in assessment.warnings) and not state.predict_state().view.ink:
        st.button(
            _("Find the ink"), icon=":material/ink_pen:", key=f"predict.find.{place}",
            on_click=lambda: state.change(ink=True),
        )  # fmt: skip
    bars.render_top(answer.top(state.predict_state().view.top), answer.true_index, dark=dark)
    bars.render_all_classes(answer, place)


def _agreement(first: Answer, second: Answer) -> str:
    """Return a sentence on whether two networks agree."""
    if first.probabilities is None or second.probabilities is None:
        return ""
    one, other = first.top(1)[0], second.top(1)[0]
    if one.name == other.name:
        return _("Both say **{name}**.").format(name=plain(one.name))
    if other.name not in first.network.card.classes and one.name not in second.network.card.classes:
        return _("They know different classes: **{one}** and **{other}** need not contradict each other.").format(
            one=plain(one.name), other=plain(other.name)
        )
    return _("They disagree: **{one}** against **{other}**.").format(one=plain(one.name), other=plain(other.name))


_LabelledImage = tuple[Tensor, str, str]  # an image, its caption and its alternative text


def _original(picture: Picture) -> _LabelledImage:
    height, width = picture.size
    line = (
        _("The first frame of the picture, {width} × {height} pixels")
        if picture.is_first_frame
        else _("The picture, {width} × {height} pixels")
    )
    return picture.pixels, line.format(width=width, height=height), picture.name


def _network_images(answer: Answer) -> list[_LabelledImage]:
    """Return the input of a network, before and after normalisation."""
    if answer.probabilities is None:
        return []
    card = answer.network.card
    pixels = answer.picture.network_input(card)
    values = Normalise(card.inputs, pixels.device)(pixels[None])[0]
    low, high = values.min().item(), values.max().item()
    grey = (values - low) / max(high - low, 1e-9) * 255
    mode = (
        _("resized, and the middle cut out") if card.inputs.resize is not None else _("resized straight to this size")
    )
    if answer.picture.source is not None and ink.find_strokes(answer.picture.source) is not None:
        mode = _("cropped and centred") if answer.picture.source.is_drawing else _("only the ink")
    return [
        (
            pixels,
            _("What the network sees: {size} pixels, {how}").format(size=picture_size(card.inputs.sides), how=mode),
            _("{name} as {network} sees it").format(name=answer.picture.name, network=answer.network.name),
        ),
        (
            grey.round().byte(),
            _("Normalised: {low} is black, {high} white").format(low=_signed(low), high=_signed(high)),
            _("{name}, normalised for {network}").format(name=answer.picture.name, network=answer.network.name),
        ),
    ]


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _render_images(images: Sequence[_LabelledImage], max_width: int = MAX_WIDTH) -> None:
    figures = "".join(
        f'<figure style="--side:{_width(image, max_width)}px">'
        f'<img class="{"pixels" if max(image.shape) <= SMALL else ""}" src="{data_url(image, 2 * MAX_WIDTH)}" '
        f'alt="{escape(alt)}"><figcaption>{escape(caption)}</figcaption></figure>'
        for image, caption, alt in images
    )
    st.html(f'{STYLE}<div class="looks">{figures}</div>')


def _width(image: Tensor, max_width: int) -> int:
    """Return the width on the page in pixels. All shapes get the same height if the width allows it."""
    height, width = image.shape[1:]
    return round(min(max_width, max(0.65 * max_width * width / height, 0.4 * max_width)))
