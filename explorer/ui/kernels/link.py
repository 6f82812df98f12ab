"""Links to the Kernels page: the chosen section, and its fields that differ from the default."""

from collections.abc import Mapping

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.specs.link_text import check_length
from explorer.ui.kernels.sections import SECTIONS
from explorer.ui.page_state import PageFields

SHOW = "show"
DEFAULT = next(iter(SECTIONS))
MAX_LINK = 4_000


def read_link(link: Mapping[str, str]) -> tuple[str, PageFields, list[str]]:
    """Return the section, the fields and the problems of a link. A field with an invalid value has its default."""
    try:
        check_length(link, MAX_LINK)
    except InputError as error:
        return DEFAULT, SECTIONS[DEFAULT].view(), [str(error)]
    problems = []
    show = link.get(SHOW, DEFAULT)
    if show not in SECTIONS:
        problems.append(
            _("link, show: {value} is not one of {sections}").format(value=shown(show), sections=", ".join(SECTIONS))
        )
        show = DEFAULT
    section = SECTIONS[show]
    view, view_problems = section.view.read({name: text for name, text in link.items() if name != SHOW}, show)
    problems += view_problems
    try:
        section.compute(view)
    except InputError as error:  # each value is valid, but together they are not
        problems.append(_("link: {problem}").format(problem=error))
        view = section.view()
    return show, view, problems


def write_link(show: str, view: PageFields) -> dict[str, str]:
    """Return the query parameters for :func:`read_link`; none for the page's initial state."""
    parameters = view.to_link()
    return {SHOW: show, **parameters} if parameters or show != DEFAULT else {}
