"""The toolbar of the Architecture page: undo, save, open, export."""

import ast
import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import wait_until_settled
from tests.browser.page_checks import metric

Visit = Callable[..., Page]


def fill(page: Page, label: str, text: str) -> None:
    page.get_by_label(label, exact=True).fill(text)
    page.get_by_label(label, exact=True).press("Enter")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def menu(page: Page, key: str) -> None:
    page.locator(f".st-key-{key} button").first.click()


def test_undo_and_redo_and_the_difference_to_the_preset_on_every_number(visit: Visit) -> None:
    page = visit("architecture?net=vgg16")
    expect(button(page, "Undo")).to_be_disabled()
    cards = page.get_by_test_id("stMetric")
    expect(page.get_by_test_id("stMetricDelta")).to_have_count(0)
    page.get_by_text("Batch norm", exact=True).click()
    expect(metric(page, "Parameters")).to_have_text(["138.37 M"])
    fill(page, "Classes", "10")
    expect(metric(page, "Parameters")).to_have_text(["134.31 M"])
    button(page, "Undo").click()
    expect(metric(page, "Parameters")).to_have_text(["138.37 M"])
    expect(page.get_by_label("Classes", exact=True)).to_have_value("1000")
    button(page, "Undo").click()
    page.wait_for_url(re.compile(r"\?net=vgg16$"))
    expect(button(page, "Undo")).to_be_disabled()
    button(page, "Redo").click()
    button(page, "Redo").click()
    expect(metric(page, "Parameters")).to_have_text(["134.31 M"])
    expect(button(page, "Redo")).to_be_disabled()
    expect(cards.filter(has_text="Parameters").first).to_contain_text("−2.9%")
    expect(cards.filter(has_text="Receptive field").first.get_by_test_id("stMetricDelta")).to_have_count(0)


def test_a_network_is_saved_opened_and_deleted_by_name(visit: Visit) -> None:
    page = visit("architecture?net=lenet5&num_classes=7")
    menu(page, "library")
    fill(page, "Save this network as", "My LeNet")
    button(page, "Save").click()
    page.get_by_text("Saved as My LeNet.").wait_for()
    other = visit("architecture?net=vgg16")  # another browser of the same class
    menu(other, "library")
    saved = other.get_by_role("combobox", name="Saved on this server")
    saved.fill("My LeNet")
    saved.press("Enter")
    other.locator(".st-key-library-open button").click()
    other.wait_for_url(re.compile("net=lenet5&num_classes=7"))
    expect(other.get_by_label("Classes", exact=True)).to_have_value("7")
    fill(other, "Save this network as", "My LeNet")
    button(other, "Save").click()
    other.get_by_text("name: 'My LeNet' is taken").wait_for()
    button(other, "Delete").click()
    button(other, "Yes, delete").click()
    other.get_by_text("My LeNet is deleted.").wait_for()
    other.get_by_text("Nothing is saved on this server yet.").wait_for()


FILES = [
    ("net.json", '{"family": "resnet", "blocks": [1, 1], "image_size": 64}', "blocks=1.1"),
    ("cfg.txt", "[64, 'M',\n 128, 'M']", "cfg=64.M.128.M"),
]


SHAPES = {"image": (1, 3, 8, 8), "out": (1, 4, 6, 6)}
DROP = """({ name, bytes }) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
  for (const kind of ["dragover", "drop"]) {
    document.querySelector("h1").dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
  }
}"""


def small_onnx() -> bytes:
    """A convolution of 3 to 4 channels."""
    weight = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "conv.weight")
    image, out = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in SHAPES.items())
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "conv.weight"], ["out"])], "small", [image], [out], [weight]
    )
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()
    )


def test_files_are_opened_and_invalid_files_are_reported(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    (tmp_path / "bad.json").write_text('{"family": "vgg", "cfg": [64, "Q"]}')
    page = visit("architecture?net=vgg16&num_classes=5")
    menu(page, "library")
    upload = page.locator(".st-key-library-upload input[type=file]")
    upload.set_input_files(tmp_path / "photo.png")
    page.get_by_text("photo.png: not UTF-8 text").wait_for()
    upload.set_input_files(tmp_path / "bad.json")
    page.get_by_text("bad.json: cfg, entry 2: 'Q' is neither").wait_for()
    page.wait_for_url(re.compile("num_classes=5"))
    for file, content, link in FILES:
        (tmp_path / file).write_text(content)
        upload.set_input_files(tmp_path / file)
        page.wait_for_url(re.compile(re.escape(link)))
        page.get_by_text(f"{file} is open.").wait_for()
        wait_until_settled(page)
    page.keyboard.press("Escape")
    page.evaluate(DROP, {"name": "broken.onnx", "bytes": list(b"no model")})
    page.get_by_text("broken.onnx: it is no ONNX file").wait_for()
    page.evaluate(DROP, {"name": "mine.onnx", "bytes": list(small_onnx())})
    page.wait_for_url(re.compile("file=mine.onnx"))
    expect(metric(page, "Parameters")).to_have_text(["108"])


def exported(page: Page, title: str, suffix: str, tmp_path: Path, *, prepare: bool = False) -> bytes:
    chooser = page.get_by_role("combobox", name="Export as")
    chooser.fill(title)
    chooser.press("Enter")
    if prepare:
        button(page, "Prepare the file").click()
    download = page.get_by_role("button", name=f"Download lenet5{suffix}", exact=True)
    download.wait_for()
    with page.expect_download() as started:
        download.click()
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    return path.read_bytes()


def test_every_export_can_be_downloaded(visit: Visit, tmp_path: Path) -> None:
    page = visit("architecture?net=lenet5")
    menu(page, "export")
    names = {
        node.name
        for node in ast.walk(ast.parse(exported(page, "PyTorch source", ".py", tmp_path)))
        if isinstance(node, ast.ClassDef)
    }
    assert "Net" in names
    assert json.loads(exported(page, "Spec as JSON", ".json", tmp_path))["classifier"] == [120, 84]
    assert exported(page, "Graphviz DOT", ".dot", tmp_path).startswith(b"digraph")
    assert ElementTree.fromstring(exported(page, "Diagram as SVG", ".svg", tmp_path)).tag.endswith("svg")
    rows = list(csv.DictReader(io.StringIO(exported(page, "Table of layers as CSV", ".csv", tmp_path).decode())))
    assert sum(int(row["parameters"]) for row in rows) == 61_706  # LeCun et al. 1998, with all of S2's maps read by C3
    assert len(exported(page, "ONNX with random weights", ".onnx", tmp_path, prepare=True)) > 4 * 61_706


def test_published_values_and_why_they_differ(visit: Visit) -> None:
    page = visit("architecture?net=resnet50")
    badges = page.locator(".st-key-published-badges")
    expect(badges).to_contain_text("3.8")
    table = page.locator(".st-key-published-table")
    expect(table).to_contain_text("He et al. 2016")
    expect(table).to_contain_text("1×1")
    page.get_by_role("combobox", name="Start from").fill("GoogLeNet · googlenet")
    page.get_by_role("combobox", name="Start from").press("Enter")
    expect(table).to_contain_text("2.7K")
    fill(page, "Classes", "5")
    badges.wait_for(state="hidden")
    table.wait_for(state="hidden")
