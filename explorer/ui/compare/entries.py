"""The networks that are compared: what people choose or paste, and what each is called."""

from urllib.parse import parse_qsl

import streamlit as st

from explorer.analysis import analyse
from explorer.errors import InputError, SpecError
from explorer.families import PRESETS, NamedNetwork, parse_json, resolve, saved
from explorer.families.building import own_names
from explorer.families.link import BASE, FIELDS
from explorer.families.naming import is_form_of, same_as
from explorer.families.presets import SAVED
from explorer.i18n import _
from explorer.specs.reading import MAX_JSON
from explorer.ui.compare.cases import cases

LEAST_LETTERS = 3  # of a name that is looked for
SHORT = 28  # characters of changes that still stand in a title


def read(text: str) -> NamedNetwork:
    """A network from what people choose or paste.

    Args:
        text: a preset's name, torchvision:NAME, saved:NAME, a spec as JSON, the link of a network, or its text in
            a link of the Compare page.

    Raises:
        InputError: where it is none of these, or the network breaks a rule or can't run.
    """
    text = text.strip()
    if len(text) > MAX_JSON:
        raise SpecError(_("link: longer than {limit:,} characters").format(limit=MAX_JSON))
    if text.startswith(("{", "[")):
        entry = NamedNetwork(parse_json(text))
    elif text.startswith(SAVED):
        entry = NamedNetwork(resolve(text))
    elif "?" in text:
        link = dict(parse_qsl(text.partition("?")[2].partition("#")[0]))
        if BASE not in link:
            raise SpecError(_("link: it has no '{key}', so it names no network").format(key=BASE))
        entry = NamedNetwork.from_link({key: value for key, value in link.items() if key in FIELDS | {BASE}})
    else:
        entry = NamedNetwork.from_text(text)
    analyse(entry.spec)  # torchvision may not know the name, or not run at the size
    return entry


def find(text: str) -> NamedNetwork:
    """A network from what people choose, paste or type: also the first that is offered with these letters in its name.

    Raises:
        InputError: as :func:`read`.
    """
    try:
        return read(text)
    except InputError:
        wanted = _letters(text)
        choices = offered() | own_names()
        found = [key for key, label in choices.items() if wanted in _letters(label) or wanted in _letters(key)]
        if len(wanted) < LEAST_LETTERS or not found:
            raise
        return read(found[0])


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def offered() -> dict[str, str]:
    """Networks to choose from by texts that can be read, each with what it is called: edited, saved, and presets."""
    found = {}
    if editing := st.session_state.get("editing"):
        network: NamedNetwork = editing.network
        found[network.text] = _("{name} (on the Architecture page)").format(name=full_title(network))
    found |= {SAVED + name: _("{name} (saved)").format(name=name) for name in saved.names()}
    return found | {name: f"{preset.title} · {name}" for name, preset in PRESETS.items()}


def title(entry: NamedNetwork) -> str:
    """What a network is called, shortly: its name in a case, or its preset's title and what differs from it."""
    for case in cases():
        for contestant in case.contestants:
            if contestant.spec == entry.spec:
                return contestant.title
    if (equal := same_as(entry.spec)) is not None:
        return PRESETS[equal].title
    if not entry.base and not is_form_of(entry.spec, entry.start):
        return entry.spec.describe()
    start = _start(entry)
    changes = changed(entry)
    if not changes:
        return start
    if len(changes) > SHORT:
        return _("{name}, changed").format(name=start)
    return _("{name}, {changes}").format(name=start, changes=changes)


def full_title(entry: NamedNetwork) -> str:
    """What a network is called, with all that differs from its preset."""
    is_form = bool(entry.base) or is_form_of(entry.spec, entry.start)
    if is_form and same_as(entry.spec) is None and (changes := changed(entry)):
        return _("{name}, {changes}").format(name=_start(entry), changes=changes)
    return title(entry)


def changed(entry: NamedNetwork) -> str:
    """The settings in which a network differs from the preset that it was made from."""
    return ", ".join(f"{key} {value}" for key, value in entry.link.items() if key != BASE)


def _start(entry: NamedNetwork) -> str:
    if (name := entry.spec.own_name) is not None:
        return name.replace(":", " ")
    return PRESETS[entry.link[BASE]].title
