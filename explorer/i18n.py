"""Translation of every sentence that a user sees, with ``_()``.

Pass whole sentences with named placeholders, and format them after translation::

    _("{name} needs {needed} pixels").format(name=name, needed=needed)
    ngettext("{count:,} job waits", "{count:,} jobs wait", count).format(count=count)

``make check`` refuses anything else because sentences made of fragments can't be translated.
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
    """Return English and all languages with a catalogue."""
    return {DEFAULT_LANGUAGE, *(folder.parent.name for folder in LOCALES.glob("*/LC_MESSAGES"))}


def find_language(name: str) -> str | None:
    """Return the language with a catalogue that a name (``zh``, ``zh-CN``) stands for; None if there is none."""
    available = languages()
    return next((code for code in (name.replace("-", "_"), name[:2]) if code in available), None)


def choose_language(*preferred: str | None) -> str:
    """Return the first preferred language with a catalogue; English if there is none."""
    found = (find_language(name) for name in preferred if name)
    return next(filter(None, found), DEFAULT_LANGUAGE)


def use_language(language: str) -> None:
    """Set the language of the running session or command: one of :func:`languages`."""
    _language.set(language)


def language() -> str:
    """Return the language of the running session or command."""
    return _language.get()


def _(message: str) -> str:
    """Return the message in the session's language."""
    return _catalogue(_language.get()).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the message in the session's language and in the plural form for the count."""
    return _catalogue(_language.get()).ngettext(one, many, count)
