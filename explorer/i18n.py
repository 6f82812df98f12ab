"""Translation: every sentence that a user sees goes through ``_()``.

Pass whole sentences with named placeholders, and format them after translation::

    _("{name} needs {needed} pixels").format(name=name, needed=needed)
    ngettext("{count:,} job waits", "{count:,} jobs wait", count).format(count=count)

``make check`` refuses anything else, because sentences glued from fragments can't be translated.
"""

import gettext
from contextvars import ContextVar
from functools import cache
from pathlib import Path

DOMAIN = "explorer"
LOCALES = Path(__file__).parent / "locale"
DEFAULT_LANGUAGE = "en"

_language: ContextVar[str] = ContextVar("language", default=DEFAULT_LANGUAGE)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALES, [language], fallback=True)


def languages() -> set[str]:
    """English, and the languages that have a catalogue."""
    return {DEFAULT_LANGUAGE, *(folder.parent.name for folder in LOCALES.glob("*/LC_MESSAGES"))}


def choose_language(*wishes: str | None) -> str:
    """The first wished language (``zh``, ``zh-CN``) that has a catalogue; English if none has."""
    known = languages()
    tried = (form for wish in wishes if wish for form in (wish.replace("-", "_"), wish[:2]))
    return next((form for form in tried if form in known), DEFAULT_LANGUAGE)


def use_language(language: str) -> None:
    """Set the language of the running session or command: one of :func:`languages`."""
    _language.set(language)


def language() -> str:
    """The language of the running session or command."""
    return _language.get()


def _(message: str) -> str:
    """The message in the session's language."""
    return _catalogue(_language.get()).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The message in the session's language, in the plural form of the count; some languages have more than two."""
    return _catalogue(_language.get()).ngettext(one, many, count)
