"""The check of translatable strings finds faults, and messages are translated."""

import gettext
from pathlib import Path

import pytest

from explorer import i18n
from tests.checks.translatable import faults, main


@pytest.mark.parametrize(
    "source",
    [
        '_(f"{name} is wrong")',
        "_(message)",
        '_("a" + name)',
        '_("{} is wrong")',
        '_("{0} is wrong")',
        '_("The ") + name',
        '"x" + _("{a} y").format(a=1)',
        '_("%s is wrong") % name',
        "f\"{_('The sum')}: 3\"",
        '_("one", "two")',
        'ngettext(one, "{n} jobs", n)',
        'ngettext("{} job", "{} jobs", n)',
        '"x" + ngettext("{n} job", "{n} jobs", n).format(n=n)',
        'ngettext("{job} job", "{n:,} jobs", n).format(n=n)',
        '_("{a} of {b.c}").format(a=1)',
    ],
)
def test_glued_sentences_are_found(source: str) -> None:
    assert len(list(faults(source, "x.py"))) == 1


@pytest.mark.parametrize(
    "source",
    [
        '_("{name} is wrong").format(name=1)',
        '_("a" " b")',
        'f"{x} {y}"',
        'ngettext("{n} job", "{n} jobs", n).format(n=n)',
        '_("{{}} is empty")',
        '_("{a} of {b.c}, {d[0]!r}").format(a=1, b=2, d=3)',
        '_("{a}").format(**values)',
    ],
)
def test_whole_sentences_pass(source: str) -> None:
    assert list(faults(source, "x.py")) == []


def test_sentences_are_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shouting(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return message.upper()

    monkeypatch.setattr(i18n, "_catalogue", lambda _language: Shouting())
    assert i18n._("unchanged") == "UNCHANGED"


def test_only_known_languages_are_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zh" / "LC_MESSAGES").mkdir(parents=True)
    monkeypatch.setattr(i18n, "LOCALES", tmp_path)
    assert i18n.choose_language("zh-CN", "en") == "zh"
    assert i18n.choose_language(None, "de-DE", "zh") == "zh"
    assert i18n.choose_language("../../etc", None) == "en"


def test_cached_warnings_are_in_the_language_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.analysis import analyse
    from explorer.families import resolve

    class Shouting(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return message.upper() if "{" not in message else "SHOUTED"

    english = analyse(resolve("vgg16")).warnings
    monkeypatch.setattr(
        i18n, "_catalogue", lambda language: Shouting() if language == "xx" else gettext.NullTranslations()
    )
    i18n.use_language("xx")
    try:
        assert {warned.message for warned in analyse(resolve("vgg16")).warnings} == {"SHOUTED"}
    finally:
        i18n.use_language("en")
    assert analyse(resolve("vgg16")).warnings == english


def test_files_and_folders_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "glued.py").write_text('_("a" + name)\n')
    (tmp_path / "whole.py").write_text('_("a")\n')
    assert main([str(tmp_path / "whole.py")]) == 0
    assert main([str(tmp_path / "glued.py")]) == 1
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("glued.py:1: ") == 2
