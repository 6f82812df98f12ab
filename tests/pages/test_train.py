"""The Train page in every state, without a browser."""

import io
import json
from dataclasses import replace

import pytest
import torch

from explorer.data import preview
from explorer.errors import ExplorerError
from explorer.jobs.estimate import Pace
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Store, store
from explorer.recipes import RECIPES, Recipe
from explorer.specs import resolve, saved
from explorer.ui.train import cost, submit, uploads
from explorer.ui.train.form import Form
from tests.pages import helpers
from tests.pages.helpers import metrics, problem
from tests.pages.train_page import LR, PACE, SUBMIT, form, open_page, settle, words

pytestmark = pytest.mark.usefixtures("server")


# The form and its link


def test_the_first_visit_is_ready_to_train_the_digits() -> None:
    app = settle(open_page())
    assert problem(app) == ""
    # 1,438 images to train with, a tenth of each class held out; 21 steps of 64; see estimate.seconds.
    found = metrics(app)
    assert (found["Train"], found["Validation"], found["Test"]) == ("1,295", "143", "359")
    assert found["Time"] == "about 13 s"
    assert "It fits" in words(app)
    assert "56,714 parameters" in words(app)
    assert not app.button(key=SUBMIT).disabled
    assert dict(app.query_params) == {"net": "digits-cnn"}


def test_the_whole_form_comes_back_from_its_link() -> None:
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


def test_a_link_of_nonsense_is_explained_part_by_part() -> None:
    app = open_page(
        net="vgg99", dataset="/etc/passwd", recipe="nope", device="tpu", sweep="a=1;" * 9, weights="/x", foo="1"
    )
    said = problem(app)
    for part in ("'vgg99'", "'/etc/passwd'", "'nope'", "'tpu'", "sweep: more than 6 fields", "'foo'"):
        assert part in said
    assert form(app) == Form()
    assert "/etc/passwd" in app.query_params["dataset"]  # until the first edit
    app.number_input(key=LR).set_value(0.01).run()
    assert problem(app) == ""
    assert set(app.query_params) == {"net", "lr"}


@pytest.mark.parametrize("path", ["/etc/hostname", "../runs", "uploaded:../../etc/passwd", "uploaded:x-0123456789.zip"])
def test_no_link_reads_the_servers_files(path: str) -> None:
    app = open_page(dataset=path)
    assert "dataset" in problem(app)
    assert form(app).data == "digits"


def test_weights_of_a_link_are_those_of_a_run(server: Store) -> None:
    assert "there is no run '/etc/hostname'" in problem(open_page(weights="/etc/hostname"))
    job = Job.new(resolve("digits-cnn"), "digits", Recipe(), Resources())
    server.add([job])
    app = open_page(weights=job.id)
    assert form(app).recipe.weights == job.id
    assert problem(app) == ""


def test_back_from_another_page_the_form_is_as_it_was() -> None:
    app = open_page()
    app.number_input(key=LR).set_value(0.02).run()
    app.switch_page("../pages/kernels.py").run()
    app.query_params.clear()
    app.switch_page("../pages/train.py").run()
    assert form(app).recipe.lr == 0.02
    assert app.number_input(key=LR).value == 0.02


def test_an_older_link_steps_back() -> None:
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


def test_a_network_from_the_architecture_page_and_back() -> None:
    app = helpers.open_page("architecture", net="vgg11", batch_norm="true")
    app.switch_page("../pages/train.py")
    app.query_params.clear()
    app.run()
    assert form(app).spec == resolve("vgg11-bn")
    app.number_input(key=LR).set_value(0.02).run()
    app.switch_page("../pages/architecture.py").run()
    (onward,) = [link for link in app.get("page_link") if link.proto.label == "Train"]
    assert "lr=0.02" in onward.proto.query_string


def test_saved_networks_are_offered() -> None:
    saved.save("ours", resolve("lenet5").changed(num_classes=7))
    app = open_page()
    app.selectbox(key="train.network").set_value("saved:ours").run()
    assert form(app).spec.num_classes == 7
    assert "The network has 10 classes, as the data; the spec had 7." in words(app)
    saved.delete("ours")
    app.selectbox(key="train.network").options.append("saved:ours")
    app.selectbox(key="train.network").set_value("saved:ours").run()
    assert "there is no architecture 'ours'" in problem(app)


def test_what_changes_for_the_data_is_said() -> None:
    app = open_page(net="vgg16")
    said = words(app)
    assert "The network has 10 classes, as the data; the spec had 1000." in said
    assert "The network takes images of 1 channels, as the data; the spec had 3." in said
    assert "resized from 8 × 8 to 224 × 224 pixels" in said


@pytest.mark.parametrize("name", ["lenet5", "vgg16", "resnet20", "googlenet", "torchvision:mobilenet_v2"])
def test_every_family_trains_or_says_why_not(name: str) -> None:
    app = open_page(net=name)
    assert not app.exception
    assert app.button(key=SUBMIT).disabled == bool(app.error)


# Recipe


def test_what_breaks_a_rule_is_said_beside_its_field_and_the_rest_counts() -> None:
    app = open_page()
    app.number_input(key=LR).set_value(-1.0)
    app.number_input(key="train.recipe.epochs").set_value(2.5)
    app.number_input(key="train.recipe.batch_size").set_value(32.0)
    app.run()
    assert "lr: -1.0 is not above 0" in words(app)
    assert "epochs: 2.5 is not a whole number" in words(app)
    assert form(app).recipe == Recipe(batch_size=32)
    assert app.button(key=SUBMIT).disabled
    assert set(app.query_params) == {"net", "batch_size"}
    app.number_input(key=LR).set_value(0.1)
    app.number_input(key="train.recipe.epochs").set_value(2.0)
    app.run()
    assert form(app).recipe == Recipe(batch_size=32, lr=0.1, epochs=2)
    assert not app.button(key=SUBMIT).disabled


def test_fields_that_change_nothing_are_hidden_and_come_back() -> None:
    app = open_page()

    def shown() -> set[str]:
        return {widget.key.rpartition(".")[2] for widget in app.number_input if widget.key.startswith("train.recipe.")}

    assert not {"step_size", "gamma", "patience", "threshold", "aux_weight"} & shown()
    schedule = app.selectbox(key="train.recipe.schedule")
    schedule.set_value("step").run()
    assert {"step_size", "gamma"} <= shown()
    app.number_input(key="train.recipe.step_size").set_value(4.0).run()
    schedule = app.selectbox(key="train.recipe.schedule").set_value("plateau").run()
    assert {"gamma", "patience", "threshold"} <= shown()
    assert "step_size" not in shown()
    app.selectbox(key="train.recipe.schedule").set_value("step").run()
    assert app.number_input(key="train.recipe.step_size").value == 4
    assert "aux_weight" in {
        widget.key.rpartition(".")[2] for widget in open_page(net="googlenet").number_input if widget.key
    }


def test_changes_are_marked_and_taken_back() -> None:
    app = open_page()
    app.number_input(key=LR).set_value(0.01).run()
    assert app.number_input(key=LR).label == "Learning rate ●"
    assert "lr 0.001 → 0.01" in words(app)
    app.button(key="train-reset").click().run()
    assert form(app).recipe == Recipe()
    assert app.number_input(key=LR).label == "Learning rate"


def test_two_fields_that_do_not_go_together() -> None:
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
    assert "processes: 1000 is above the most allowed, 64" in words(app)
    assert app.button(key=SUBMIT).disabled


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there_is_refused_in_a_link() -> None:
    assert "this machine has no cuda" in problem(open_page(device="cuda"))


def test_memory_is_judged_against_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_memory(free: int, there: int) -> str:
        memory = type("Memory", (), {"available": free, "total": there})
        monkeypatch.setattr(cost.psutil, "virtual_memory", lambda: memory)
        return words(open_page(net="vgg16", batch_size="256"))

    needed = cost.room(resolve("vgg16"), Recipe(batch_size=256), Resources(), preview.expected("digits")).needed
    assert needed > 13e9  # VGG-16 keeps 58 MB of maps an image in the forward pass alone
    assert "It fits" in with_memory(2 * needed, 2 * needed)
    assert "It is tight" in with_memory(needed // 2, 2 * needed)
    assert "It does not fit" in with_memory(needed // 2, needed // 2)


def test_a_failed_measurement_says_so_and_nothing_else_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_key: str, _progress: object) -> Pace:
        raise ExplorerError("the process failed: short of memory")

    monkeypatch.setattr(cost.pace, "work", fail)
    app = settle(open_page())
    assert "short of memory" in words(app)
    assert not app.button(key=SUBMIT).disabled


def test_only_what_the_pace_depends_on_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    def measure(key: str, _progress: object) -> Pace:
        asked.append(json.loads(key))
        return PACE

    monkeypatch.setattr(cost.pace, "work", measure)
    app = settle(open_page())
    for name, value in (("lr", 0.02), ("epochs", 60.0), ("seed", 3.0)):
        app.number_input(key=f"train.recipe.{name}").set_value(value).run()
        settle(app)
    assert len(asked) == 1
    assert metrics(app)["Time"] == "about 23 s"
    app.number_input(key="train.recipe.batch_size").set_value(32.0).run()
    settle(app)
    assert len(asked) == 2


# Sweep


def test_the_example_is_a_table_of_hidden_width_dropout_and_rate() -> None:
    app = settle(open_page(net="vgg16-cifar10"))
    app.button(key="train-sweep-example").click().run()
    settle(app)
    assert app.button(key=SUBMIT).label == "Train 18 jobs"
    assert "18 jobs of about" in words(app)
    app.button(key=SUBMIT).click().run()
    records = store().records()
    assert len(records) == 18
    assert len({record.sweep for record in records}) == 1
    assert records[0].varied == {"spec.classifier": [64], "spec.dropout": 0.2, "lr": 0.001}
    assert "18 jobs are submitted" in words(app)


def test_a_sweep_that_breaks_a_rule_is_explained() -> None:
    app = open_page()
    app.button(key="train-sweep-add").click().run()
    values = "train.sweep.0.values"
    app.text_input(key=values).set_value("0.1, 0.1").run()
    assert "sweep: lr has '0.1' twice" in words(app)
    assert app.button(key=SUBMIT).disabled
    app.text_input(key=values).set_value(",".join(map(str, range(1, 102)))).run()
    assert "101 combinations are more than the 100 jobs" in words(app)
    app.text_input(key=values).set_value("0.1, fast").run()
    assert "lr: 'fast' is not a number" in words(app)
    app.button(key="train-sweep-remove-0").click().run()
    assert form(app).sweep == ()
    assert not app.button(key=SUBMIT).disabled


# Submit


def test_a_job_is_submitted_once_and_its_place_is_told(server: Store) -> None:
    other = Job.new(resolve("lenet5"), "digits", Recipe(), Resources(), "Somebody's")
    server.add([other])
    app = settle(open_page())
    assert "Somebody's: waits" in words(app)
    app.text_input(key="train.title").set_value("Mine").run()
    app.button(key=SUBMIT).click().run()
    app.button(key=SUBMIT).click().run()  # a double click
    records = server.records()
    assert [record.name for record in records] == ["Somebody's", "Mine"]
    assert records[1].recipe == Recipe().to_dict()
    assert "Mine is submitted; 1 wait and 0 train before it." in words(app)
    (onward,) = [link for link in app.get("page_link") if link.proto.label == "Watch it"]
    assert f"job={records[1].id}" in onward.proto.query_string
    app.number_input(key="train.recipe.seed").set_value(1.0).run()
    app.button(key=SUBMIT).click().run()
    assert len(server.records()) == 3


def test_what_is_typed_as_the_button_is_pressed_counts(server: Store) -> None:
    app = settle(open_page())
    app.number_input(key=LR).set_value(0.02)
    app.button(key=SUBMIT).click().run()
    assert [record.recipe["lr"] for record in server.records()] == [0.02]
    app.number_input(key=LR).set_value(-1.0)
    app.button(key=SUBMIT).click().run()
    assert "lr: -1.0 is not above 0" in problem(app)
    app.number_input(key=LR).set_value(0.03).run()
    assert problem(app) == ""
    assert len(server.records()) == 1


def test_the_button_pressed_before_the_browser_knows_the_new_link(server: Store) -> None:
    app = settle(open_page())
    before = dict(app.query_params)
    app.number_input(key=LR).set_value(0.02).run()
    app.query_params.clear()
    for key, value in before.items():
        app.query_params[key] = value
    app.button(key=SUBMIT).click().run()
    assert [record.recipe["lr"] for record in server.records()] == [0.02]
    assert form(app).recipe.lr == 0.02


@pytest.mark.parametrize("change", ["data", "batch"])
def test_what_does_not_fit_as_the_button_is_pressed_is_not_submitted(server: Store, change: str) -> None:
    broken = uploads.keep("broken.zip", io.BytesIO(b"PK nothing"), 10)
    app = settle(open_page(net="resnet18", image_size="32"))
    if change == "data":
        app.selectbox(key="train.dataset").set_value(f"uploaded:{broken}")
    else:  # of which batch norm can't take the variance
        app.number_input(key="train.recipe.batch_size").set_value(1.0)
    app.button(key=SUBMIT).click().run()
    assert "This can't be trained as it stands" in problem(app)
    assert server.records() == []


def test_an_error_keeps_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_jobs: object) -> None:
        raise OSError(28, "No space left on device")

    app = settle(open_page(lr="0.02"))
    monkeypatch.setattr(submit.desk, "submit", full)
    app.button(key=SUBMIT).click().run()
    assert "No space left on device" in problem(app)
    assert form(app).recipe.lr == 0.02
    monkeypatch.undo()


def test_the_form_changes_nothing_that_it_does_not_show() -> None:
    assert replace(Form(), recipe=Recipe()) == Form.read(Form().to_link())[0]
