"""The answers about several pictures: a table to select from, and the numbers as CSV."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from explorer.errors import InputError
from explorer.exports import spreadsheet
from explorer.i18n import _, ngettext
from explorer.prediction.answers import Answer
from explorer.prediction.verdict import verdict
from explorer.ui.predict import state
from explorer.ui.predict.encoded import data_url
from explorer.ui.predict.selection import selection_key
from explorer.ui.shared.text import plain

ROW, HEADER = 44, 56  # pixels: of a row, and of the header with the scroll bar
ROWS_SHOWN = 10
MAX_LISTED = 6  # unreadable images that are listed below the table
THUMBNAIL = 72


def render(rows: Sequence[Sequence[Answer]]) -> int:
    """Render the table.

    Args:
        rows: Answers of the networks, for each picture.

    Returns:
        Index of the selected row.
    """
    keys = [row[0].picture.origin.key for row in rows]
    selected = state.predict_state().selected
    readable = [number for number, row in enumerate(rows) if row[0].probabilities is not None]
    position = keys.index(selected) if selected in keys else (readable or [0])[0]
    key = selection_key(f"predict.table.{len(rows)}", [position])  # a shorter table may not have the row

    def select() -> None:
        chosen = st.session_state[key].selection.rows
        state.mark_user_action()
        state.predict_state().selected = keys[chosen[0]] if chosen and chosen[0] < len(keys) else None

    st.dataframe(
        frame(rows), hide_index=True, column_config=_columns(rows[0]), row_height=ROW,
        height=ROW * min(len(rows), ROWS_SHOWN) + HEADER, selection_mode="single-row", on_select=select, key=key,
        placeholder="–", alt=_("Images with the likeliest classes and their probabilities"),
    )  # fmt: skip
    st.caption(_summary(rows))
    if errors := [answer.error for answer in (row[0] for row in rows) if answer.probabilities is None]:
        title = _("The other images were predicted") if readable else _("None of these images can be read")
        _render_errors(errors, title)
    count = state.predict_state().view.top
    st.download_button(
        _("Top {count} of each as CSV").format(count=count), data=as_csv(rows, count), file_name="predictions.csv",
        mime="text/csv", icon=":material/download:", key="predict.csv", on_click="ignore",
    )  # fmt: skip
    return position


def _render_errors(errors: Sequence[str], title: str) -> None:
    """Render the full errors, because the table's column is narrow."""
    lines = [f"- {plain(error)}" for error in errors[:MAX_LISTED]]
    if len(errors) > MAX_LISTED:
        lines.append(_("- and {count} more, named in the table").format(count=len(errors) - MAX_LISTED))
    st.warning("\n".join(lines), title=title, icon=":material/broken_image:")


def frame(rows: Sequence[Sequence[Answer]]) -> pd.DataFrame:
    """Return a row for each picture, without empty columns.

    One network has its two likeliest classes, two networks have the likeliest class each.
    """
    table = pd.DataFrame([_row(row) for row in rows])
    empty = [name for name in ("truth", "note") if not table[name].any()]
    return table.drop(columns=empty)


def _row(row: Sequence[Answer]) -> dict[str, object]:
    answer = row[0]
    first, second = (*answer.top(2), None, None)[:2]
    values: dict[str, object] = {
        "picture": _thumbnail(answer),
        "name": answer.picture.name,
        "first": first and first.name,
        "truth": answer.picture.truth,
        "probability": first and 100 * first.probability,
    }
    if len(row) > 1:
        other = row[1].top(1)
        values["other"] = other[0].name if other else None
        values["other_probability"] = 100 * other[0].probability if other else None
    else:
        values["second"] = second and second.name
    return values | {"note": _note(row)}


def _thumbnail(answer: Answer) -> str | None:
    try:
        return data_url(answer.picture.origin.pixels, THUMBNAIL)
    except InputError:
        return None


def _note(row: Sequence[Answer]) -> str:
    answer = row[0]
    if answer.probabilities is None:
        return answer.error
    notes = [_("first frame")] if answer.picture.is_first_frame else []
    assessment = verdict(answer)
    if assessment.notes:  # switches are only visible for the selected picture
        notes.append(_("inverted") if answer.picture.source is None else _("only the ink"))
    if not assessment.stands_out:
        notes.append(_("not sure"))
    first = answer.top(1)[0].name
    if answer.is_right is False:
        notes.append(_("wrong"))
    if _comparable(row) and row[1].top(1)[0].name != first:
        notes.append(_("the networks disagree"))
    if assessment.warnings:
        notes.append(_("see the warning"))
    return ", ".join(notes)


def _comparable(row: Sequence[Answer]) -> bool:
    """Return whether two networks have answered and have a class in common."""
    if len(row) < 2 or any(answer.probabilities is None for answer in row):
        return False
    first, second = (set(answer.network.card.classes) for answer in row)
    return not first.isdisjoint(second)


def _summary(rows: Sequence[Sequence[Answer]]) -> str:
    answers = [row[0] for row in rows]
    read = [answer for answer in answers if answer.probabilities is not None]
    parts = [ngettext("{count:,} image", "{count:,} images", len(answers)).format(count=len(answers))]
    if len(read) < len(answers):
        parts.append(_("{count:,} can't be read").format(count=len(answers) - len(read)))
    labelled = [answer for answer in read if answer.picture.truth is not None]
    if labelled:
        right = sum(answer.is_right is True for answer in labelled)
        parts.append(_("{right:,} of {count:,} right").format(right=right, count=len(labelled)))
    both = [row for row in rows if _comparable(row)]
    if both:
        same = sum(row[0].top(1)[0].name == row[1].top(1)[0].name for row in both)
        parts.append(_("the networks agree on {same:,} of {count:,}").format(same=same, count=len(both)))
    return " · ".join(parts)


def _columns(row: Sequence[Answer]) -> dict[str, Any]:
    text = st.column_config.TextColumn

    def share(title: str) -> Any:
        return st.column_config.NumberColumn(title, format="%.2f%%", width=85)

    names = [answer.network.name for answer in row]
    return {
        "picture": st.column_config.ImageColumn(_("Image"), width=60),
        "name": text(_("Name"), width=150),
        "first": text(names[0] if len(names) > 1 else _("Likeliest"), width=110),
        "truth": text(_("True class"), width=110),
        "probability": share(_("Probability")),
        "other": text(names[-1], width=130),
        "other_probability": share(_("Its probability")),
        "second": text(_("Second"), width=100),
        "note": text(_("Note"), width=230),
    }


def as_csv(rows: Sequence[Sequence[Answer]], count: int) -> str:
    """Return CSV with a line for each image, network and likely class, and a line for each unreadable image."""
    lines: list[list[str | int | None]] = [
        ["image", "truth", "network", "rank", "class", "index", "probability", "error", "sure", "warnings"]
    ]
    for answer in (answer for row in rows for answer in row):
        first_cells = [answer.picture.name, answer.picture.truth, answer.network.name]
        if answer.probabilities is None:
            lines.append([*first_cells, None, None, None, None, answer.error, None, None])
            continue
        assessment = verdict(answer)
        reliability = [None, str(assessment.is_sure).lower(), " ".join(one.code for one in assessment.warnings)]
        for rank, candidate in enumerate(answer.top(count), 1):
            lines.append(
                [*first_cells, rank, candidate.name, candidate.index, f"{candidate.probability:.6f}", *reliability]
            )
    return spreadsheet.as_csv(lines)
