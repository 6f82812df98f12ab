"""The state of the Compare page: from the link to the widgets and back.

One parameter of the link for each network, ``a`` to ``d``, and a few for how they are shown. As on the
Architecture page, a link that differs from the one that we wrote last was opened by the user. What can't be read
is said in words, and the last good networks stay.
"""

import logging
from dataclasses import dataclass, field
from itertools import pairwise

import streamlit as st

from explorer.analysis import analyse
from explorer.analysis.comparison import LEAST, MOST, Comparison, compare
from explorer.errors import InputError
from explorer.i18n import _
from explorer.ui import address
from explorer.ui.compare.cases import Case, cases
from explorer.ui.compare.entries import Entry, find, read
from explorer.ui.compare.view import VIEW_FIELDS, View
from explorer.ui.outrun import Trail

log = logging.getLogger("explorer.ui")

LETTERS = "abcd"[:MOST]
NETWORK = "compare.network."  # of the widgets' keys: compare.network.a, …
VIEW = "compare.view."
CASE = "compare.case"
NEXT = ("resnet50", "vgg16", "googlenet", "resnet18")  # to start from when a network is added
OURS = {*LETTERS, *VIEW_FIELDS}


@dataclass(slots=True)
class Comparing:
    """Kept in ``session_state``: the last good networks, how they are shown, and the link that says so.

    ``problems`` are those of the texts that stand in the pickers, by letter.
    """

    entries: list[Entry]
    view: View = field(default_factory=View)
    link: dict[str, str] = field(default_factory=dict)
    link_problem: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    trail: Trail = field(default_factory=Trail)


def current() -> Comparing:
    """The session's comparison; to be called before any widget of the page."""
    link = {key: text for key, text in address.ours().items() if key in OURS}
    comparing: Comparing | None = st.session_state.get("comparing")
    if comparing is None:
        comparing = st.session_state["comparing"] = Comparing(_entries(cases()[0]))
        fill(comparing)
    if link not in ({}, comparing.link) and not comparing.trail.outran(link, _widgets()):
        _follow(comparing, link)
    elif NETWORK + LETTERS[0] not in st.session_state:  # back from another page: Streamlit has dropped the widgets
        comparing.problems.clear()
        fill(comparing)
    case = matching_case(comparing)
    st.session_state[CASE] = case.name if case else None
    return comparing


def _widgets() -> dict[str, object]:
    return {str(key): value for key, value in st.session_state.items() if str(key).startswith((NETWORK, VIEW, CASE))}


def _entries(case: Case) -> list[Entry]:
    return [Entry(contestant.spec, contestant.base) for contestant in case.contestants]


def _follow(comparing: Comparing, link: dict[str, str]) -> None:
    comparing.link, comparing.link_problem = link, ""
    comparing.problems.clear()
    try:
        if (count := len(link.keys() & set(LETTERS))) < LEAST:
            raise InputError(
                _("link: a comparison takes {least} to {most} networks, not {count}").format(
                    count=count, least=LEAST, most=MOST
                )
            )
        entries = [_read(letter, link[letter]) for letter in LETTERS if letter in link]
        view = View.parse({key: text for key, text in link.items() if key in VIEW_FIELDS})
    except InputError as error:
        comparing.link_problem = str(error)
        log.warning("refused: %s", error)
    else:
        comparing.entries, comparing.view = entries, view
    fill(comparing)


def _read(letter: str, text: str) -> Entry:
    try:
        return read(text)
    except InputError as error:
        raise InputError(_("network {letter}: {problem}").format(letter=letter.upper(), problem=error)) from None


def fill(comparing: Comparing) -> None:
    """Give every widget the value that the comparison has; a refused text stays where it stands."""
    for letter, entry in zip(LETTERS, comparing.entries, strict=False):
        if letter not in comparing.problems:
            st.session_state[NETWORK + letter] = entry.text
    for key, value in comparing.view:
        st.session_state[VIEW + key] = value


def matching_case(comparing: Comparing) -> Case | None:
    """The case whose networks are compared, if any."""
    specs = [entry.spec for entry in comparing.entries]
    return next((case for case in cases() if specs == [contestant.spec for contestant in case.contestants]), None)


def open_case() -> None:
    """Callback of the cases."""
    comparing: Comparing = st.session_state["comparing"]
    chosen = next((case for case in cases() if case.name == st.session_state[CASE]), None)
    if chosen:  # else the case that is open was clicked again
        comparing.entries, comparing.link_problem = _entries(chosen), ""
        comparing.problems.clear()
        fill(comparing)


def choose(letter: str) -> None:
    """Callback of a network's picker; a text that can't be read stays there, beside what is wrong with it."""
    comparing: Comparing = st.session_state["comparing"]
    try:
        entry = find(st.session_state[NETWORK + letter] or "")
    except InputError as error:
        comparing.problems[letter] = str(error)
        log.warning("refused: %s", error)
        return
    comparing.entries[LETTERS.index(letter)] = entry
    comparing.problems.pop(letter, None)
    comparing.link_problem = ""
    st.session_state[NETWORK + letter] = entry.text


def add() -> None:
    """Callback: one more network."""
    comparing: Comparing = st.session_state["comparing"]
    present = [entry.base for entry in comparing.entries]
    comparing.trail.used = True
    comparing.entries.append(read(next(name for name in NEXT if name not in present)))
    comparing.link_problem = ""
    fill(comparing)


def remove(letter: str) -> None:
    """Callback: one network less; those after it move up, and with them the texts that were refused."""
    comparing: Comparing = st.session_state["comparing"]
    comparing.trail.used = True
    del comparing.entries[LETTERS.index(letter)]
    comparing.problems.pop(letter, None)
    for after, before in pairwise(LETTERS[LETTERS.index(letter) :]):
        if before in comparing.problems:
            comparing.problems[after] = comparing.problems.pop(before)
            st.session_state[NETWORK + after] = st.session_state[NETWORK + before]
    comparing.link_problem = ""
    fill(comparing)


def look(comparing: Comparing) -> View:
    """How the widgets say that the networks are to be shown."""
    chosen = {name: st.session_state[VIEW + name] for name in VIEW_FIELDS if VIEW + name in st.session_state}
    try:
        chosen["size"] = _size()
    except InputError:  # which :func:`compared` says
        chosen["size"] = None
    view = View.parse({**dict(comparing.view), **chosen})
    if view != comparing.view:
        comparing.view, comparing.link_problem = view, ""
    return view


def _size() -> int | None:
    """The common size that stands in its field.

    Raises:
        InputError: where it is none.
    """
    size = st.session_state.get(VIEW + "size")
    if isinstance(size, float) and size.is_integer():  # number inputs hold floats, so that they can refuse 1.5
        size = int(size)
    return View.parse({"size": size}).size


def compared(comparing: Comparing) -> tuple[Comparison, str]:
    """The networks side by side, at the common size if there is one, and what keeps them from it.

    Networks that can't take the size are compared at their own, all of them.
    """
    specs = [entry.spec for entry in comparing.entries]
    problem = ""
    look(comparing)
    try:
        size = _size()
        if size is not None:
            return compare([analyse(spec.changed(image_size=size)) for spec in specs]), ""
    except InputError as error:
        problem = str(error)
        log.warning("refused: %s", error)
    return compare([analyse(spec) for spec in specs]), problem


def write_link(comparing: Comparing) -> None:
    """Write networks and view to the address bar; a link that was refused stays there until the first edit."""
    link = {letter: entry.text for letter, entry in zip(LETTERS, comparing.entries, strict=False)}
    link |= comparing.view.to_link()
    comparing.trail.rest(_widgets())
    if comparing.link_problem or (link == comparing.link and LETTERS[0] in st.query_params):
        return
    comparing.trail.replace(comparing.link)
    comparing.link = link
    address.write(link)
