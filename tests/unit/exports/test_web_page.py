"""The size of a network's web page; ``tests/browser/test_web_page.py`` opens it."""

import pytest

from explorer.errors import InputError
from explorer.exports import web_page
from explorer.families import resolve


@pytest.mark.parametrize("least", [250, 1])
def test_a_network_with_too_many_layers_is_refused(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_page, "MAX_BYTES", 2000)
    monkeypatch.setattr(web_page, "LEAST_BYTES", least)
    with pytest.raises(InputError, match=r"12 layers.*2\.00 kB"):
        web_page.web_page(resolve("lenet5"))
