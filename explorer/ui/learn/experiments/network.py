"""A network and another one to compare it with: where their parameters and multiplications are."""

from typing import Annotated, Any, Literal, NamedTuple

import streamlit as st
from pydantic import AfterValidator

from explorer.analysis import Analysis, analyse
from explorer.analysis.measures import Measure
from explorer.drawing import diagram
from explorer.drawing.appearance import Appearance
from explorer.errors import InputError, shown
from explorer.families import PRESETS, NamedNetwork
from explorer.i18n import _
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.sections.parts import facts
from explorer.ui.shared.sections.section import Fact, Section, is_rendered, value, widget_key
from explorer.ui.shared.text import plain

NAME = "network"
MEASURES = (Measure.PARAMS, Measure.MACS)
OF_VERSIONS = (Measure.DEPTH, *MEASURES, Measure.RECEPTIVE_FIELD)
VERSIONS = ("vgg11", "vgg11-lrn", "vgg13", "vgg16-c", "vgg16", "vgg19")  # A to E of the paper


def _known(name: str) -> str:
    if name not in PRESETS:
        raise InputError(_("{value} is not the name of a network").format(value=shown(name)))
    return name


Network = Annotated[str, AfterValidator(_known)]


class NetworkView(PageFields):
    """Fields of the experiment.

    Attributes:
        show: Whether the numbers of both networks are shown, or those of all versions of VGG.
        net: Network that is drawn.
        other: Network whose numbers are compared with it.
        colour: Measure that colours the layers.
    """

    show: Literal["networks", "versions"] = "networks"
    net: Network = "vgg16"
    other: Network = "vgg19"
    colour: Literal["params", "macs"] = "params"


class Networks(NamedTuple):
    """The analyses of both networks, with their titles."""

    view: NetworkView
    one: Analysis
    other: Analysis

    @property
    def titles(self) -> tuple[str, str]:
        """Titles of the networks."""
        return PRESETS[self.view.net].title, PRESETS[self.view.other].title


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {"net": _("Network"), "other": _("Compared with"), "colour": _("Colour by")}


def words() -> dict[str, dict[str, str]]:
    """Return the titles of the values of fields with a list of choices."""
    presets = {name: preset.title for name, preset in PRESETS.items()}
    colours = {str(measure): measure.label for measure in (Measure.PARAMS, Measure.MACS)}
    return {"net": presets, "other": presets, "colour": colours}


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    names, titles = labels(), words()
    presets, colours = titles["net"], titles["colour"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        values = {
            name: st.selectbox(
                names[name], list(presets), format_func=lambda key: presets.get(key, key), width=300,
                key=widget_key(NAME, name), persist_state="page",
            ) if is_rendered(name) else value(NAME, name)
            for name in ("net", "other")
        }  # fmt: skip
        values["show"] = value(NAME, "show")
        values["colour"] = (
            st.segmented_control(
                names["colour"], list(colours), format_func=lambda key: colours.get(key, key), required=True,
                key=widget_key(NAME, "colour"), persist_state="page",
            ) if is_rendered("colour") else value(NAME, "colour")
        )  # fmt: skip
    return values


def compute(view: NetworkView) -> Networks:
    """Return the analyses of both networks."""
    return Networks(view, analyse(PRESETS[view.net].spec), analyse(PRESETS[view.other].spec))


def render(result: Networks, *, dark: bool, numbers: bool = True) -> None:
    """Render the diagram of the network, and the numbers of both."""
    show_figure(figures(result, dark=dark)[0], key="learn.picture.network")
    st.caption(_("The darker a layer, the more it has.") if not dark else _("The brighter a layer, the more it has."))
    if numbers and result.view.show == "versions":
        _render_versions()
    elif numbers:
        facts(list_numbers(result), min_width=150)


def _render_versions() -> None:
    """Render the numbers of all versions of VGG as a table."""
    presets = [PRESETS[name] for name in VERSIONS]
    analyses = [analyse(preset.spec) for preset in presets]
    definitions = [measure.definition for measure in OF_VERSIONS]
    # Abbreviated, so that the table fits a phone.
    columns = {one.names().name: [one.text(one.of_network(found)) for found in analyses] for one in definitions}
    st.table(
        {_("Network"): [plain(preset.title) for preset in presets], **columns}, border="horizontal", hide_index=True,
        alt=_("The versions of VGG with their numbers"),
    )  # fmt: skip


def figures(result: Networks, *, dark: bool) -> list[str]:
    """Return the diagram of the network."""
    appearance = Appearance(colour=result.view.colour, dark=dark)
    return [diagram.draw(result.one, result.titles[0], appearance, marks=False)]


def list_numbers(result: Networks) -> list[Fact]:
    """Return the numbers of both networks, or of all versions of VGG."""
    if result.view.show == "versions":
        return [_version(PRESETS[name].title, analyse(PRESETS[name].spec)) for name in VERSIONS]
    found = []
    networks = dict(zip(result.titles, (result.one, result.other), strict=True))  # one, if both are the same
    for title, analysis in networks.items():
        for measure in MEASURES:
            definition = measure.definition
            amount = definition.of_network(analysis)
            label = _("{name}, {measure}").format(name=title, measure=definition.names().name)
            found.append(Fact(label, definition.text(amount), definition.exact(amount)))
    return found


def _version(title: str, analysis: Analysis) -> Fact:
    definitions = [measure.definition for measure in OF_VERSIONS]
    texts = [f"{one.names().name} {one.exact(one.of_network(analysis))}" for one in definitions]
    return Fact(title, ", ".join(texts))


def _link(view: NetworkView) -> dict[str, str]:
    return {**NamedNetwork(PRESETS[view.net].spec, view.net).link, "colour": view.colour}


SECTION = Section(NAME, lambda: _("Network"), NetworkView, controls, compute, render, figures, list_numbers, labels,
                  page="architecture", link=_link, words=words)  # fmt: skip
