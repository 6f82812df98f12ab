"""The reasons on the Predict page, without a browser."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from explorer.prediction import cams, reasons
from explorer.prediction.occlusion import OcclusionResult, Patch
from explorer.settings import settings
from explorer.specs.size import Size
from explorer.ui.predict import channels, heat, paint, scores
from explorer.ui.predict.reason import compute_once
from explorer.weights.files import save
from explorer.workers import semaphore
from tests.helpers.explained import make_network
from tests.pages.helpers import problem
from tests.pages.predict_page import box, open_page, save_weights, words

pytestmark = pytest.mark.usefixtures("predict_server")


def grid_data(app: AppTest, key: str) -> dict[str, Any]:
    """The data of a grid of pictures."""
    assert not app.exception
    for element in app.get("bidi_component"):
        if element.proto.id.endswith(key):
            data: dict[str, Any] = json.loads(element.proto.json)
            return data
    raise AssertionError(f"{key} is not on the page")


def caption_text(app: AppTest) -> str:
    return " ".join(caption.value.replace("\\", "") for caption in app.caption)


def test_the_page_opens_with_a_class_activation_map() -> None:
    app = open_page()
    three = grid_data(app, "predict.cam")["items"]
    assert [one["label"] for one in three] == ["Grad-CAM", "Heat alone", "What the network sees"]
    assert "Grad-CAM for cat, laid over the picture; most in row" in three[0]["alt"]
    assert all(one["url"].startswith("data:image/webp;base64,") for one in three)
    assert "not what speaks against it" in caption_text(app)
    assert box(app, "layer").options[0] == "The usual one: layer3.2.relu · ReLU · 64 × 8 × 8"
    assert app.query_params == {}


def test_class_layer_and_method_are_in_the_link() -> None:
    app = open_page()
    first = grid_data(app, "predict.cam")["items"][1]["url"]
    box(app, "cls").select(5).run()
    box(app, "layer").select("layer3.2.conv1").run()
    box(app, "method").select("layercam").run()
    assert app.query_params == {"cls": "5", "layer": "layer3.2.conv1", "method": "layercam"}
    later = grid_data(app, "predict.cam")["items"]
    assert later[1]["url"] != first
    assert later[0]["alt"].startswith("LayerCAM for dog")
    again = open_page(cls="5", layer="layer3.2.conv1", method="layercam")
    assert grid_data(again, "predict.cam")["items"] == later


def test_classes_with_equal_names_can_be_explained() -> None:
    save_weights(settings().weights_dir / "twins.safetensors", classes=("odd", "even") * 5)
    app = open_page(weights="twins")
    for index in (1, 3, 5, 7):
        options = box(app, "cls").options
        place = next(place for place, option in enumerate(options) if option.startswith(f"even (output {index}), "))
        box(app, "cls").select_index(place).run()
        assert app.query_params["cls"] == str(index)


def test_all_methods_side_by_side() -> None:
    labels = [one["label"] for one in grid_data(open_page(method="all"), "predict.cams")["items"]]
    assert labels == ["Grad-CAM", "Grad-CAM++", "HiResCAM", "LayerCAM", "Eigen-CAM"]


def test_a_map_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = []
    monkeypatch.setattr(cams, "_check_memory", lambda *_: checks.append(1))
    app = open_page(weights="digits-cnn")
    app.slider("predict.opacity").set_value(80).run()
    assert not app.exception
    assert len(checks) == 1


def test_invalid_fields_of_the_link_are_reset() -> None:
    app = open_page(cls="77", layer="layer9", method="magic", weights="digits-cnn")
    warnings = " ".join(warning.value.replace("\\", "") for warning in app.warning)
    assert "There is no method magic" in warnings
    assert "The network has no class 77" in warnings
    assert "'layer9'" in warnings
    assert " – you see " in warnings
    assert {warning.icon for warning in app.warning} == {":material/link_off:"}
    assert grid_data(app, "predict.cam")
    assert app.query_params == {"weights": "digits-cnn"}


def test_a_network_without_maps() -> None:
    app = open_page(weights="mnist-fc")
    assert any("Occlusion works for any network" in info.value for info in app.info)
    app.segmented_control("predict.view.why").set_value("maps").run()
    assert any("has no maps" in info.value for info in app.info)
    app.segmented_control("predict.view.why").set_value("filters").run()
    assert len(grid_data(app, "predict.filters")["items"]) == 8
    assert problem(app) == ""


def test_either_of_two_networks_can_be_explained() -> None:
    app = open_page(beside="digits-cnn", weights="mnist-cnn", image="framed-3", layer="features.0", cls="2")
    header = [header.value for header in app.header]
    assert header == [r"Why mnist\-cnn says so"]
    assert app.segmented_control("predict.whose").options == ["mnist-cnn", "digits-cnn"]
    app.segmented_control("predict.whose").set_value("second").run()
    assert [header.value for header in app.header] == [r"Why digits\-cnn says so"]
    # Choices for one network do not apply to the other.
    checks = {"beside": "digits-cnn", "weights": "mnist-cnn", "image": "framed-3"}
    assert app.query_params == {**checks, "whose": "second"}
    assert "4 × 4" in box(app, "layer").options[0]
    assert problem(app) == ""
    again = open_page(**checks, whose="second", cls="4")
    assert [header.value for header in again.header] == [r"Why digits\-cnn says so"]
    assert again.query_params["cls"] == "4"
    box(again, "beside").select("").run()
    assert [header.value for header in again.header] == ["Why"]
    assert "cls" not in again.query_params


def test_feature_maps_and_the_unit_of_the_link() -> None:
    app = open_page(why="maps", layer="layer1.0.conv1", unit="3.4.5")
    grid = grid_data(app, "predict.channels")
    assert [one["channel"] for one in grid["channels"]].index(3) >= 0
    assert len(grid["channels"]) == 16
    written = [one["label"].partition(": ")[2] for one in grid["channels"]]
    assert len({len(number.partition(".")[2]) for number in written}) == 1  # decimals
    assert max(map(float, written)) > 0
    chosen = grid_data(app, "predict.unit.follow")
    assert (chosen["unit"], chosen["extra"], chosen["version"]) == ([3, 4, 5], None, grid["version"])
    assert (grid["spans"]["rows"][4], grid["spans"]["columns"][5]) == ([2, 6], [3, 7])
    assert grid["spans"]["rows"][0] == [-2, 2]
    box(app, "layer").select("layer3.2.relu").run()
    assert "unit" not in app.query_params
    grid = grid_data(app, "predict.channels")
    assert grid["spans"]["rows"][0][1] - grid["spans"]["rows"][0][0] + 1 == 81
    assert (len(grid["channels"]), grid["sides"]) == (48, [32, 32])
    app.number_input("predict.maps.page.layer3.2.relu.strength").set_value(2).run()
    assert len(grid_data(app, "predict.channels")["channels"]) == 16
    assert grid_data(app, "predict.unit.follow")["extra"]["channel"] == grid_data(app, "predict.unit.follow")["unit"][0]


def test_the_values_of_the_channels_are_those_of_the_network() -> None:
    torch.manual_seed(3)
    maps = torch.randn(50, 90, 90).relu()
    whole = channels._encoded(maps[:2], limits := channels._limits(maps[:2]))
    levels = np.frombuffer(base64.b64decode(whole), "<u2").reshape(2, 90, 90)
    least, most = limits.numpy()[:, :, None, None].transpose(1, 0, 2, 3)
    assert np.abs(least + (most - least) * levels / 65535 - maps[:2].numpy()).max() < 1e-4
    # Larger maps are sent smaller, so that a choice among many channels stays light.
    assert channels._reduced(maps).numel() <= channels.MAX_VALUES
    assert torch.equal(channels._reduced(maps[:2]), maps[:2])


def test_the_order_of_the_channels() -> None:
    app = open_page(why="maps", weights="digits-cnn")
    strengths = [float(one["label"].split(": ")[1]) for one in grid_data(app, "predict.channels")["channels"]]
    assert strengths == sorted(strengths, reverse=True)
    assert (
        grid_data(app, "predict.unit.follow")["unit"][0] == grid_data(app, "predict.channels")["channels"][0]["channel"]
    )
    assert app.query_params == {"why": "maps", "weights": "digits-cnn"}
    app.segmented_control("predict.view.order").set_value("number").run()
    assert app.query_params["order"] == "number"
    for one in (app, open_page(why="maps", weights="digits-cnn", order="number")):
        numbers = [item["channel"] for item in grid_data(one, "predict.channels")["channels"]]
        assert numbers == list(range(len(numbers)))


def test_the_default_channel_is_not_dead() -> None:
    link = {"why": "maps", "weights": "vgg16-cifar10", "image": "cat", "layer": "features.29"}
    app = open_page(**link)
    first = grid_data(app, "predict.channels")["channels"][0]
    assert first["least"] < first["most"]
    opened = grid_data(app, "predict.unit.follow")["unit"]
    assert opened[0] == first["channel"]
    app.segmented_control("predict.view.order").set_value("number").run()
    assert grid_data(app, "predict.unit.follow")["unit"] == opened
    # The page with that channel.
    assert opened[0] in [one["channel"] for one in grid_data(app, "predict.channels")["channels"]]


def test_the_described_colours_are_right() -> None:
    """Purple: red and blue without green; yellow: red and green without blue."""
    for place, lit, dark in ((0.0, [0, 2], [1]), (1.0, [0, 1], [2])):
        colour = paint.heat(torch.full((1, 1), place))[:, 0, 0].int()
        assert colour[lit].min() > 2 * colour[dark].max()
    assert "Dark purple is the least" in caption_text(open_page(weights="digits-cnn"))
    maps = open_page(weights="digits-cnn", why="maps")
    assert "Dark purple is the least" in grid_data(maps, "predict.channels")["words"]["note"]


def test_a_missing_unit_has_a_warning() -> None:
    app = open_page(why="maps", unit="900.0.0")
    assert any("no unit 900.0.0" in warning.value for warning in app.warning)


def test_filters() -> None:
    app = open_page(why="filters")
    assert len(grid_data(app, "predict.filters")["items"]) == 16
    assert "16 filters of 3 × 3 pixels in red, green and blue" in caption_text(app)


def test_occlusion_is_computed_on_request_and_cached() -> None:
    app = open_page(why="occlusion", weights="digits-cnn")
    assert "64 pictures are predicted" in caption_text(app)
    assert "with one patch" not in words(app)
    next(button for button in app.button if button.label == "Cover and measure").click().run()
    assert "with one patch over the picture it lies between" in words(app)
    assert grid_data(app, "predict.occluded")["items"][0]["label"] == "Occlusion"
    app.slider("predict.opacity").set_value(20).run()
    assert "with one patch" in words(app)


def test_a_unit_in_the_padding(tmp_path: Path) -> None:
    network = make_network(
        {
            "family": "vgg", "cfg": ["4:1p2"], "pool_to": 1, "classifier": [], "image_size": 8, "num_classes": 2,
            "in_channels": 3,
        }
    )  # fmt: skip
    (tmp_path / "weights").mkdir()
    save(tmp_path / "weights/padded.safetensors", network.module.state_dict(), network.card)
    app = open_page(weights="padded", why="maps", layer="features.0", unit="0.0.0")
    assert grid_data(app, "predict.channels")["spans"]["rows"][0][1] < 0


def test_a_waiting_session_uses_the_result_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    network, picture = SimpleNamespace(key="network"), SimpleNamespace(identity="picture")
    done = []

    @contextmanager
    def slot(_on_wait: object) -> Iterator[None]:
        done.append("turn")
        reasons.save_cached(network, picture, "maps", torch.ones(2))  # type: ignore[arg-type]
        yield

    monkeypatch.setattr(semaphore, "slot", slot)
    case: Any = SimpleNamespace(network=network, picture=picture)
    found = compute_once(case, "maps", lambda: pytest.fail("computed again"), lambda: done.append("imported"))
    assert found.tolist() == [1, 1]
    assert done == ["imported", "turn"]


def test_two_sessions_compute_the_same_occlusion_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, began = [], Event()

    def cover(*_args: object) -> OcclusionResult:
        calls.append(1)
        began.set()
        assert waits.wait(60)
        return OcclusionResult(torch.ones(8, 8), torch.tensor([0.1, 0.2]))

    waits = Event()
    monkeypatch.setattr(heat, "occlusion", cover)
    monkeypatch.setattr("streamlit.delta_generator.DeltaGenerator.info", lambda *_args, **_named: waits.set())
    network = SimpleNamespace(key="network", card=SimpleNamespace(inputs=SimpleNamespace(sides=Size(8, 8))))
    case: Any = SimpleNamespace(network=network, picture=SimpleNamespace(identity="picture"), image=None)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(heat._compute_occlusion, case, 3, Patch(4, 2))
        assert began.wait(60)
        second = pool.submit(heat._compute_occlusion, case, 3, Patch(4, 2))
        assert torch.equal(first.result().fall, second.result().fall)
    assert calls == [1]


def test_a_map_of_a_small_network_is_scored_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "AT_ONCE", 1e9)
    app = open_page(weights="mnist-cnn")
    assert any(metric.label.startswith("Deletion") for metric in app.metric)
    assert not [button for button in app.button if button.key == "predict.score"]


def test_a_map_of_a_large_network_is_scored_on_request() -> None:
    app = open_page(weights="digits-cnn")
    assert "136 predictions, 1" in caption_text(app)
    assert not any(metric.label.startswith("Deletion") for metric in app.metric)
    app.button("predict.score").click().run()
    shown = {metric.label.partition(",")[0]: float(metric.value) for metric in app.metric}
    assert {"Deletion", "Insertion", "Like random weights"} <= shown.keys()
    assert all(0 <= shown[name] <= 1 for name in ("Deletion", "Insertion", "Like random weights"))
    assert any("comparisons with the maps of random weights" in one.value for one in app.markdown)
    app.slider("predict.opacity").set_value(80).run()
    assert any(metric.label.startswith("Deletion") for metric in app.metric)  # from the cache


def test_maps_side_by_side_are_scored_in_one_table() -> None:
    app = open_page(weights="digits-cnn", method="all")
    assert not app.table
    app.button("predict.score").click().run()
    assert problem(app) == ""
    table = app.table[0].value
    assert len(table) == len(cams.Method)
    own = table.iloc[:, 1].str.extract(r"^([0-9.]+) \(random weights")[0].astype(float)
    assert own.between(0, 1).all()
    app = open_page(weights="digits-cnn", method="gradcam")
    alone = next(float(metric.value) for metric in app.metric if metric.label.startswith("Deletion"))
    assert alone == own[0], "the map by itself has the same score, from the cache"


def test_the_reach_of_a_unit_before_and_after_training() -> None:
    app = open_page(weights="digits-cnn", why="reach", layer="features.2")
    app.button("predict.reach.measure").click().run()
    assert problem(app) == ""
    sentences = [one.value for one in app.markdown if "are effective" in one.value]
    assert len(sentences) == 2
    assert all("of the 3 × 3 that it can see" in one for one in sentences)  # one convolution of 3 by 3
    app.segmented_control("predict.reach.images").set_value(True).run()
    assert not any("are effective" in one.value for one in app.markdown)
    app.button("predict.reach.measure").click().run()
    assert any("**9 pixels** are effective" in one.value for one in app.markdown)
    app = open_page(weights="mnist-fc", why="reach")
    assert any("has no maps" in info.value for info in app.info)
