"""Screens, light on a laptop and dark on a phone: axe-core finds no serious violation, nothing is too wide.

No text is smaller than 12 pixels at five widths of the window, and nothing jumps while the page opens.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import wait_until_rendered
from tests.browser.page_checks import THEME_RULES, faults, layout_shift, overhang, small_texts

Visit = Callable[..., Page]
SCREENS = {
    "": "stMarkdown",
    "architecture?net=vgg16&cfg=64.x&colour=macs": "stVegaLiteChart",
    "architecture?net=resnet152&layer=layer3.2.conv2": "stVegaLiteChart",
    "architecture?net=googlenet&table=formulas": "stVegaLiteChart",
    "architecture?net=torchvision:vit_b_16": "stMetricValue",
    "kernels": "stMetricValue",
    "kernels?k=15": "stMetricValue",
    "kernels?show=size": "stNumberInput",
    "kernels?show=size&size=224&kernel=11&stride=4": "stNumberInput",
    "kernels?show=size&size=12": "stNumberInput",
    "kernels?show=field": "stTextInput",
    "kernels?show=field&layers=7/2.pool3/2.3.3.3/2.3.3/2": "stTextInput",
    "kernels?show=blocks": "stMarkdown",
    "kernels?show=blocks&width=4096": "stMarkdown",
    "kernels?show=inception": "stMarkdown",
    "compare": "stMetricValue",
    "compare?a=vgg16&b=nonsense": "stMetricValue",
    "compare?a=resnet18&b=resnet50&c=googlenet&d=vgg16~cfg~64.64.M.128.128.M.256.256.256.M.512.M": "stMetricValue",
    "runs": "stHeading",
    "train?recipe=r1&sweep=lr=0.1,0.2": "stMetricValue",
    "train?dataset=mnist&net=nonsense": "stMetricValue",
    "predict?beside=mnist-cnn&image=cat.horse": "stDataFrame",
}
# Every page, an error, and the networks with most text. The others show the same parts with other contents: they are
# measured on a dark phone alone, where least of them fits.
IN_EACH_THEME = {
    "architecture?net=vgg16&cfg=64.x&colour=macs",
    "", "architecture?net=resnet152&layer=layer3.2.conv2", "architecture?net=googlenet&table=formulas", "kernels",
    "kernels?show=blocks", "kernels?show=inception", "compare", "runs", "train?recipe=r1&sweep=lr=0.1,0.2",
    "predict?beside=mnist-cnn&image=cat.horse",
}  # fmt: skip
# Pages without an error of the link, whose opening is measured.
STEADY = {"", "architecture?net=resnet152&layer=layer3.2.conv2", "kernels", "compare"}
MOST_SHIFT = 0.25  # 0.1 counts as good; on a busy machine, where parts arrive one by one, it is a little more
assert SCREENS.keys() >= IN_EACH_THEME >= STEADY


@pytest.mark.parametrize("link", SCREENS)
def test_a_screen(visit: Visit, link: str) -> None:
    if link in IN_EACH_THEME:
        page = visit(link, ready=SCREENS[link])
        wait_until_rendered(page)
        if link in STEADY:
            assert layout_shift(page) < MOST_SHIFT
        assert faults(page) == []
        assert small_texts(page) == []
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
    else:
        page = visit(link, width=390, height=844, scheme="dark", ready=SCREENS[link])
    wait_until_rendered(page)
    assert overhang(page) <= 0
    assert faults(page, THEME_RULES if link in IN_EACH_THEME else None) == []
    assert small_texts(page, [390]) == []


@pytest.mark.parametrize(
    ("link", "ready"),
    [
        ("architecture?net=resnet50", "stVegaLiteChart"),
        ("predict?image=cat.horse&beside=vgg16-cifar10", "stDataFrame"),
    ],
)
def test_a_screen_that_a_phone_opens(visit: Visit, link: str, ready: str) -> None:
    page = visit(link, width=390, height=844, ready=ready)
    wait_until_rendered(page)
    assert overhang(page) <= 0
    assert layout_shift(page) < MOST_SHIFT
    if ready == "stVegaLiteChart":
        assert page.evaluate("numbers instanceof Promise"), "the code of charts did not wait for the numbers"


def test_drawings_follow_the_theme(visit: Visit) -> None:
    page = visit("kernels")
    heading = page.locator(".frame svg text").first
    for scheme in ("dark", "light"):
        before = heading.evaluate("text => getComputedStyle(text).fill")
        page.emulate_media(color_scheme=scheme)
        expect(heading).not_to_have_css("fill", before)


def test_menus(visit: Visit) -> None:
    page = visit("architecture?net=lenet5")
    for menu in ("library", "export"):
        page.locator(f".st-key-{menu} button").first.click()
        wait_until_rendered(page)
        assert faults(page) == []
        page.keyboard.press("Escape")
