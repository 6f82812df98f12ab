"""What is sent before the browser knows the link of the last edit takes nothing back."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.ui import outrun
from explorer.ui.train.task_queue import Piece
from tests.pages.helpers import metrics, open_page

START = {
    "architecture": {"net": "vgg16"},
    "compare": {"a": "vgg16", "b": "vgg19"},
    "kernels": {},
    "train": {"net": "digits-cnn"},
}
Edit = Callable[[AppTest], AppTest]
EDITS: dict[str, tuple[Edit, Edit]] = {
    "architecture": (
        lambda app: app.number_input(key="edit.num_classes").set_value(7),
        lambda app: app.number_input(key="edit.image_size").set_value(64),
    ),
    "compare": (
        lambda app: app.segmented_control(key="compare.view.layers").set_value("all"),
        lambda app: app.button(key="compare.add").click(),
    ),
    "kernels": (
        lambda app: app.number_input(key="kernels.stack.k").set_value(5),
        lambda app: app.number_input(key="kernels.stack.c").set_value(100),
    ),
    "train": (
        lambda app: app.number_input(key="train.recipe.lr").set_value(0.02),
        lambda app: app.number_input(key="train.recipe.epochs").set_value(3),
    ),
}
every_page = pytest.mark.parametrize("page", START)


def give(app: AppTest, link: dict[str, str]) -> None:
    app.query_params.clear()
    for key, value in link.items():
        app.query_params[key] = value


def numbers(app: AppTest) -> dict[str, str]:
    """What the page computes by itself: its Time is measured beside it."""
    return {label: value for label, value in metrics(app).items() if label != "Time"}


@pytest.fixture(autouse=True)
def _server(server: object) -> None: ...


@every_page
@pytest.mark.parametrize("order", [1, -1])
def test_both_edits_stay(page: str, order: int) -> None:
    first, second = EDITS[page][::order]
    app = open_page(page, **START[page])
    before = dict(app.query_params)
    first(app).run()
    between = dict(app.query_params)
    give(app, before)
    second(app).run()
    assert numbers(app)
    quick = dict(app.query_params)
    slow = open_page(page, **START[page])
    first(slow).run()
    second(slow).run()
    assert quick == slow.query_params
    assert quick not in (before, between)


@every_page
def test_a_step_back_is_followed(page: str) -> None:
    app = open_page(page, **START[page])
    before, shown = dict(app.query_params), numbers(app)
    EDITS[page][0](app).run()
    EDITS[page][1](app).run()
    give(app, before)
    app.run()
    assert numbers(app) == shown
    assert app.query_params == before


@pytest.mark.parametrize("page", ["architecture", "kernels", "train"])
def test_an_old_link_is_followed_after_some_seconds_whatever_else_is_typed(page: str, clock: SimpleNamespace) -> None:
    app = open_page(page, **START[page])
    before = dict(app.query_params)
    EDITS[page][0](app).run()
    clock.now += 3
    give(app, before)
    EDITS[page][1](app).run()
    alone = open_page(page, **START[page])
    assert numbers(app) == numbers(alone)


def test_a_click_is_not_lost_to_an_old_link_however_late_it_comes(clock: SimpleNamespace) -> None:
    app = open_page("compare", **START["compare"])
    before = dict(app.query_params)
    EDITS["compare"][0](app).run()
    clock.now += 60
    give(app, before)
    EDITS["compare"][1](app).run()
    assert app.query_params["c"]


class Ended:
    """A lane whose work ends between two looks."""

    asked = 0

    @classmethod
    def ask(cls, _key: str) -> Piece[bool]:
        cls.asked += 1
        return Piece(problem=InputError("over") if cls.asked > 1 else None)


def waiting() -> None:
    import streamlit as st

    from explorer.ui import outrun
    from explorer.ui.train.waiting import follow
    from tests.pages.test_outrun import Ended

    st.session_state.setdefault("repeated", []).append(outrun.repeated())
    follow(Ended, "work", "Working…")


def test_a_page_that_is_drawn_anew_by_the_clock_knows_it() -> None:
    Ended.asked = 0
    app = AppTest.from_function(waiting)
    app.query_params["net"] = "vgg16"
    app.run()
    assert not app.exception
    assert app.session_state["repeated"] == [False, True]
    app.run()
    assert app.session_state["repeated"] == [False, True, False]


@pytest.mark.parametrize(
    ("page", "edit", "kept"),
    [
        ("train", EDITS["train"][0], lambda app: app.session_state["training"].form.recipe.lr),
        (
            "predict",
            lambda app: app.segmented_control(key="predict.view.show").set_value("weights"),
            lambda app: app.session_state["asking"].view.show,
        ),
    ],
)
def test_its_old_link_is_not_followed(page: str, edit: Edit, kept: Callable[[AppTest], object]) -> None:
    app = open_page(page, **START.get(page, {}))
    before, first = dict(app.query_params), kept(app)
    edit(app).run()
    edited = kept(app)
    assert edited != first
    give(app, before)
    app.session_state[outrun.REPEATED] = before
    app.run()
    assert kept(app) == edited
    give(app, before)  # now by the user
    app.run()
    assert kept(app) == first
