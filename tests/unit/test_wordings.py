"""The check of repeated wordings finds repetitions, and this repository has none."""

import pytest

from tests.checks.wordings import main, repeated

ERROR = 'raise InputError(_("size: {value} is above the largest image, {limit}").format(value=1, limit=2))'
NOTE = 'ngettext("Left out {n} file that is broken.", "Left out {n} files that are broken.", n).format(n=n)'
SHOWN = 'st.error(_("{name} is not among the images").format(name=1))'
FIRST, SECOND = "tests/test_first.py", "tests/test_second.py"
LIBRARY, PAGE = "explorer/data/tree.py", "explorer/ui/train/data.py"


@pytest.mark.parametrize(
    ("path", "source", "quote"),
    [
        (LIBRARY, ERROR, '"size: 1 is above the largest image, 2"'),
        (LIBRARY, ERROR, 'r"^size: 1 is above the largest image, \\d$"'),
        (LIBRARY, ERROR, '"above the largest image"'),
        (LIBRARY, NOTE, '"Left out 3 files that are broken."'),
        (PAGE, ERROR, '"size: 1 is above the largest image, 2"'),
        (PAGE, SHOWN, '"cat is not among the images"'),
    ],
)
@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("def test_error():\n    assert {quote} in message", "test_error"),
        ("@pytest.mark.parametrize('words', [{quote}])\ndef test_error(words): ...", "test_error"),
        ("class TestError:\n    def test_error(self):\n        assert {quote} in message", "TestError"),
        ("import pytest\nWORDS = [{quote}]", "line 2"),
    ],
)
def test_a_repeated_wording_is_found(path: str, source: str, quote: str, template: str, name: str) -> None:
    tests = {FIRST: f"def test_it():\n    assert {quote} in message", SECOND: template.format(quote=quote)}
    (users,) = repeated({path: source}, tests).values()
    assert users == [f"{FIRST}::test_it", f"{SECOND}::{name}"]
    assert repeated({path: source}, {SECOND: tests[SECOND]}) == {}


@pytest.mark.parametrize(
    ("path", "source", "quote"),
    [
        (LIBRARY, ERROR, '"size: 1 "'),
        (LIBRARY, f'{ERROR}; _("{{width}} is above the largest image")', '"is above the largest image"'),
        (LIBRARY, '_("Measured on the test images")', '"Measured on the test images"'),
        (PAGE, NOTE, '"Left out 3 files that are broken."'),
    ],
    ids=["place and value", "shared by two messages", "title", "sentence of a page"],
)
def test_other_texts_may_be_repeated(path: str, source: str, quote: str) -> None:
    tests = dict.fromkeys((FIRST, SECOND), f"def test_it():\n    assert {quote} in message")
    assert repeated({path: source}, tests) == {}


def test_this_repository_repeats_no_wording(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().out
