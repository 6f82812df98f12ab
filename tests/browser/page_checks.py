"""Measures a rendered page: accessibility, width and metrics."""

from contextlib import suppress

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as WaitTimeoutError


def faults(page: Page) -> list[str]:
    """Serious and critical violations of accessibility rules that axe-core finds, with their elements."""
    return [
        f"{fault['id']}: {[node['target'] for node in fault['nodes'][:3]]}"
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]


FITS = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return main.scrollWidth <= main.clientWidth && document.documentElement.scrollWidth <= window.innerWidth;
}"""


def overhang(page: Page) -> int:
    """Pixels of the page beyond the right edge of the window, after the page has adapted to the width."""
    with suppress(WaitTimeoutError):
        page.wait_for_function(FITS, timeout=10_000)
    inside = "main => main.scrollWidth - main.clientWidth"
    outside = "document.documentElement.scrollWidth - window.innerWidth"
    return max(int(page.get_by_test_id("stMain").evaluate(inside)), int(page.evaluate(outside)))


def metric(page: Page, label: str) -> Locator:
    """The value of the metric with this label."""
    card = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return card.get_by_test_id("stMetricValue").first  # the previous one may remain below it for a moment
