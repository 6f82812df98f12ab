"""Tables, which Streamlit draws on a canvas: it listens a moment after it is drawn, and may still move until then."""

from contextlib import suppress

from playwright.sync_api import Error, Locator, Page

from tests.browser.conftest import settled

BOX = 16  # pixels from the left edge of a table to the middle of its boxes to tick
PATIENCE = 10_000  # milliseconds from a click to its answer; a second click on a ticked row would take the tick off


def tick(page: Page, table: Locator, row: int, height: int, answer: Locator) -> None:
    """Click the box of a row until that is answered.

    Args:
        page: that is drawn.
        table: the grid.
        row: from the top, beginning with 0.
        height: of a row in pixels.
        answer: what is seen then.
    """
    settled(page)
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
    raise AssertionError("the table does not listen")
