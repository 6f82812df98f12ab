"""Journeys on the Runs page in a real browser, with trained runs and with made-up runs."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from explorer.jobs.job import Job
from explorer.jobs.store import Status, Store
from tests.browser.conftest import wait_until_rendered
from tests.browser.page_checks import THEME_RULES, faults, overhang, small_texts
from tests.helpers import made_runs

Visit = Callable[..., Page]
TABLE = "stTextInput"  # the filter above the table


def tick(page: Page, row: int) -> None:
    """Tick a row of the table."""
    rows(page).nth(row).locator(".box").click()


def rows(page: Page) -> Locator:
    return page.locator(".st-key-runs-table [data-run]")


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=2).first


def test_a_run_is_followed_stopped_and_resumed_from_two_browsers(visit: Visit, runs: Store, long_run: Job) -> None:
    job, epochs = long_run.id, f"{long_run.recipe.epochs:,}"
    one = visit(f"runs?job={job}", ready=TABLE)
    other = visit(f"runs?job={job}", ready=TABLE)
    for page in (one, other):
        page.get_by_text(re.compile(rf"epoch [\d,]+ of {epochs}")).wait_for()
    chart = one.get_by_test_id("stVegaLiteChart").nth(1)
    chart.locator("svg.marks").wait_for()
    # The first validation adds a line, for which the chart is made anew.
    one.get_by_text(re.compile(rf"epoch ([3-9]|\d[\d,]+) of {epochs}")).wait_for()
    wait_until_rendered(one)  # a chart may be resized once more when others are rendered
    chart.evaluate("chart => { chart.querySelector('svg').mine = true }")
    before = chart.locator("svg.marks").inner_html()
    one.wait_for_function(
        "([chart, before]) => chart.querySelector('svg').innerHTML !== before", arg=[chart.element_handle(), before]
    )
    assert chart.evaluate("chart => chart.querySelector('svg').mine")  # the same chart, with more in it
    one.get_by_role("button", name="Stop", exact=True).click()
    for page in (one, other):
        page.get_by_text("Stopped. Resume goes on from the last checkpoint").wait_for()
    assert runs.get(job).status is Status.STOPPED
    trained = last_epoch(runs, job)
    other.get_by_role("button", name="Resume").click()
    one.reload()
    for page in (one, other):
        page.get_by_role("button", name="Stop", exact=True).wait_for()
        page.get_by_text(re.compile(rf"epoch [\d,]+ of {epochs}")).wait_for()
    one.get_by_role("button", name="Stop", exact=True).click()
    one.get_by_role("button", name="Resume").wait_for()
    assert last_epoch(runs, job) > trained


def last_epoch(runs: Store, job: str) -> float:
    return max(row.epoch for row in runs.rows(job))


def test_runs_are_chosen_compared_and_linked(visit: Visit, runs: Store) -> None:
    first = made_runs.add(runs, "Grape one", Status.FINISHED)
    second = made_runs.add(runs, "Grape two", Status.FAILED, lr=0.5)
    page = visit("runs?text=grape", ready=TABLE)
    # The browser marks the run in the same moment, and shows what it knows before the server answers.
    preview = page.locator(".st-key-runs-preview .preview")
    assert (
        rows(page).nth(1).evaluate("row => { row.querySelector('.name').click(); return row.ariaSelected; }") == "true"
    )
    assert "finished" in preview.evaluate("preview => preview.textContent")
    preview.wait_for(state="hidden")
    expect(heading(page)).to_have_text(["Grape one"])
    page.wait_for_url(re.compile(f"job={first}"))
    page.get_by_test_id("stVegaLiteChart").locator("svg").first.wait_for()
    assert faults(page) == []
    page.get_by_test_id("stVegaLiteChart").first.hover()  # all charts show their values at the epoch there
    expect(page.locator(".explorer-epoch", has_text="Epoch 3")).to_have_count(5)
    page.mouse.move(0, 0)
    expect(page.locator(".explorer-epoch")).to_have_count(0)
    tick(page, 0)
    expect(heading(page)).to_have_text(["2 runs"])
    page.get_by_role("radio", name="Differences").click()
    page.get_by_role("row", name="lr 0.001 0.5").wait_for()
    page.wait_for_url(re.compile("show=settings"))
    fresh = visit(page.url, ready=TABLE)
    fresh.get_by_role("row", name="lr 0.001 0.5").wait_for()
    expect(fresh.locator(".st-key-runs-table [data-run][aria-selected=true]")).to_have_count(2)
    page.go_back()
    expect(page.get_by_role("radio", name="Curves")).to_be_checked()
    page.go_back()
    expect(heading(page)).to_have_text(["Grape one"])
    assert second in {record.id for record in runs.records()}


def test_a_sweep_leads_to_its_runs(visit: Visit, runs: Store) -> None:
    ids = made_runs.add_sweep(runs, "Melon", ["lr=0.1,0.01", "spec.dropout=0,0.5"])
    page = visit(f"runs?sweep={runs.get(ids[0]).sweep}", ready="stPlotlyChart")
    expect(heading(page)).to_have_text(["4 runs of the sweep Melon"])
    cells = page.locator(".heatmaplayer")
    cells.wait_for()
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])  # upper right
    expect(heading(page)).to_contain_text("Melon · lr=0.01 dropout=0.5")
    expect(page.get_by_role("radio", name="Curves")).to_be_checked()


def test_deleting_asks_and_a_deleted_run_is_gone_for_others(visit: Visit, runs: Store) -> None:
    job = made_runs.add(runs, "Lemon", Status.FINISHED)
    made_runs.add(runs, "Salt", Status.FINISHED)
    page = visit(f"runs?text=lemon&job={job}", ready=TABLE)
    other = visit(f"runs?text=lemon&job={job}", ready=TABLE)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_text("are lost for good").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_text("No run matches").wait_for()
    other.get_by_role("radio", name="Files").click()
    other.get_by_text(f"not here any more: {job}").wait_for()


def test_weights_and_metrics_are_downloaded(visit: Visit, runs: Store) -> None:
    job = made_runs.add(runs, "Olive oil", Status.FINISHED)
    page = visit(f"runs?job={job}", ready=TABLE)
    page.locator(".st-key-runs-download button").first.click()
    for name, file in (("safetensors", "Olive-oil.safetensors"), ("Metrics", "Olive-oil-metrics.csv")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.suggested_filename == file
        content = Path(download.value.path()).read_bytes()
        assert content == b"b" * 1000 if name == "safetensors" else content.count(b"\n") == 1 + made_runs.EPOCHS


def test_sections_on_a_laptop_and_in_dark_on_a_phone(visit: Visit, runs: Store) -> None:
    """axe-core finds no serious violation, and nothing is too wide."""
    job = made_runs.add(runs, "A name that is rather long for such a small screen", Status.FINISHED)
    made_runs.write_mistakes(job)
    failed = made_runs.add(runs, "A long name too", Status.FAILED, lr=0.5)
    page = visit(f"runs?job={job}.{failed}&text=long", ready="stVegaLiteChart")
    for small in (False, True):
        if small:
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": 390, "height": 844})
        for section, part in (
            ("Curves", "stVegaLiteChart"), ("Test set", "stPlotlyChart"), ("Differences", "stHtml"),
            ("Log", "stCode"), ("Files", "stDataFrame"),
        ):  # fmt: skip
            page.get_by_role("radio", name=section).click()
            page.get_by_test_id(part).last.wait_for(state="attached")
            wait_until_rendered(page)
            assert overhang(page) <= 0, section
            assert small_texts(page, [390 if small else 1280]) == [], section
            assert faults(page, THEME_RULES if small else None) == [], section
    page.get_by_role("button", name="Disk space").click()
    page.get_by_role("dialog").get_by_text("runs take").wait_for()
    assert faults(page) == []
