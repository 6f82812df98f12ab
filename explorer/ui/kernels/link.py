"""Links to the Kernels page: the chosen section, and what of its settings isn't the default."""

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
    """Section and settings of a link, and what is wrong with it: a bad value leaves its setting at the default."""
    try:
        check_length(link, MAX_LINK)
    except InputError as error:
        return DEFAULT, SECTIONS[DEFAULT].settings(), [str(error)]
    problems = []
    show = link.get(SHOW, DEFAULT)
    if show not in SECTIONS:
        problems.append(
            _("link, show: {value} is not one of {sections}").format(value=shown(show), sections=", ".join(SECTIONS))
        )
        show = DEFAULT
    section = SECTIONS[show]
    settings, unread = section.settings.read({name: text for name, text in link.items() if name != SHOW}, show)
    problems += unread
    try:
        section.work(settings)
    except InputError as error:  # settings that are good by themselves, and don't go together
        problems.append(_("link: {problem}").format(problem=error))
        settings = section.settings()
    return show, settings, problems


def write_link(show: str, settings: PageFields) -> dict[str, str]:
    """Query parameters that :func:`read_link` turns back; none for the page's first picture."""
    changed = settings.to_link()
    return {SHOW: show, **changed} if changed or show != DEFAULT else {}
