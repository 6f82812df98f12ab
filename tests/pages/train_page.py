"""Helpers for the tests of the Train page."""

import time
from functools import partial
from typing import Any

from streamlit.testing.v1 import AppTest

from explorer.jobs.estimate import Throughput
from explorer.ui.predict import importing
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.train_form import Form
from explorer.ui.train import cost, data
from tests.pages import helpers

open_page = partial(helpers.open_page, "train")

PACE = Throughput(
    seconds_per_step=0.01, seconds_per_evaluated_image=0.001, batch_size=64, startup=2.0, ready_startup=1.0,
    device="cpu", precision="fp32",
)  # fmt: skip
QUEUES: tuple[TaskQueue[Any], ...] = (cost.throughputs, data._loading, data._downloading, importing._read_queue)
SUBMIT, LR = "train-submit", "train.recipe.lr"


def run_until_idle(app: AppTest) -> AppTest:
    """Runs the page until no task is under way."""
    for _run in range(6000):  # minutes: the machine may be busy
        if not any("hourglass" in caption.value for caption in app.caption):
            return app
        if any(queue._busy for queue in QUEUES):
            time.sleep(0.05)
        else:
            app.run()
    raise AssertionError("it never ends")


def words(app: AppTest) -> str:
    assert not app.exception
    texts = [*app.markdown, *app.caption, *app.info, *app.success]
    return " ".join(text.value.replace("\\", "") for text in texts)


def form(app: AppTest) -> Form:
    found: Form = app.session_state["training"].form
    return found


def html(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html")]
