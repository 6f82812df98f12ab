"""No page has a fault that axe-core calls serious or critical, in either theme, on a laptop or a phone."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Visit = Callable[..., Page]
PAGES = {
    "": "stMarkdown",
    "architecture?net=resnet50&layer=layer3.2.conv2": "stDataFrame",
    "architecture?net=vgg16&cfg=64.x&colour=macs": "stDataFrame",
    "architecture?net=googlenet&table=formulas": "stDataFrame",
    "kernels": "stMetricValue",
    "kernels?show=size": "stNumberInput",
    "kernels?show=field": "stTextInput",
    "kernels?show=blocks": "stMarkdown",
    "kernels?show=inception": "stMarkdown",
    "compare": "stMetricValue",
    "compare?a=vgg16&b=nonsense": "stMetricValue",
    "runs": "stMarkdown",
    "train?recipe=r1&sweep=lr=0.1,0.2": "stMetricValue",
    "train?dataset=mnist&net=nonsense": "stMetricValue",
}


def faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {[node['target'] for node in fault['nodes'][:3]]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


LARGEST = ["architecture?net=resnet50&layer=layer3.2.conv2", "train?recipe=r1&sweep=lr=0.1,0.2"]
CASES = [
    *((link, 1280, "light") for link in PAGES),
    *((link, 1280, "dark") for link in LARGEST),
    *((link, 390, "light") for link in LARGEST),
]


@pytest.mark.parametrize(("link", "width", "scheme"), CASES)
def test_axe_finds_nothing_serious(visit: Visit, link: str, width: int, scheme: str) -> None:
    page = visit(link, width=width, scheme=scheme, ready=PAGES[link])
    page.wait_for_timeout(1500)  # charts draw after the script has ended
    assert faults(page) == []


def test_menus(visit: Visit) -> None:
    page = visit("architecture?net=lenet5")
    for menu in ("library", "export"):
        page.locator(f".st-key-{menu} button").first.click()
        page.wait_for_timeout(2000)
        assert faults(page) == []
        page.keyboard.press("Escape")
