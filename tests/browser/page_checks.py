"""Measures a rendered page: accessibility, width, sizes of text and metrics."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as WaitTimeoutError

AXE_CORE = Axe().axe_script
THEME_RULES = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]  # colours, and what scrolls


def faults(page: Page, rules: list[str] | None = None) -> list[str]:
    """Serious and critical violations of accessibility rules that axe-core finds, with their elements.

    Args:
        page: Page.
        rules: Names of the rules. None for all; ``THEME_RULES`` is enough after a change of theme or width.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_CORE)
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}  # all styles are in the page
    if rules:
        options["runOnly"] = rules
    violations = page.evaluate("async options => (await axe.run(options)).violations", options)
    return [
        f"{fault['id']}: {[node['target'] for node in fault['nodes'][:3]]}"
        for fault in violations
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


# The largest sum of layout shifts within a window of at most five seconds without a pause of one second, as in
# https://web.dev/articles/cls. Shifts right after a user's action don't count.
SHIFT = """() => new Promise(done => {
  new PerformanceObserver(list => {
    let [largest, sum, first, last] = [0, 0, -Infinity, -Infinity];
    for (const {startTime, value, hadRecentInput} of list.getEntries()) {
      if (hadRecentInput) continue;
      if (startTime - last > 1000 || startTime - first > 5000) [sum, first] = [0, startTime];
      [sum, last] = [sum + value, startTime];
      largest = Math.max(largest, sum);
    }
    done(largest);
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(0), 1000);  // without entries the observer is never called
})"""


def layout_shift(page: Page) -> float:
    """The cumulative layout shift since the page was opened: 0 if nothing jumped; up to 0.1 counts as good."""
    return float(page.evaluate(SHIFT))


WIDTHS = (390, 768, 1024, 1280, 1920)
SMALLEST_TEXT = 12  # pixels
# Texts below the size with their sizes on the screen: the size of the font times the scale of the figure around it.
SMALL_TEXTS = """least => new Promise(done => {
  const measure = () => {
    const found = {};
    const roots = [document];
    for (const root of roots) {
      for (const element of root.querySelectorAll("*")) {
        if (element.shadowRoot) roots.push(element.shadowRoot);
        const field = element.matches("input, textarea") && (element.value || element.placeholder);
        const own = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!(own || field) || element.matches("style, script, title, noscript")) continue;
        const box = element.getBoundingClientRect();
        if (!box.width || !box.height || !element.checkVisibility({visibilityProperty: true})) continue;
        let size = parseFloat(getComputedStyle(element).fontSize);
        if (element.getScreenCTM) {  // it includes the zoom
          const {a, b, c, d} = element.getScreenCTM();
          size *= Math.sqrt(Math.abs(a * d - b * c));
        } else size *= element.currentCSSZoom ?? 1;
        if (size < least - 0.05) found[`${size.toFixed(1)}: ${element.textContent.trim().slice(0, 40)}`] = true;
      }
    }
    done(Object.keys(found));
  };
  // Figures adapt to a new width in the next frame.
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(measure)));
})"""


def small_texts(
    page: Page, widths: Iterable[int] = WIDTHS, *, height: int = 900, least: int = SMALLEST_TEXT
) -> list[str]:
    """Texts smaller than this at each of these widths of the window, HTML and SVG, in shadow roots too."""
    found: list[str] = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": height})
        found += [f"{width} px wide: {text}" for text in page.evaluate(SMALL_TEXTS, least)]
    return found


def metric(page: Page, label: str) -> Locator:
    """The value of the metric with this label."""
    card = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return card.get_by_test_id("stMetricValue").first  # the previous one may remain below it for a moment
