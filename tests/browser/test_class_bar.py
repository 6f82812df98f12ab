"""The bar of a class alone, without an app: what a teacher's screen shows on a projector."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.lessons import Ask, lessons
from explorer.ui.classroom import bar
from explorer.ui.learn.steps import _for_class
from tests.browser.conftest import PATIENCE


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A teacher's bar that tells in ``acted`` what it would ask of the server."""
    context = browser.new_context(viewport={"width": 1024, "height": 768})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    code = "".join((bar.ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in bar.SCRIPTS)
    page.add_script_tag(content=code.partition("export default")[0])
    page.evaluate(
        """([words, css]) => {
            window.acted = [];
            window.bar = new Bar();
            bar.member = { code: "ABCDEF", key: "key", role: "teacher" };
            bar.poll = () => {};
            bar.act = async (action, body) => { acted.push({ action, ...body }); };
            bar.update({ words, css, base: "", theme: {} });
        }""",
        [bar._words(), bar._CSS],
    )
    yield page
    context.close()


def show(page: Page, kind: str, answers: dict[str, Any], **question: Any) -> None:
    """Show a question of a class of three as the server tells it."""
    told = {
        "number": 1, "kind": kind, "text": "Why?", "options": ["depth", "width"], "right": None, "revealed": True,
        "closed": False, "mine": None, "rounds": [{"number": 1, "answered": 2, **answers}],
    } | question  # fmt: skip
    page.evaluate(
        """(question) => {
            bar.state = { code: "ABCDEF", students: 3, role: "teacher", screen: "", question };
            bar.render();
        }""",
        told,
    )


def acted(page: Page) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(page.evaluate("JSON.stringify(acted.pop())"))
    return told


def test_a_text_is_folded_away_on_the_projector_until_it_is_let_through(page: Page) -> None:
    texts = [
        {"word": "red fox", "text": "swordfish", "shown": False},
        {"word": "old owl", "text": "a sum", "shown": True},
    ]
    show(page, "text", {"texts": texts})
    page.get_by_text("a sum").wait_for()
    page.get_by_text("swordfish").wait_for(state="hidden")
    page.get_by_text("Only teachers see: 1").click()
    page.get_by_role("listitem").filter(has_text="swordfish").get_by_role("checkbox").click()
    assert acted(page) == {"action": "show-text", "number": 1, "word": "red fox", "shown": True}


def test_what_a_teacher_has_opened_stays_open_when_answers_come(page: Page) -> None:
    show(page, "choice", {"counts": [1, 1]}, revealed=False)
    page.locator(".chart").wait_for(state="hidden")
    page.get_by_text("Results", exact=True).click()
    page.get_by_label("Mark the right answer").focus()
    show(page, "choice", {"counts": [1, 2], "answered": 3}, revealed=False)
    page.get_by_text("3 of 3 have answered").wait_for()
    page.locator(".chart").wait_for()
    expect(page.get_by_label("Mark the right answer")).to_be_focused()


def test_the_charts_of_both_rounds_have_one_scale(page: Page) -> None:
    rounds = [{"number": 1, "answered": 2, "counts": [1, 1]}, {"number": 2, "answered": 2, "counts": [0, 2]}]
    show(page, "choice", {}, rounds=rounds)
    widths = page.locator(".chart .bar").evaluate_all("(bars) => bars.map((one) => one.style.width)")
    assert widths == ["50%", "50%", "0%", "100%"]


def test_what_a_student_types_stays_while_the_chart_grows(page: Page) -> None:
    student = """(question) => {
        bar.state = { code: "ABCDEF", students: 3, role: "student", word: "red fox", screen: "", question };
        bar.render();
    }"""
    told = {"number": 1, "kind": "text", "text": "Why?", "options": [], "closed": False, "revealed": True, "mine": None}
    rounds: list[dict[str, Any]] = [{"number": 1, "answered": 1, "texts": []}]
    page.evaluate(student, told | {"right": None, "rounds": rounds})
    page.get_by_text("The teacher has not shown any answer yet.").wait_for()
    page.get_by_label("Your answer").fill("because of")
    page.evaluate("bar.problem = 'answer: it is refused'")
    rounds[0]["texts"] = [{"word": "old owl", "text": "a sum", "shown": True}]
    page.evaluate(student, told | {"right": "a sum", "rounds": rounds})
    page.get_by_text("a sum").wait_for()
    page.get_by_text("answer: it is refused").wait_for()
    expect(page.get_by_label("Your answer")).to_have_value("because of")
    expect(page.get_by_label("Your answer")).to_be_focused()
    page.evaluate(student, told | {"mine": "because", "right": None, "rounds": rounds})
    expect(page.get_by_label("Your answer")).to_have_value("because")


def test_the_right_answer_is_marked_and_corrected(page: Page) -> None:
    show(page, "choice", {"counts": [1, 1]}, right=0)
    page.get_by_label("Mark the right answer").select_option("1")
    assert acted(page) == {"action": "question", "number": 1, "right": 1}
    show(page, "number", {"values": [25.5, 138]}, number=2)
    page.get_by_text("median 81.75").wait_for()
    page.get_by_label("Right answer").fill("138,36")
    page.get_by_role("button", name="Mark the right answer").click()
    assert acted(page) == {"action": "question", "number": 2, "right": 138.36}
    show(page, "number", {"values": [25.5, 138]}, number=2, right=138.36)
    page.get_by_text("median 81.75 · ✓ 138.36").wait_for()
    dot = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    page.evaluate("(dot) => { bar.pictures[3] = dot; }", dot)
    show(page, "place", {"places": []}, number=3)
    page.get_by_role("button", name="Mark the right place").click()
    page.locator(".picture.asks").click()
    marked = acted(page)
    assert (marked["action"], len(marked["right"])) == ("question", 2)


def test_the_question_of_a_lesson_is_taken_with_one_press(page: Page) -> None:
    step = next(step for step in lessons()["vgg"].steps if isinstance(step, Ask) and step.options)
    text = "Which **part** of `vgg16` holds most?"
    page.evaluate(
        """(step) => {
            document.body.insertAdjacentHTML("beforeend", step);
            bar.post = async (action, body) => { acted.push({ action, ...body }); };
            bar.state = { code: "ABCDEF", students: 3, role: "teacher", screen: "", question: null };
            bar.render();
        }""",
        _for_class(step, text),
    )
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("button", name="Take the question of this lesson").click()
    page.get_by_role("button", name="Ask the class").click()
    page.wait_for_function("acted.length")
    asked = acted(page)
    assert (asked["kind"], asked["text"]) == ("choice", "Which part of vgg16 holds most?")
    assert asked["options"] == list(step.options.values())
    assert "right" not in asked, "the answer is not in the page"
