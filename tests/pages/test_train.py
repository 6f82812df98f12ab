"""The Train page, without a browser: form, link, network, recipe, resources and cost."""

import json
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest
import torch
from streamlit.testing.v1 import AppTest

from explorer.data import load, preview
from explorer.errors import ExplorerError
from explorer.families import resolve, saved
from explorer.jobs.estimate import Throughput
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Status, Store
from explorer.recipes import RECIPES, Recipe
from explorer.training.fitting import adapt
from explorer.ui.shared.train_form import Form
from explorer.ui.train import cost
from tests.helpers import made_runs
from tests.pages import helpers
from tests.pages.helpers import metrics, problem
from tests.pages.train_page import LR, PACE, SUBMIT, form, open_page, run_until_idle, words

pytestmark = pytest.mark.usefixtures("server")


# The form and its link


def test_the_first_visit_is_ready_to_train_the_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    app = run_until_idle(open_page())
    assert problem(app) == ""
    # 1,438 training images, a tenth of each class held out; 21 steps of 64. See estimate_seconds.
    found = metrics(app)
    assert (found["Train"], found["Validation"], found["Test"]) == ("1,295", "143", "359")
    assert found["Time"] == "≈ 13 s"
    assert "It fits" in words(app)
    assert "56,714 parameters" in words(app)
    assert not app.button(key=SUBMIT).disabled
    assert dict(app.query_params) == {"net": "digits-cnn"}
    balance, rate = (go.Figure(json.loads(chart.proto.spec)) for chart in app.get("plotly_chart"))  # refuses no figure
    assert sum(sum(bar.y) for bar in balance.data) == 1797
    assert max(rate.data[0].y) == form(app).recipe.lr
    monkeypatch.setattr(cost, "has_ready_process", lambda: True)
    assert metrics(app.run())["Time"] == "≈ 12 s"


def test_the_complete_form_is_restored_from_its_link() -> None:
    app = open_page(net="vgg16-cifar10", dropout="0.2", recipe="r0")
    app.number_input(key=LR).set_value(3e-5)
    app.selectbox(key="train.recipe.schedule").set_value("step")
    app.number_input(key="train.recipe.clip_norm").set_value(2.5)
    app.text_input(key="train.recipe.mean").set_value("0.1, 0.2, 0.3")
    app.text_input(key="train.recipe.std").set_value("0.5 0.5 0.5")
    app.pills(key="train.recipe.augment").set_value(["cutout"])
    app.text_input(key="train.title").set_value("Mine; yours & ours")
    app.number_input(key="train.resources.threads").set_value(1.0)
    app.run()
    app.number_input(key="train.recipe.step_size").set_value(7.0).run()
    assert problem(app) == ""
    app.button(key="train-sweep-example").click().run()
    link = dict(app.query_params)
    assert set(link) == {
        "net", "dropout", "recipe", "lr", "schedule", "clip_norm", "mean", "std", "augment", "title", "threads",
        "step_size", "sweep",
    }  # fmt: skip
    assert form(open_page(**link)) == form(app)
    assert form(app).recipe == RECIPES["r0"].recipe.changed(
        lr=3e-5, schedule="step", step_size=7, clip_norm=2.5, mean=[0.1, 0.2, 0.3], std=[0.5] * 3, augment=["cutout"]
    )


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_opens_with_its_title_and_source(name: str) -> None:
    app = open_page()
    app.selectbox(key="train.preset").set_value(name).run()
    assert form(app).recipe == RECIPES[name].recipe
    assert RECIPES[name].source in words(app)
    assert app.query_params.get("recipe", "default") == name
    assert app.button(key="train-reset").disabled


def test_each_invalid_part_of_a_link_is_explained() -> None:
    app = open_page(
        net="vgg99", dataset="/etc/passwd", recipe="nope", device="tpu", sweep="a=1;" * 9, weights="/x", foo="1"
    )
    text = problem(app)
    for part in ("'vgg99'", "'/etc/passwd'", "'nope'", "'tpu'", "sweep: more than 6 fields", "'foo'"):
        assert part in text
    assert form(app) == Form()
    assert "/etc/passwd" in app.query_params["dataset"]  # until the first edit
    app.number_input(key=LR).set_value(0.01).run()
    assert problem(app) == ""
    assert set(app.query_params) == {"net", "lr"}


@pytest.mark.parametrize(
    ("wrong", "rules"),
    [
        ({"lr": "fast"}, ["lr: 'fast' is not a number"]),
        ({"lr": "20", "seed": "-1", "augment": "flip,twirl", "ema": "2", "gamma": "x"},
         ["lr: 20 ", "seed: -1 ", "'twirl'", "ema: 2 ", "gamma: 'x' "]),
        ({"weights": "/etc/hostname", "lr": "0"}, ["none called '/etc/hostname'", "lr: 0 "]),
        ({"recipe": "nope"}, ["recipe: 'nope'"]),
        ({"warmup_epochs": "50"}, ["warmup_epochs: 50.0 "]),
        ({"epochs": "8", "warmup_epochs": "9", "optimizer": "nesterov", "momentum": "0", "mean": "0.5", "std": ".2,.3"},
         ["left out: optimizer, momentum", "left out: epochs, warmup_epochs", "left out: mean, std"]),
    ],
)  # fmt: skip
def test_an_invalid_field_of_a_link_does_not_affect_the_others(wrong: dict[str, str], rules: list[str]) -> None:
    right = {"batch_size": "32", "label_smoothing": "0", "augment": "flip", "patience": "5"}
    found, problems = Form.from_link({**right, **wrong})
    for rule in rules:
        assert rule in " ".join(problems)
    assert len(problems) <= len(rules)
    assert found.changes == Form.from_link({key: text for key, text in right.items() if key not in wrong})[0].changes


def test_the_page_names_the_field_that_it_left_out() -> None:
    app = open_page(lr="fast", batch_size="32")
    assert "lr: 'fast' is not a number" in problem(app)
    assert form(app).changes == {"batch_size": 32}
    app.number_input(key=LR).set_value(0.01).run()
    assert problem(app) == ""
    assert set(app.query_params) == {"net", "lr", "batch_size"}


@pytest.mark.parametrize("path", ["/etc/hostname", "../runs", "uploaded:../../etc/passwd", "uploaded:x-0123456789.zip"])
def test_no_link_reads_the_servers_files(path: str) -> None:
    app = open_page(dataset=path)
    assert "dataset" in problem(app)
    assert form(app).data == "digits"


def test_weights_of_a_link_may_belong_to_a_run(server: Store) -> None:
    assert "there are none called '/etc/hostname'" in problem(open_page(weights="/etc/hostname"))
    job = Job.new(resolve("digits-cnn"), "digits", Recipe(), Resources())
    server.add([job])
    app = open_page(weights=job.id)
    assert form(app).recipe.weights == job.id
    assert problem(app) == ""


def test_a_chosen_run_stays_chosen_after_it_is_renamed(server: Store) -> None:
    ids = [made_runs.add(server, name, Status.FINISHED) for name in ("apple", "pear")]
    for job in ids:
        made_runs.write_weights(job)
    app = open_page()
    weights(app).select(ids[0]).run()
    assert form(app).recipe.weights == ids[0]
    server.change(ids[0], Status, name="plum")
    for epochs in (3.0, 4.0):  # the browser keeps the name that it displays
        app.number_input(key="train.recipe.epochs").set_value(epochs).run()
        assert form(app).recipe.weights == ids[0]
        assert problem(app) == ""
    assert weights(app).options[weights(app).index].startswith("▶ plum · ")


def weights(app: AppTest) -> Any:
    """Returns the choice of the starting weights. Its key ends with a digest of its options."""
    return next(box for box in app.selectbox if box.label.startswith("Start from"))


def test_the_form_is_unchanged_after_a_visit_to_another_page() -> None:
    app = open_page()
    app.number_input(key=LR).set_value(0.02).run()
    app.switch_page("../pages/kernels.py").run()
    app.query_params.clear()
    app.switch_page("../pages/train.py").run()
    assert form(app).recipe.lr == 0.02
    assert app.number_input(key=LR).value == 0.02


def test_an_older_link_restores_the_older_form() -> None:
    app = open_page()
    before = dict(app.query_params)
    app.number_input(key=LR).set_value(0.02).run()
    app.query_params.clear()
    for key, value in before.items():
        app.query_params[key] = value
    app.run()
    assert form(app).recipe.lr == Recipe().lr
    assert app.number_input(key=LR).value == Recipe().lr


# Network


def test_a_network_is_taken_from_the_architecture_page_and_back() -> None:
    app = helpers.open_page("architecture", net="vgg11", batch_norm="true")
    app.switch_page("../pages/train.py")
    app.query_params.clear()
    app.run()
    assert form(app).spec == resolve("vgg11-bn")
    app.number_input(key=LR).set_value(0.02).run()
    app.switch_page("../pages/architecture.py").run()
    (onward,) = [link for link in app.get("page_link") if link.proto.label == "Train"]
    assert "lr=0.02" in onward.proto.query_string


def shown_changes(app: AppTest) -> int:
    """Assert that the page says how the network is adapted to the digits. Returns the number of changes."""
    _spec, _data, changes = adapt(form(app).spec, load("digits"), keep_channels=False)
    assert all(change in words(app) for change in changes)
    return len(changes)


def test_saved_networks_are_offered() -> None:
    saved.save("ours", resolve("lenet5").changed(num_classes=7))
    app = open_page()
    app.selectbox(key="train.network").set_value("saved:ours").run()
    assert form(app).spec.num_classes == 7
    assert shown_changes(app) == 1
    saved.delete("ours")
    app.selectbox(key="train.network").options.append("saved:ours")
    app.selectbox(key="train.network").set_value("saved:ours").run()
    assert "there is no architecture 'ours'" in problem(app)


def test_changes_for_the_data_are_shown() -> None:
    app = open_page(net="vgg16")
    assert shown_changes(app) == 2
    assert "resized from 8 × 8 to 224 × 224 pixels" in words(app)


@pytest.mark.parametrize("name", ["lenet5", "vgg16", "resnet20", "googlenet", "torchvision:mobilenet_v2"])
def test_every_family_can_train_or_shows_an_error(name: str) -> None:
    app = open_page(net=name)
    assert not app.exception
    assert app.button(key=SUBMIT).disabled == bool(app.error)


# Recipe


def test_an_invalid_field_shows_its_error_and_the_others_apply() -> None:
    app = open_page()
    app.number_input(key=LR).set_value(-1.0)
    app.number_input(key="train.recipe.epochs").set_value(2.5)
    app.number_input(key="train.recipe.batch_size").set_value(32.0)
    app.run()
    assert "lr: -1.0 is not above 0" in words(app)
    assert "epochs: 2.5 " in words(app)
    assert form(app).recipe == Recipe(batch_size=32)
    assert app.button(key=SUBMIT).disabled
    assert set(app.query_params) == {"net", "batch_size"}
    app.number_input(key=LR).set_value(0.1)
    app.number_input(key="train.recipe.epochs").set_value(2.0)
    app.run()
    assert form(app).recipe == Recipe(batch_size=32, lr=0.1, epochs=2)
    assert not app.button(key=SUBMIT).disabled


def test_unused_fields_are_hidden_and_keep_their_values() -> None:
    app = open_page()

    def shown() -> set[str]:
        keys = [widget.key or "" for widget in app.number_input]
        return {key.rpartition(".")[2] for key in keys if key.startswith("train.recipe.")}

    assert not {"step_size", "gamma", "patience", "threshold", "aux_weight"} & shown()
    app.selectbox(key="train.recipe.schedule").set_value("step").run()
    assert {"step_size", "gamma"} <= shown()
    app.number_input(key="train.recipe.step_size").set_value(4.0).run()
    app.selectbox(key="train.recipe.schedule").set_value("plateau").run()
    assert {"gamma", "patience", "threshold"} <= shown()
    assert "step_size" not in shown()
    app.selectbox(key="train.recipe.schedule").set_value("step").run()
    assert app.number_input(key="train.recipe.step_size").value == 4
    assert "aux_weight" in {
        widget.key.rpartition(".")[2] for widget in open_page(net="googlenet").number_input if widget.key
    }


def test_changes_are_marked_and_can_be_reset() -> None:
    app = open_page()
    app.number_input(key=LR).set_value(0.01).run()
    assert app.number_input(key=LR).label == "Learning rate ●"
    assert "lr 0.001 → 0.01" in words(app)
    app.button(key="train-reset").click().run()
    assert form(app).recipe == Recipe()
    assert app.number_input(key=LR).label == "Learning rate"


def test_contradicting_fields_are_explained() -> None:
    app = open_page()
    app.text_input(key="train.recipe.mean").set_value("0.5").run()
    assert "std: null while mean is given" in words(app)
    app.text_input(key="train.recipe.std").set_value("0.5").run()
    assert form(app).recipe.mean == (0.5,)


# Resources, cost


def test_resources_are_those_of_the_machine() -> None:
    app = open_page()
    assert app.selectbox(key="train.resources.device").options[:2] == ["Auto", "CPU"]
    app.number_input(key="train.resources.processes").set_value(1000.0).run()
    assert "processes: 1000 " in words(app)
    assert app.button(key=SUBMIT).disabled


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_missing_device_in_a_link_is_refused() -> None:
    assert "this machine has no cuda" in problem(open_page(device="cuda"))


def test_memory_is_compared_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_memory(free: int, total: int) -> str:
        memory = type("Memory", (), {"available": free, "total": total})
        monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
        return words(open_page(net="vgg16", batch_size="256"))

    memory = cost.estimate_memory(resolve("vgg16"), Recipe(batch_size=256), Resources(), preview.expected("digits"))
    assert memory is not None
    needed = memory.needed
    assert needed > 13e9  # the forward pass of VGG-16 needs 58 MB of maps an image
    assert "It fits" in with_memory(2 * needed, 2 * needed)
    assert "It is tight" in with_memory(needed // 2, 2 * needed)
    assert "It does not fit" in with_memory(needed // 2, needed // 2)


def test_a_failed_measurement_does_not_prevent_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_key: str, _progress: object) -> Throughput:
        raise ExplorerError("short of memory")

    monkeypatch.setattr(cost.throughputs, "work", fail)
    app = run_until_idle(open_page())
    assert "short of memory" in words(app)
    assert not app.button(key=SUBMIT).disabled


def test_only_fields_that_affect_the_throughput_cause_a_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[dict[str, object]] = []

    def measure(key: str, _progress: object) -> Throughput:
        measured.append(json.loads(key))
        return PACE

    monkeypatch.setattr(cost.throughputs, "work", measure)
    app = run_until_idle(open_page())
    for name, value in (("lr", 0.02), ("epochs", 60.0), ("seed", 3.0)):
        app.number_input(key=f"train.recipe.{name}").set_value(value).run()
        run_until_idle(app)
    assert len(measured) == 1
    assert metrics(app)["Time"] == "≈ 23 s"
    app.number_input(key="train.recipe.batch_size").set_value(32.0).run()
    run_until_idle(app)
    assert len(measured) == 2


def test_the_empty_link_is_the_default_form() -> None:
    assert replace(Form(), recipe=Recipe()) == Form.from_link(Form().to_link())[0]
