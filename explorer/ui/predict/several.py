"""Several pictures: a table with an answer in each row, one of which is opened, and the numbers as CSV."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from explorer.errors import InputError
from explorer.exports import cells
from explorer.i18n import _, ngettext
from explorer.prediction.answers import Answer
from explorer.prediction.verdict import verdict
from explorer.ui.predict import state
from explorer.ui.predict.encoded import address
from explorer.ui.shared.selection import ticked
from explorer.ui.shared.text import plain

ROW, HEAD = 44, 56  # pixels: of a row, and of the titles with the bar to scroll by
ROWS_SHOWN = 10
NAMED = 6  # images that can't be read and are listed below the table
THUMBNAIL = 72


def render(rows: Sequence[Sequence[Answer]]) -> int:
    """The table.

    Args:
        rows: for each picture the answer of each network.

    Returns:
        The row that is open.
    """
    keys = [row[0].picture.origin.key for row in rows]
    opened = state.asking().opened
    readable = [number for number, row in enumerate(rows) if row[0].probabilities is not None]
    place = keys.index(opened) if opened in keys else (readable or [0])[0]
    key = ticked(f"predict.table.{len(rows)}", [place])  # one for each count: a shorter one may not have the row

    def picked() -> None:
        chosen = st.session_state[key].selection.rows
        state.acted()
        state.asking().opened = keys[chosen[0]] if chosen and chosen[0] < len(keys) else None

    st.dataframe(
        frame(rows), hide_index=True, column_config=_columns(rows[0]), row_height=ROW,
        height=ROW * min(len(rows), ROWS_SHOWN) + HEAD, selection_mode="single-row", on_select=picked, key=key,
        placeholder="–", alt=_("Images with the likeliest classes and their probabilities"),
    )  # fmt: skip
    st.caption(_summary(rows))
    if errors := [answer.error for answer in (row[0] for row in rows) if answer.probabilities is None]:
        _list(errors, _("The others were predicted all the same") if readable else _("None of these can be read"))
    count = state.asking().view.top
    st.download_button(
        _("Top {count} of each as CSV").format(count=count), data=as_csv(rows, count), file_name="predictions.csv",
        mime="text/csv", icon=":material/download:", key="predict.csv", on_click="ignore",
    )  # fmt: skip
    return place


def _list(errors: Sequence[str], title: str) -> None:
    """What can't be read, in full: the table's column is narrow."""
    lines = [f"- {plain(error)}" for error in errors[:NAMED]]
    if len(errors) > NAMED:
        lines.append(_("- and {count} more, named in the table").format(count=len(errors) - NAMED))
    st.warning("\n".join(lines), title=title, icon=":material/broken_image:")


def frame(rows: Sequence[Sequence[Answer]]) -> pd.DataFrame:
    """One row for each picture, columns by their use and without those that no row fills.

    Of two networks each has its likeliest class; of one the second, too.
    """
    found = pd.DataFrame([_row(row) for row in rows])
    empty = [name for name in ("truth", "note") if not found[name].any()]
    return found.drop(columns=empty)


def _row(row: Sequence[Answer]) -> dict[str, object]:
    answer = row[0]
    first, second = (*answer.top(2), None, None)[:2]
    told: dict[str, object] = {
        "picture": _thumbnail(answer),
        "name": answer.picture.name,
        "first": first and first.name,
        "truth": answer.picture.truth,
        "probability": first and 100 * first.probability,
    }
    if len(row) > 1:
        other = row[1].top(1)
        told["other"] = other[0].name if other else None
        told["other_probability"] = 100 * other[0].probability if other else None
    else:
        told["second"] = second and second.name
    return told | {"note": _note(row)}


def _thumbnail(answer: Answer) -> str | None:
    try:
        return address(answer.picture.origin.pixels, THUMBNAIL)
    except InputError:
        return None


def _note(row: Sequence[Answer]) -> str:
    answer = row[0]
    if answer.probabilities is None:
        return answer.error
    notes = [_("first frame")] if answer.picture.is_first_frame else []
    said = verdict(answer)
    if said.notes:  # a switch holds for its picture, and isn't seen while another is open
        notes.append(_("inverted") if answer.picture.source is None else _("the ink alone"))
    if not said.stands_out:
        notes.append(_("not sure"))
    first = answer.top(1)[0].name
    if answer.is_right is False:
        notes.append(_("wrong"))
    if _comparable(row) and row[1].top(1)[0].name != first:
        notes.append(_("the networks disagree"))
    if said.warnings:
        notes.append(_("may be none that the network knows"))
    return ", ".join(notes)


def _comparable(row: Sequence[Answer]) -> bool:
    """Whether two networks have answered that know a class in common."""
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
    known = [answer for answer in read if answer.picture.truth is not None]
    if known:
        right = sum(answer.is_right is True for answer in known)
        parts.append(_("{right:,} of {count:,} right").format(right=right, count=len(known)))
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
    """A line for each image, network and one of its likeliest classes; one for an image that can't be read."""
    lines: list[list[str | int | None]] = [
        ["image", "truth", "network", "rank", "class", "index", "probability", "error", "sure", "warnings"]
    ]
    for answer in (answer for row in rows for answer in row):
        about = [answer.picture.name, answer.picture.truth, answer.network.name]
        if answer.probabilities is None:
            lines.append([*about, None, None, None, None, answer.error, None, None])
            continue
        said = verdict(answer)
        beside = [None, str(said.is_sure).lower(), " ".join(one.code for one in said.warnings)]
        for rank, guess in enumerate(answer.top(count), 1):
            lines.append([*about, rank, guess.name, guess.index, f"{guess.probability:.6f}", *beside])
    return cells.as_csv(lines)
