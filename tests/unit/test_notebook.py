"""``explorer.show``: self-contained HTML with the diagram and the numbers, and text elsewhere."""

import re
from html.parser import HTMLParser

import torch
from torch import nn

import explorer
from explorer.cli.print_analysis import report
from explorer.families import resolve


class _Tags(HTMLParser):
    """Collects tags and attributes, and checks that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)
        self.attributes |= {name for name, _value in attrs}

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  HTMLParser names it
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def test_the_html_is_complete_and_asks_nobody() -> None:
    shown = explorer.show(small(), image_size=32, name='a <script>alert("x")</script> network')
    html = shown._repr_html_()
    page = _Tags(html)
    assert page.open == []
    assert {"svg", "table", "details"} <= page.seen
    assert not {"script", "link", "img", "iframe"} & page.seen
    assert not {name for name in page.attributes if name in ("src", "href") or name.startswith("on")}
    assert not re.search(r"url\((?!#)|@import", html)
    assert "for one image of 3×32×32:" in " ".join(page.words).lower()
    totals = shown.analysis.totals
    assert f"{totals.params:,}" in page.words
    assert f"{totals.macs:,}" in page.words
    assert "Conv2d" in page.words


def test_other_programs_get_text_and_a_spec_or_an_analysis_can_be_shown() -> None:
    with torch.device("meta"):
        analysis = explorer.analyse(small(), image_size=32)
    assert str(explorer.show(analysis)) == repr(explorer.show(analysis)) == report(analysis)
    assert explorer.show(analysis).name == "Sequential"
    named = explorer.show(resolve("resnet20"), batch_size=2)
    assert "ResNet-20" in named._repr_html_()
    assert named.analysis.batch_size == 2
