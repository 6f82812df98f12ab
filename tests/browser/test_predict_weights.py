"""Weights in a real browser: imported, published, renamed, deleted, and tested from the click to the calibration."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from torchvision.models import squeezenet1_1

from explorer.weights.files import read, read_card, save
from explorer.weights.registry import PRETRAINED
from tests.browser.conftest import wait_until_settled
from tests.browser.page_checks import overhang

Visit = Callable[..., Page]


def shelf(visit: Visit, weights: str) -> Page:
    return visit(f"predict?show=weights&weights={weights}", ready="stDataFrame")


def drop(page: Page, file: Path) -> None:
    page.get_by_text("Import a checkpoint").click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_enabled()


def test_from_a_checkpoint_to_a_prediction_and_gone(visit: Visit, app_log: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = tmp_path / "Sven's net.pth"
    torch.save({"state_dict": squeezenet1_1(num_classes=2).state_dict(), "classes": ["cat", "dog"]}, file)
    page = shelf(visit, "digits-cnn")
    drop(page, file)
    page.get_by_text("torchvision squeezenet1_1").wait_for()
    page.get_by_label("Mean", exact=True).fill("0.5, oops")
    page.get_by_label("Mean", exact=True).press("Enter")
    page.get_by_text("mean: '0.5, oops' ").wait_for()
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    page.get_by_label("Mean", exact=True).fill("0.5,0.5,0.5")
    page.get_by_label("Mean", exact=True).press("Enter")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("Sven-s-net is imported.").wait_for()
    page.wait_for_url(re.compile("weights=Sven-s-net"))
    assert read_card(app_log.parent / "weights/Sven-s-net.safetensors").classes == ("cat", "dog")

    wait_until_settled(page)
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("cats.2")
    page.get_by_label("New name").press("Enter")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Rename").click()
    page.get_by_text("The weights are called cats.2 now.").wait_for()

    page.get_by_role("button", name="Predict with it").click()
    page.get_by_role("heading", name=re.compile("^Not sure|^(cat|dog), ")).wait_for()

    wait_until_settled(page)
    page.get_by_text("Weights", exact=True).click()
    page.get_by_test_id("stDataFrame").first.wait_for()
    wait_until_settled(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_text("cats.2 is deleted.").wait_for()
    assert list((app_log.parent / "weights").glob("cats*")) == []


@pytest.mark.skipif("EXPLORER_TEST_DATA" not in os.environ, reason="EXPLORER_TEST_DATA is not set")
def test_a_real_checkpoint(visit: Visit) -> None:
    page = shelf(visit, "digits-cnn")
    drop(page, Path(os.environ["EXPLORER_TEST_DATA"], "checkpoints/resnet20-12fca82f.th"))
    page.get_by_label("Name of the weights").fill("akamaster")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("akamaster is imported.").wait_for()
    page.get_by_role("button", name="Predict with it").click()
    page.get_by_role("heading", name=re.compile("cat, ")).wait_for()


def test_a_run_is_published_and_stays_without_it(visit: Visit, app_log: Path) -> None:
    best = app_log.parent / "runs/abc123def456/best.safetensors"
    best.parent.mkdir(parents=True)
    save(best, *read(PRETRAINED / "digits-cnn.safetensors"))
    page = shelf(visit, "abc123def456")
    page.get_by_role("button", name="Publish").click()
    page.get_by_label("Name", exact=True).fill("for-good")
    page.get_by_label("License").fill("MIT")
    page.get_by_label("License").press("Enter")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Publish").click()
    page.get_by_text("for-good is published").wait_for()
    page.wait_for_url(re.compile("weights=for-good"))  # it is written last
    for file in best.parent.iterdir():
        file.unlink()
    best.parent.rmdir()
    page.reload()
    page.get_by_role("heading", name="for-good").wait_for()
    page.get_by_text("MIT").wait_for()


def test_a_test_set_from_the_click_to_the_calibration(visit: Visit) -> None:
    page = visit("predict?show=test&weights=digits-cnn", ready="stSelectbox", width=390, height=800)
    page.get_by_role("button", name="Run the test").click()
    page.get_by_text("358 of 359").wait_for()
    page.get_by_role("heading", name="Calibration").wait_for()
    page.get_by_label(re.compile("^Reliability diagram.*accuracy 99.72%")).wait_for()
    page.get_by_alt_text("5 taken for 9, 82%").wait_for()
    assert overhang(page) <= 0
    again = visit("predict?show=test&weights=digits-cnn")
    again.get_by_text("358 of 359").wait_for()
    expect(again.get_by_role("button", name="Run the test")).to_have_count(0)
