"""The Compare page, without a browser."""

import re
from functools import partial
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.analysis import landmarks
from explorer.drawing.kinds import DARK, LIGHT, Group
from explorer.families import resolve, saved
from explorer.families.link import to_text
from explorer.settings import settings
from explorer.ui.shared.cases import Case, cases
from explorer.ui.shared.html_tables import show
from tests.pages import helpers
from tests.pages.helpers import problem

open_page = partial(helpers.open_page, "compare")

NETWORK = "compare.network."


def html(app: AppTest) -> str:
    assert not app.exception
    return " ".join(element.proto.body for element in app.get("html"))


def titles(app: AppTest) -> list[str]:
    return re.findall(r"<b>[A-D] · ([^<]+)</b>", html(app))


def paste(app: AppTest, letter: str, text: str) -> None:
    """Type a text into a network's picker. AppTest accepts only known options, so the text becomes one first."""
    picker = app.selectbox(key=NETWORK + letter)
    picker.options.append(text)
    picker.set_value(text).run()


def metrics(app: AppTest, label: str) -> list[tuple[str, str]]:
    assert not app.exception
    return [(metric.value, metric.delta) for metric in app.metric if metric.label == label]


def tally(app: AppTest) -> str:
    return next(text.value for text in app.markdown if "added" in text.value)


def test_the_first_visit_shows_the_first_case() -> None:
    app = open_page()
    assert titles(app) == ["7×7 stem", "Three 3×3 stem"]
    assert app.pills[0].value == "stem"
    assert metrics(app, "Receptive field") == [("95 px", "reference"), ("95 px", "the same")]
    assert "4 added, 0 removed, 1 changed, 13 the same" in tally(app)
    assert set(app.query_params) == {"a", "b"}
    assert titles(open_page(**app.query_params)) == titles(app)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_case_opens_with_one_click(case: Case) -> None:
    app = open_page()
    app.pills[0].set_value(case.name).run()
    assert problem(app) == ""
    assert titles(app) == [network.title for network in case.networks]
    assert app.query_params["b"] == to_text(case.networks[1].spec, case.networks[1].base)
    assert app.pills[0].value == case.name
    assert any(case.explanation[:20] in text.value.replace("\\", "") for text in app.markdown)


def test_a_case_clicked_twice_stays() -> None:
    app = open_page(a="vgg16", b="vgg16-bn")
    assert app.pills[0].value == "batch-norm"
    app.pills[0].set_value(None).run()
    assert app.pills[0].value == "batch-norm"
    assert titles(app) == ["VGG-16 (D)", "VGG-16 (D) with batch norm"]


def test_networks_of_a_link_and_their_differences() -> None:
    app = open_page(a="vgg16", b="vgg19", c="torchvision~.resnet50")
    assert titles(app) == ["VGG-16 (D)", "VGG-19 (E)", "torchvision resnet50"]
    assert metrics(app, "Parameters") == [("138.36 M", "reference"), ("143.67 M", "+3.8%"), ("25.56 M", "−81.5%")]
    assert metrics(app, "Weighted layers") == [("16", "reference"), ("19", "+3"), ("50", "+34")]
    assert "6 added, 0 removed, 0 changed, 39 the same" in tally(app)
    app.segmented_control(key="compare.view.against").set_value("c").run()
    assert "removed" in tally(app)
    assert app.query_params["against"] == "c"
    app.button(key="compare.remove.c").click().run()
    assert "6 added" in tally(app)
    assert "c" not in app.query_params


def test_anything_can_be_chosen_or_pasted() -> None:
    app = open_page()
    for text, name in (
        ("resnet18", "ResNet-18"),
        ("torchvision:alexnet", "torchvision alexnet"),
        (resolve("vgg16").changed(num_classes=10).to_json(), "VGG-16 (D), num_classes 10"),
        ("http://localhost/architecture?net=vgg11&batch_norm=true&layer=x", "VGG-11 (A) with batch norm"),
    ):
        paste(app, "b", text)
        assert problem(app) == ""
        assert titles(app)[1] == name
    assert metrics(app, "Parameters")[1][0] == "132.87 M"  # VGG-11 with batch norm


def test_a_typed_name_finds_the_network() -> None:
    app = open_page(a="vgg16", b="vgg19")
    for text, name in (("mobilenet", "torchvision mobilenet_v2"), ("ResNet-50", "ResNet-50"), ("vgg 13", "VGG-13 (B)")):
        paste(app, "b", text)
        assert problem(app) == ""
        assert titles(app)[1] == name


def test_an_invalid_text_shows_an_error_and_the_last_network_stays() -> None:
    app = open_page(a="vgg16", b="vgg19")
    paste(app, "b", "vgg16~cfg~64.bananas")
    assert problem(app).startswith("link: cfg, entry 2: ")
    assert titles(app) == ["VGG-16 (D)", "VGG-19 (E)"]
    assert app.selectbox(key=NETWORK + "b").value == "vgg16~cfg~64.bananas"
    assert app.query_params == {"a": "vgg16", "b": "vgg19"}
    paste(app, "b", "vgg13")
    assert problem(app) == ""
    assert app.query_params == {"a": "vgg16", "b": "vgg13"}


def test_up_to_four_networks() -> None:
    app = open_page(a="resnet50", b="vgg16")
    app.button(key="compare.add").click().run()
    app.button(key="compare.add").click().run()
    assert titles(app) == ["ResNet-50", "VGG-16 (D)", "GoogLeNet", "ResNet-18"]
    assert app.button(key="compare.add").disabled
    app.button(key="compare.remove.a").click().run()
    assert titles(app) == ["VGG-16 (D)", "GoogLeNet", "ResNet-18"]
    assert metrics(app, "Parameters")[0] == ("138.36 M", "reference")


def test_the_network_of_the_architecture_page_is_offered() -> None:
    app = helpers.open_page("architecture", net="vgg11", num_classes="7")
    app.query_params.clear()
    app.switch_page("../pages/compare.py").run()
    assert "VGG-11 (A), num_classes 7 (on the Architecture page)" in app.selectbox(key=NETWORK + "a").options


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ({"a": "rubbish", "b": "vgg16"}, "network A: link: "),
        ({"a": "vgg16", "b": "vgg16~cfg~64.X"}, "network B: link: cfg, entry 2: "),
        ({"a": "vgg16"}, "link: a comparison takes 2 to 4 networks, not 1"),
        ({"a": "vgg16", "b": "torchvision~.resnet51"}, "network B: name: "),
        ({"a": "vgg16", "b": "vgg19~cfg~" + "64." * 5000}, "network B: link: "),
    ],
)
def test_invalid_links_show_an_error_and_the_default(link: dict[str, str], message: str) -> None:
    app = open_page(**link)
    assert problem(app).startswith(message)
    assert titles(app) == ["7×7 stem", "Three 3×3 stem"]
    assert app.query_params == link
    app.pills[0].set_value("head").run()
    assert problem(app) == ""
    assert app.query_params == {"a": "vgg16", "b": "vgg16~pool_to~1~classifier~empty"}


def test_only_the_wrong_parts_of_a_link_are_dropped() -> None:
    link = {"a": "vgg16", "b": "rubbish", "c": "resnet18", "measure": "beauty", "layers": "all"}
    app = open_page(**link)
    assert titles(app) == ["VGG-16 (D)", "ResNet-18"]
    assert "link: measure: " in problem(app)
    assert "network B: " in problem(app)
    assert app.query_params == link


def test_the_link_contains_the_view() -> None:
    link = {"a": "resnet18", "b": "plain18", "measure": "macs", "draw": "depth", "layers": "all"}
    app = open_page(**link, lang="en")
    assert app.query_params == {**link, "lang": "en"}
    assert "(1, 64" not in html(app)
    assert html(app).count('<tr class="same"') == 69 - 8 - 6 - 1  # additions, projections, Flatten
    assert 'data-layers="all"' in html(app)
    app.segmented_control(key="compare.view.layers").set_value("differences").run()
    app.segmented_control(key="compare.view.measure").set_value("receptive_field").run()
    assert 'data-layers="differences"' in html(app)
    assert app.query_params == {
        "a": "resnet18",
        "b": "plain18",
        "measure": "receptive_field",
        "draw": "depth",
        "lang": "en",
    }
    again = open_page(**app.query_params)
    assert html(again) == html(app)


def test_the_same_network_twice() -> None:
    app = open_page(a="lenet5", b="lenet5")
    assert "0 added, 0 removed, 0 changed, 11 the same" in tally(app)
    assert len(app.success) == 1


def test_differences_that_no_layer_shows_are_listed() -> None:
    app = open_page(a="vgg16", b="vgg16~dropout~0.1")
    assert "39 the same" in tally(app)
    assert "dropout: 0.5 → 0.1" in app.success[0].value.replace("\\", "")


def test_refused_texts_stay_when_networks_are_added_or_removed() -> None:
    app = open_page(a="vgg16", b="vgg19", c="resnet18")
    paste(app, "c", "vgg16~cfg~bananas")
    paste(app, "b", "http://[x?a=vgg16")
    app.button(key="compare.add").click().run()
    assert app.selectbox(key=NETWORK + "b").value == "http://[x?a=vgg16"
    assert app.selectbox(key=NETWORK + "c").value == "vgg16~cfg~bananas"
    assert app.selectbox(key=NETWORK + "d").value == "resnet50"
    app.button(key="compare.remove.b").click().run()
    assert titles(app) == ["VGG-16 (D)", "ResNet-18", "ResNet-50"]
    assert app.selectbox(key=NETWORK + "b").value == "vgg16~cfg~bananas"
    assert app.selectbox(key=NETWORK + "c").value == "resnet50"
    assert len(app.error) == 1
    assert "'bananas'" in problem(app)
    app.pills[0].set_value("head").run()
    assert problem(app) == ""


def test_saved_networks_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_SAVED_DIR", str(tmp_path))
    settings.cache_clear()
    try:
        saved.save("mine", resolve("vgg11").changed(num_classes=7))
        app = open_page(a="vgg16", b="vgg19")
        assert "mine (saved)" in app.selectbox(key=NETWORK + "b").options
        paste(app, "b", "saved:mine")
        assert titles(app)[1] == "VGG-11 (A), num_classes 7"
        assert app.query_params["b"] == "vgg11~num_classes~7"
        paste(app, "a", "saved:yours")
        assert "'yours'" in problem(app)
    finally:
        settings.cache_clear()


def test_the_page_is_complete_while_the_published_networks_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(landmarks, "is_cached", lambda: False)
        patch.setattr(landmarks, "landmarks", st.stop)  # the page stops where the measurement begins
        app = open_page(a="vgg16", b="vgg19")
        assert titles(app) == ["VGG-16 (D)", "VGG-19 (E)"]
        assert "6 added" in tally(app)
        assert len(app.get("plotly_chart")) == 3
        assert not [name for name in app.selectbox(key=NETWORK + "a").options if name.startswith("torchvision")]
        app.selectbox(key=NETWORK + "b").set_value("VGG-13 (B) · vgg13").run()
        assert titles(app)[1] == "VGG-13 (B)"
    app.run()
    assert "torchvision · resnet50" in app.selectbox(key=NETWORK + "a").options


def test_the_sum_of_activations_has_its_own_name() -> None:
    assert "Activations, all layers" in html(open_page())


def test_networks_without_windows_or_fields() -> None:
    app = open_page(a="mnist-fc", b="torchvision~.vit_b_32")
    assert problem(app) == ""
    assert metrics(app, "Receptive field")[1] == ("–", "")


def test_a_users_text_is_escaped() -> None:
    app = open_page()
    paste(app, "a", "<img src=x onerror=alert(1)>")
    assert "<img" not in html(app)
    assert problem(app)


@pytest.mark.parametrize(("dark", "colours"), [(False, LIGHT), (True, DARK)])
def test_rows_are_tinted_in_the_colours_of_the_theme(
    monkeypatch: pytest.MonkeyPatch, dark: bool, colours: dict[Group, str]
) -> None:
    bodies: list[str] = []
    monkeypatch.setattr(st, "html", bodies.append)
    show("", dark=dark)
    for name, group in (("added", Group.ACTIVATION), ("removed", Group.SHORTCUT), ("changed", Group.POOLING)):
        assert f"--xc-{name}:{colours[group]}" in bodies[0]


def test_different_input_sizes_are_reported_and_a_common_size_can_be_set() -> None:
    app = open_page(a="vgg16", b="resnet20")
    captions = [caption.value for caption in app.caption]
    assert "Input 3×224×224" in captions
    assert "Input 3×32×32" in captions
    assert "3×224×224, 3×32×32" in app.warning[0].value
    app.text_input(key="compare.view.size").set_value("64").run()
    assert not app.warning
    assert [caption.value for caption in app.caption].count("Input 3×64×64") == 2
    assert app.query_params["size"] == "64"
    app.text_input(key="compare.view.size").set_value("1.5").run()
    assert "size" in app.error[0].value
    assert not app.exception
    app.text_input(key="compare.view.size").set_value("1").run()
    assert len(app.error) == 1


def test_the_tables_can_be_exported() -> None:
    app = open_page(a="lenet5", b="mnist-fc")
    app.session_state["compare.export"] = True
    app.run()
    assert not app.exception
    assert r"\begin{tabular}" in app.code[0].value
    app.selectbox(key="compare.export.format").set_value("xlsx").run()
    assert not app.exception
    assert [button.proto.label for button in app.get("download_button")] == ["Download comparison.xlsx"]
