"""Journeys on the Architecture page in a real browser."""

import re
from collections.abc import Callable
from contextlib import suppress

from playwright.sync_api import Error, Locator, Page, expect

from tests.browser.conftest import Visited, wait_until_settled
from tests.browser.page_checks import metric

Visit = Callable[..., Page]


def test_a_cfg_is_read_while_it_is_typed_and_a_wrong_one_leaves_the_last_good_numbers(visit: Visit) -> None:
    page = visit("architecture?net=vgg16")
    expect(metric(page, "Parameters")).to_have_text(["138.36 M"])
    field = page.get_by_label("Layers (cfg)", exact=True)
    field.fill("64, M, 12x, M")  # no Enter: it is checked as it is typed
    alert = page.get_by_role("alert").filter(has_text="last valid one")
    expect(alert).to_contain_text("cfg, entry 3: '12x' ")
    marked = page.locator(".stMarkdownBadge", has_text="12x")
    marked.wait_for()
    expect(metric(page, "Parameters")).to_have_text(["138.36 M"])
    field.fill("64, M, 128, M")
    alert.wait_for(state="hidden")
    marked.wait_for(state="hidden")
    expect(metric(page, "Receptive field")).to_have_text(["10 px"])
    page.wait_for_url(re.compile(re.escape("cfg=64.M.128.M")))
    parameters = metric(page, "Parameters").inner_text()
    field.fill("64, " * 250_000)  # a megabyte
    expect(alert).to_contain_text("cfg: a text of")
    expect(metric(page, "Parameters")).to_have_text([parameters])


def test_block_counts_and_a_number_out_of_range(visit: Visit) -> None:
    page = visit("architecture?net=resnet18")
    blocks = page.get_by_label("Blocks in stage 2", exact=True)
    blocks.fill("1000000")
    blocks.press("Enter")
    alert = page.get_by_role("alert").filter(has_text="last valid one")
    expect(alert).to_contain_text("blocks, entry 2: 1000000 ")
    expect(metric(page, "Parameters")).to_have_text(["11.69 M"])
    blocks.fill("2.5")
    blocks.press("Enter")
    expect(alert).to_contain_text("blocks, entry 2: 2.5 ")
    page.get_by_role("button", name="Reset").click()
    alert.wait_for(state="hidden")
    expect(blocks).to_have_value("2")

    stage = page.get_by_test_id("stNumberInput").filter(has=page.get_by_label("Blocks in stage 3", exact=True))
    stage.get_by_test_id("stNumberInputStepUp").click()
    expect(metric(page, "Parameters")).to_have_text(["12.87 M"])
    page.wait_for_url(re.compile(re.escape("blocks=2.2.3.2")))
    page.get_by_text("Residual", exact=True).click()
    expect(metric(page, "Parameters")).to_have_text(["12.70 M"])


CHECKBOXES = 33  # pixels of the column that selects rows


def in_cell(page: Page, row: int, column: int, key: str, answer: Locator) -> None:
    """Press a key in a cell of the Inception table until it has an effect; column 0 is the name.

    The table is a canvas that ignores clicks for a moment after rendering, and keys for a moment after a click.
    """
    grid = page.get_by_test_id("stDataFrame").first
    grid.locator("canvas").first.wait_for()
    page.locator(".js-plotly-plot").wait_for()  # the page is complete
    for _attempt in range(10):
        page.wait_for_timeout(500)
        grid.scroll_into_view_if_needed()
        box = grid.bounding_box()
        assert box is not None
        width = (box["width"] - CHECKBOXES) / 7  # of a column: the name and six widths
        page.mouse.click(box["x"] + CHECKBOXES + width * (column + 0.5), box["y"] + 36 + 30 * (row + 0.5))
        page.wait_for_timeout(300)
        page.keyboard.press(key)
        with suppress(Error):
            answer.wait_for(timeout=15_000)
            return
    raise AssertionError("the table ignores clicks")


def test_inception_modules_are_renamed_and_changed_and_a_blank_cell_is_explained(visit: Visit) -> None:
    page = visit("architecture?net=googlenet")
    name = page.locator("#portal textarea")
    in_cell(page, row=1, column=0, key="Enter", answer=name)
    name.fill("7")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"pool_after=7\.4e"))  # the pool stays with the module
    expect(metric(page, "Parameters")).to_have_text(["7.00 M"])
    other = visit(page.url)
    expect(metric(other, "Parameters")).to_have_text(["7.00 M"])
    other.locator(".st-key-edit-pool_after").get_by_role("button", name="7", pressed=True).wait_for()
    page.bring_to_front()
    field = page.locator("#portal input")
    in_cell(page, row=0, column=1, key="Enter", answer=field)
    field.fill("128")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(re.escape("modules=3a.128.96.128.16.32.32_7.")))
    expect(metric(page, "Parameters")).not_to_have_text("7.00 M")
    wait_until_settled(page)
    parameters = metric(page, "Parameters").inner_text()
    alert = page.get_by_role("alert").filter(has_text="last valid one")
    in_cell(page, row=0, column=1, key="Delete", answer=alert)
    expect(alert).to_contain_text("modules, row 1 (3a), 1x1: empty; give a number of channels")
    expect(metric(page, "Parameters")).to_have_text([parameters])


def test_the_link_in_a_fresh_browser(visit: Visit) -> None:
    page = visit("architecture?net=resnet50")
    page.get_by_label("Blocks in stage 4", exact=True).fill("5")
    page.get_by_label("Blocks in stage 4", exact=True).press("Enter")
    page.get_by_text("Training memory and FLOPs").click()
    page.get_by_label("Batch size", exact=True).fill("64")
    page.get_by_label("Batch size", exact=True).press("Enter")
    page.get_by_text("Formulas", exact=True).click()
    for part in ("blocks=3.4.6.5", "batch=64", "table=formulas"):
        page.wait_for_url(re.compile(re.escape(part)))
    wait_until_settled(page)
    other = visit(page.url)
    for label in ("Parameters", "MACs", "Training", "Receptive field"):
        expect(metric(other, label)).to_have_text([metric(page, label).inner_text()])
    expect(other.get_by_label("Blocks in stage 4", exact=True)).to_have_value("5")
    expect(other.get_by_role("radio", name="Formulas")).to_be_checked()


def test_a_link_is_the_very_first_request_after_a_start(first_visit: Visited) -> None:
    assert (first_visit.blocks, first_visit.parameters) == ("1", "5.24 M")
    assert "blocks=1.1.1.1" in first_visit.url


def test_going_back_restores_the_network_before(visit: Visit) -> None:
    page = visit("architecture?net=vgg11&image_size=64&num_classes=10&batch_norm=true")
    parameters = metric(page, "Parameters").inner_text()
    preset = page.get_by_role("combobox", name="Start from")
    preset.fill("GoogLeNet · googlenet")
    preset.press("Enter")
    expect(metric(page, "Parameters")).to_have_text(["7.00 M"])
    page.wait_for_url(re.compile(r"\?net=googlenet$"))
    page.go_back()
    expect(metric(page, "Parameters")).to_have_text([parameters])
    expect(page.get_by_label("Input size", exact=True)).to_have_value("64")


def test_a_row_of_the_table_opens_its_formulas(visit: Visit) -> None:
    page = visit("architecture?net=vgg16", height=2200)
    panel = page.locator(".st-key-layer-panel")
    page.locator('[role="row"][data-layer="features.0"]').click()
    expect(panel).to_contain_text("(3·3·3 + 1)·64 = 1,792")
    page.locator('[role="row"][data-layer="features.5"]').click()
    expect(panel).to_contain_text("(3·3·64 + 1)·128 = 73,856")
    page.wait_for_url(re.compile(r"layer=features\.5"))
    other = visit(page.url, height=2200)
    expect(other.locator(".st-key-layer-panel")).to_contain_text("(3·3·64 + 1)·128 = 73,856")
    page.locator('[role="row"][data-layer="features.5"]').click()
    page.wait_for_url(re.compile(r"\?net=vgg16$"))


def test_edits_that_outrun_the_address_bar_are_all_kept_and_reset_takes_them_back(visit: Visit) -> None:
    """The browser sends the second edit before it has the link of the first one."""
    page = visit("architecture?net=vgg16")
    for round_ in range(3):
        page.get_by_text("Batch norm", exact=True).click()
        classes = page.get_by_label("Classes", exact=True)
        classes.fill(str(10 + round_))
        classes.press("Enter")
        page.get_by_label("Input size", exact=True).fill(str(64 + round_))
        page.get_by_label("Input size", exact=True).press("Enter")
        page.wait_for_url(re.compile(f"image_size={64 + round_}&num_classes={10 + round_}"))
        page.wait_for_timeout(800)
        assert ("batch_norm=true" in page.url) is (round_ % 2 == 0)
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_label("Input size", exact=True)).to_have_value("224")
    page.wait_for_url(re.compile(r"\?net=vgg16$"))
