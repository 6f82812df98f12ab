"""What is measured on a page as it is drawn."""

from contextlib import suppress

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as WaitedTooLong


def faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical, and where."""
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
    """How many pixels of the page lie beyond the right edge of the window, once the page has followed its width."""
    with suppress(WaitedTooLong):
        page.wait_for_function(FITS, timeout=10_000)
    inside = "main => main.scrollWidth - main.clientWidth"
    outside = "document.documentElement.scrollWidth - window.innerWidth"
    return max(int(page.get_by_test_id("stMain").evaluate(inside)), int(page.evaluate(outside)))


def metric(page: Page, label: str) -> Locator:
    card = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return card.get_by_test_id("stMetricValue").first  # the former one may stay below it for a moment
