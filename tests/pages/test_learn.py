"""The Learn page, without a browser."""

import json
from dataclasses import asdict
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer import i18n
from explorer.jobs.store import Store
from explorer.lessons import Ask, Lesson, Reveal, lessons
from explorer.lessons.lesson import written
from explorer.lessons.shortcut import Answers, Findings, HeatExample
from explorer.ui.learn import background
from explorer.ui.learn.experiments import experiments
from explorer.ui.learn.results import answer_text
from explorer.ui.learn.state import PREDICTION, WIDGET, LearnState
from explorer.ui.shared.sections.section import widget_key
from explorer.ui.shared.task_queue import Future
from tests.pages import helpers

open_page = partial(helpers.open_page, "learn")
every_lesson = pytest.mark.parametrize("name", lessons())


def trained(key: str) -> Any:
    """Results that differ, instead of trainings, which take up to a minute."""
    task = json.loads(key)
    if task["module"] == "explorer.lessons.shortcut":
        return shortcut()
    count = len(task["request"]["trainings"])
    return [
        {
            "train/top1": [[1, 0.3 + place / 20], [2, 0.61 + place / 17]],
            "validation/top1": [[1, 0.2 + place / 30], [2, 0.59 + place / 19]],
            "test/top1": [[2, 0.57 + place / 23]],
            "step/gradient/first": [[0.5, 0.01 + place], [2, 0.02 + place]],
            "step/gradient/last": [[0.5, 1.0], [2, 1.5]],
            "seconds": 1.0,
        }
        for place in range(count)
    ]


def shortcut() -> dict[str, Any]:
    """Findings about a network that follows a mark."""
    cells = [[[0, 90, 255]] * 16] * 16
    examples = [HeatExample(digit, (digit + 1) % 10, [digit, (digit + 1) % 10], cells, cells, [[[0.5] * 16] * 16] * 3)
             for digit in range(10)]  # fmt: skip
    answers = [Answers(0.97, 0.84, 0.79, 0.03), Answers(0.72, 1.0, 0.01, 0.98)]
    return asdict(Findings(
        answers, examples, [0.25, 0.93, 0.24], [0.12, 0.16, 0.23], [0.8, 0.1, 0.1], [0.8, 0.6, 0.1], 56, 32, 60, 1438,
        1438,
    ))  # fmt: skip


class AtOnce:
    """A task queue whose tasks end at once."""

    def request(self, key: str) -> Future[Any]:
        return Future(result=trained(key))


@pytest.fixture(autouse=True)
def _server(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "queue", AtOnce())


def page_state(app: AppTest) -> LearnState:
    assert not app.exception
    state: LearnState = app.session_state["learn"]
    return state


def sent(app: AppTest) -> str:
    """Everything that the server has sent to the browser."""
    protos = [node.proto for node in walk(app._tree) if getattr(node, "proto", None) is not None]
    return "\n".join(proto.SerializeToString().decode(errors="ignore") for proto in protos)


def walk(node: Any) -> Any:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from walk(child)


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.info, *app.success]).replace("\\", "")


def answer(app: AppTest, question: Ask) -> None:
    key = WIDGET + question.name
    if question.options:
        app.radio(key=key).set_value(next(iter(question.options))).run()
    else:
        app.number_input(key=key).set_value(12345.0).run()


def go_on(app: AppTest) -> None:
    app.button(key="learn-next").click().run()


def secret(lesson: Lesson, state: LearnState, reveal: Reveal) -> str:
    """The explanation of the reveal with the present settings; empty before the experiment has been run."""
    result = state.section.compute(state.initial_view(lesson.reveal_of(reveal.of)))
    return written(reveal.text, result) if state.section.is_complete(result) else ""


@every_lesson
def test_a_lesson_from_the_first_step_to_the_last(name: str) -> None:
    lesson, app = lessons()[name], open_page(lesson=name)
    for position, step in enumerate(lesson.steps):
        state = page_state(app)
        assert state.step == position
        assert not app.error
        hidden = sent(app)
        for later in lesson.steps[position + 1 :]:
            if isinstance(later, Reveal):
                assert (text := secret(lesson, state, later)) == "" or text[:60] not in hidden
        if isinstance(step, Ask):
            assert not app.metric, "the experiment is not shown next to its question"
            components = [part for part in app.get("bidi_component") if part.key != "chart-files"]
            assert not [part for part in components if "svg" in (part.proto.json or "")]
            assert app.button(key="learn-next").disabled
            answer(app, step)
        elif app.get("button") and any(button.key == "learn-train" for button in app.button):
            app.button(key="learn-train").click().run()
        if isinstance(step, Reveal):
            found = answer_text(lesson.questions[step.of], page_state(app).seen[step.of])
            assert found in words(app)
            assert PREDICTION + step.of in app.query_params
            assert secret(lesson, state, step)[:60] in hidden
        go_on(app)
    assert page_state(app).current is None
    assert len(app.table[0].value) == len(lesson.questions)
    again = open_page(**app.query_params)
    assert page_state(again).predictions == page_state(app).predictions
    assert again.query_params == app.query_params


@every_lesson
def test_a_lesson_starts_with_its_card_and_is_complete(name: str) -> None:
    lesson = lessons()[name]
    assert 5 <= lesson.minutes <= 10
    assert lesson.terms
    assert lesson.papers
    assert lesson.links
    assert lesson.experiment in experiments()
    assert {step.of for step in lesson.steps if isinstance(step, Reveal)} == set(lesson.questions)
    labels = experiments()[lesson.experiment].labels()
    for step in lesson.steps:
        assert set(getattr(step, "controls", ())) <= labels.keys()
        assert set(step.start) <= set(experiments()[lesson.experiment].view.model_fields)


def test_the_gallery_has_a_card_for_each_lesson() -> None:
    app = open_page()
    links = [element.proto.query_string for element in app.get("page_link")]
    assert links == [f"lesson={name}" for name in lessons()]
    for lesson in lessons().values():
        assert lesson.question in words(app)


def test_a_question_comes_first_for_a_link_behind_it() -> None:
    lesson = lessons()["why-3x3"]
    reveal = lesson.reveal_of("two")
    app = open_page(lesson="why-3x3", step=str(reveal + 1))
    assert isinstance(page_state(app).current, Ask)
    app = open_page(
        lesson="why-3x3", step=str(reveal + 1), **{PREDICTION + "two": "product", PREDICTION + "weights": "more"}
    )
    assert page_state(app).step == reveal
    assert lesson.questions["two"].options["product"] in words(app)


def test_a_teachers_link_fixes_step_controls_and_settings() -> None:
    link = {"lesson": "why-3x3", "step": "13", "controls": "k.c", "k": "9", "c": "10"}
    app = open_page(**link)
    assert {widget.key for widget in app.number_input} == {"kernels.stack.k", "kernels.stack.c"}
    captions = "".join(caption.value for caption in app.caption).replace("\\", "")
    assert "81·10² = 8,100 against 36·10² = 3,600" in captions
    app.number_input(key="kernels.stack.k").set_value(5.0).run()
    assert app.query_params["controls"] == "k.c"
    assert app.query_params["k"] == "5"
    app.number_input(key="kernels.stack.k").set_value(4.0).run()
    assert "even" in helpers.problem(app)
    assert app.query_params["k"] == "5"


def test_a_link_that_hides_all_controls() -> None:
    app = open_page(lesson="why-3x3", step="13", controls="none")
    assert not app.number_input
    assert not app.error
    assert app.query_params["controls"] == "none"


def test_faults_of_a_link() -> None:
    app = open_page(lesson="why-3x3", step="13", controls="k.strides")
    assert "'strides' is not one of" in helpers.problem(app)
    assert {widget.key for widget in app.number_input} == {"kernels.stack.k"}
    assert "'nonsense' is not one of" in helpers.problem(open_page(lesson="nonsense"))
    app = open_page(lesson="why-3x3", step="99", **{PREDICTION + "two": "4"})
    assert "99" in helpers.problem(app)
    assert "'4' is no answer" in helpers.problem(app)
    app.button(key="learn-next").click().run()
    assert not app.error


def test_a_verdict_stays_that_of_the_question_when_settings_change() -> None:
    app = open_page(lesson="kernel-slides", step="4", **{PREDICTION + "count": "6"})
    assert [box.value for box in app.success] == ["You were right: 6"]
    app.number_input(key=widget_key("slide", "padding")).set_value(1.0).run()
    assert [box.value for box in app.success] == ["You were right: 6"]
    assert any("settings that you see now: 8" in caption.value for caption in app.caption)
    while page_state(app).current is not None:
        if isinstance(question := page_state(app).current, Ask):
            answer(app, question)
        go_on(app)
    asked, predicted, found = app.table[0].value.iloc[0]
    assert "stays inside the image." in asked
    assert (predicted, found) == ("6", "6")


def test_a_link_to_the_end_shows_predictions_though_nothing_was_trained() -> None:
    lesson = lessons()["memory"]
    guesses = {PREDICTION + name: "chance" for name in lesson.questions}
    app = open_page(lesson="memory", step=str(len(lesson.steps) + 1), **guesses)
    table = app.table[0].value
    assert len(table) == len(lesson.questions)
    assert set(table.iloc[:, -1]) == {"not run here yet"}


def test_back_keeps_predictions() -> None:
    app = open_page(lesson="why-3x3")
    go_on(app)
    answer(app, lessons()["why-3x3"].questions["two"])
    go_on(app)
    app.button(key="learn-back").click().run()
    assert app.radio(key=WIDGET + "two").value == "same"
    assert page_state(app).step == 1


def test_permuted_digits_are_seen_as_pictures() -> None:
    def pictures(**link: str) -> list[str]:
        app = open_page(lesson="fc-to-conv", step="3", **{PREDICTION + "better": "1"}, **link)
        assert not app.exception
        return [text for part in app.get("bidi_component") if "<svg" in (text := part.proto.json)]

    (plain,) = pictures(permute="false", epochs="14")
    (permuted,) = pictures(permute="true", epochs="14")
    assert "permuted" in permuted
    assert "permuted" not in plain


def test_a_picture_of_the_readers_own_is_measured() -> None:
    link = {"lesson": "how-far", "step": "14", "show": "effective", "image": "own", "layer": "layer1.0.add"}
    answers = {"pooled": "8", "order": "same", "share": "most", "enough": "8", "effective": "few", "training": "more"}
    predictions = {PREDICTION + name: value for name, value in answers.items()}
    app = open_page(**link, **predictions)
    before = next(metric.value for metric in app.metric if "after training" in metric.label)
    assert any("Until you have uploaded a picture" in caption.value for caption in app.caption)
    file = BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(file, "PNG")
    app.file_uploader[0].upload("noise.png", file.getvalue()).run()
    page_state(app)
    assert next(metric.value for metric in app.metric if "after training" in metric.label) != before
    assert app.query_params["image"] == "own"


def test_a_step_speaks_the_language_of_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser runs a step without the script that chooses the language."""
    monkeypatch.setattr(i18n, "languages", lambda: {"en", "de"})
    spoken: list[str] = []
    move = LearnState.move

    def listen(page_state: LearnState, by: int) -> None:
        spoken.append(i18n.language())
        move(page_state, by)

    monkeypatch.setattr(LearnState, "move", listen)
    app = open_page(lesson="why-3x3", lang="de")
    app.button(key="learn-next").click().run()
    assert spoken == ["de"]
