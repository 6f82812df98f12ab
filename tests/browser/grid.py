"""Clicks in Streamlit's tables. A table is a canvas that ignores clicks, and may move, for a moment after rendering."""

from contextlib import suppress

from playwright.sync_api import Error, Locator, Page

from tests.browser.conftest import wait_until_settled

BOX = 16  # pixels from the left edge of a table to the middle of its checkboxes
PATIENCE = 60_000  # milliseconds from a click to its effect; a second click would uncheck the row again


def tick(page: Page, table: Locator, row: int, height: int, answer: Locator) -> None:
    """Click the checkbox of a row until the click has an effect.

    Args:
        page: Page of the table.
        table: Table.
        row: Index of the row from the top.
        height: Height of a row in pixels.
        answer: Element that appears after the click.
    """
    wait_until_settled(page)
    table.locator("canvas").first.wait_for()
    head = 36 if height > 36 else height
    for _attempt in range(5):
        page.wait_for_timeout(500)
        box = table.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + BOX, box["y"] + head + height * (row + 0.5))
        with suppress(Error):
            answer.wait_for(timeout=PATIENCE)
            return
    raise AssertionError("the table ignores clicks")
