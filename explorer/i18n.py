"""Every sentence that a user sees goes through ``_()``.

Whole sentences with named placeholders, formatted after translation::

    _("{name} needs {needed} pixels").format(name=name, needed=needed)

``make check`` refuses anything else, because glued fragments can't be translated.
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


def use_language(language: str) -> None:
    """Set the language of the running session (or command); unknown languages fall back to English."""
    _language.set(language)


def _(message: str) -> str:
    """The message in the session's language."""
    return _catalogue(_language.get()).gettext(message)
