"""Transfer learning on the Train page: starting weights, frozen parts and normalisation."""

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from explorer.families import resolve
from explorer.jobs.store import Status, Store
from explorer.recipes import Recipe
from tests.helpers import made_runs
from tests.pages import helpers
from tests.pages.helpers import problem
from tests.pages.train_page import SUBMIT, form, open_page, words

pytestmark = pytest.mark.usefixtures("server")
VGG16 = "torchvision:VGG16_Weights.IMAGENET1K_V1"


def box(app: AppTest, label: str) -> Any:
    return next(one for one in app.selectbox if one.label.startswith(label))


def option(app: AppTest, label: str, part: str) -> str:
    return next(str(one) for one in box(app, label).options if part in one)


def test_torchvisions_vgg16_is_loaded_except_its_last_layer() -> None:
    """R2: frozen features and a new last layer."""
    app = open_page(weights="torchvision:vgg16")
    assert problem(app) == ""
    assert form(app).spec == resolve("vgg16")
    text = words(app)
    assert re.search(r"The last layer classifier\.6 .* 1,000 .* 10\.", text)
    assert "not on this server yet: 553.43 MB" in text
    assert "mean 0.485, 0.456, 0.406, standard deviation 0.229, 0.224, 0.225" in text
    assert not app.button(key=SUBMIT).disabled
    # 4,096 · 10 + 10 parameters of a last layer for ten classes; 134,301,514 in all.
    box(app, "Frozen").select(option(app, "Frozen", "All but the last layer · 40,970 of 134.30 M")).run()
    assert form(app).recipe.freeze == ("features", "classifier.0", "classifier.3")
    box(app, "Frozen").select(option(app, "Frozen", "The features")).run()
    assert form(app).recipe == Recipe(weights="torchvision:vgg16", freeze=("features",))
    assert form(open_page(**dict(app.query_params))) == form(app)
    app.selectbox(key="train.network").set_value("resnet18").run()
    assert "torchvision:vgg16 has no tensor" in words(app)
    assert app.button(key=SUBMIT).disabled
    app.button(key="train-start-network").click().run()
    assert form(app).spec == resolve("vgg16")
    assert form(app).recipe.freeze == ()
    assert "The network is that of the weights now: VGG-16" in words(app)


def test_weights_of_another_network_bring_their_network(server: Store) -> None:
    job = made_runs.add(server, "mine", Status.FINISHED)
    made_runs.write_weights(job)
    app = open_page(mean="0.1", std="0.2")
    assert "brings its own" not in option(app, "Start from", "mine · 20")
    box(app, "Start from").select(option(app, "Start from", "mine · 20")).run()
    assert (
        "were trained on images normalised with mean 0.25 and standard deviation 0.5; this recipe has 0.1 and 0.2"
        in words(app)
    )
    app.button(key="train-start-inputs").click().run()
    assert (form(app).recipe.mean, form(app).recipe.std) == ((0.25,), (0.5,))
    box(app, "Start from").select(option(app, "Start from", "GoogLeNet_Weights")).run()
    assert "brings its own network" in option(app, "Start from", "mine · 20")
    assert form(app).spec == resolve("googlenet-torchvision").changed(aux_after=[])
    assert problem(app) == ""
    box(app, "Start from").select("Random weights").run()
    assert form(app).recipe.weights is None


def test_googlenets_weights_without_heads_fit_a_network_with_heads() -> None:
    app = open_page(net="googlenet-torchvision", weights="torchvision:googlenet", freeze="conv1,nothing")
    assert "The auxiliary head aux1 " in words(app)
    assert "The last layer fc " in words(app)
    assert "freeze: 'nothing' is not a part of this network" in words(app)
    assert app.button(key=SUBMIT).disabled


def test_an_invalid_edit_on_the_architecture_page_is_reported() -> None:
    app = helpers.open_page("architecture", net="digits-cnn")
    app.text_input(key="edit.cfg").set_value("64, X").run()
    app.switch_page("../pages/train.py")
    app.query_params.clear()
    app.run()
    assert form(app).spec == resolve("digits-cnn")
    (warning,) = app.warning
    assert "'X'" in warning.value.replace("\\", "")
