"""The networks that people choose or paste on the Compare page, and their titles."""

from urllib.parse import parse_qsl

import streamlit as st

from explorer.analysis import analyse
from explorer.errors import InputError, SpecError
from explorer.families import PRESETS, NamedNetwork, parse_json, resolve, saved
from explorer.families.link import BASE, FIELDS
from explorer.families.naming import is_form_of, same_as
from explorer.families.presets import SAVED, own_names
from explorer.i18n import _
from explorer.specs.reading import MAX_JSON
from explorer.ui.shared import network_files
from explorer.ui.shared.cases import cases
from explorer.ui.shared.network_files import NetworkFile

EDITED = "editing"  # session_state key: the state of the Architecture page
MIN_LETTERS = 3  # of the name in a search
MAX_CHANGES = 28  # characters of the changes in a title


def read_network(text: str) -> NamedNetwork:
    """Return the network that a text describes.

    Args:
        text: Name of a preset, torchvision:NAME, saved:NAME, a spec as JSON, the link of a network, or its text in a
            link of the Compare page.

    Raises:
        InputError: If the text is none of these, or the network breaks a rule or can't run.
    """
    text = text.strip()
    if len(text) > MAX_JSON:
        raise SpecError(_("link: longer than {limit:,} characters").format(limit=MAX_JSON))
    if text.startswith(("{", "[")):
        network = NamedNetwork(parse_json(text))
    elif text.startswith(SAVED):
        network = NamedNetwork(resolve(text))
    elif "?" in text:
        link = dict(parse_qsl(text.partition("?")[2].partition("#")[0]))
        if BASE not in link:
            raise SpecError(_("link: it has no '{key}', so it names no network").format(key=BASE))
        network = NamedNetwork.from_link({key: value for key, value in link.items() if key in FIELDS | {BASE}})
    else:
        network = NamedNetwork.from_text(text)
    analyse(network.spec)  # torchvision may not know the name, or the model may not run at the size
    return network


def find_network(text: str) -> NamedNetwork:
    """Return the network that a text describes, or the first option whose name contains the letters of the text.

    Raises:
        InputError: As :func:`read_network`, if no option matches.
    """
    try:
        return read_network(text)
    except InputError:
        wanted = _letters(text)
        choices = network_options() | own_names()
        found = [key for key, label in choices.items() if wanted in _letters(label) or wanted in _letters(key)]
        if len(wanted) < MIN_LETTERS or not found:
            raise
        return read_network(found[0])


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def network_options() -> dict[str, str]:
    """Return the titles of the networks to choose from, by texts for :func:`read_network`.

    They are the network of the Architecture page, saved networks, and presets.
    """
    options = {}
    if page_state := st.session_state.get(EDITED):
        network: NamedNetwork = page_state.network
        options[network.text] = _("{name} (on the Architecture page)").format(name=full_title(network))
    options |= {SAVED + name: _("{name} (saved)").format(name=name) for name in saved.names()}
    return options | {name: f"{preset.title} · {name}" for name, preset in PRESETS.items()}


def file_options() -> dict[str, str]:
    """Return the titles of the files that the session has opened, by their texts on the Compare page."""
    return {file.text: _("{name} (file)").format(name=file.name) for file in network_files.opened().values()}


def title(network: NamedNetwork | NetworkFile) -> str:
    """Return a short title: the name in a case or of a file, or the title of the preset with the changes."""
    if isinstance(network, NetworkFile):
        return network.name
    for case in cases():
        for case_network in case.networks:
            if case_network.spec == network.spec:
                return case_network.title
    if (equal := same_as(network.spec)) is not None:
        return PRESETS[equal].title
    if not network.base and not is_form_of(network.spec, network.start):
        return network.spec.describe()
    start = _preset_title(network)
    changes = format_changes(network)
    if not changes:
        return start
    if len(changes) > MAX_CHANGES:
        return _("{name}, changed").format(name=start)
    return _("{name}, {changes}").format(name=start, changes=changes)


def full_title(network: NamedNetwork | NetworkFile) -> str:
    """Return the title of the network's preset with all changes, or the name of a file."""
    if isinstance(network, NetworkFile):
        return network.name
    is_form = bool(network.base) or is_form_of(network.spec, network.start)
    if is_form and same_as(network.spec) is None and (changes := format_changes(network)):
        return _("{name}, {changes}").format(name=_preset_title(network), changes=changes)
    return title(network)


def format_changes(network: NamedNetwork) -> str:
    """Return the fields that differ from the network's preset, with their values, as text."""
    return ", ".join(f"{key} {value}" for key, value in network.link.items() if key != BASE)


def _preset_title(network: NamedNetwork) -> str:
    if (name := network.spec.own_name) is not None:
        return name.replace(":", " ")
    return PRESETS[network.link[BASE]].title
