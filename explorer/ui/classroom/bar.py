"""The bar of a class on every page. The browser renders it and requests its updates."""

from pathlib import Path

import streamlit as st
from streamlit import config

from explorer.classroom.members import are_offered
from explorer.i18n import _

ASSETS = Path(__file__).parents[1] / "assets"
SCRIPTS = ("class_charts", "class_runs", "class_ask", "class_client", "class_bar")  # each uses those before it

_bar = st.components.v2.component(
    "explorer_class_bar",
    js="\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS),
    isolate_styles=False,
)
_CSS = (ASSETS / "class_bar.css").read_text(encoding="utf-8")


def render() -> None:
    """Add the bar to the page, unless this server has no classes."""
    if not are_offered():
        return
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    with st._event:  # among the elements that Streamlit does not lay out: the browser draws the bar by itself
        _bar(key="class-bar", data={"words": _words(), "css": _CSS, "base": f"/{base}" if base else ""})


def _words() -> dict[str, object]:
    """Return the sentences that the bar shows. Placeholders are filled in by the browser."""
    return {
        "class": _("Class"),
        "code": _("Code of the class"),
        "join": _("Join"),
        "openClass": _("Open a class"),
        "teacherHint": _(
            "A teacher opens a class, shows screens to everybody, and asks questions. Nobody needs an account."
        ),
        "named": _("Class {code}"),
        "students": _("Students: {count}"),
        "youAre": _("You are {word}"),
        "wait": _("Asking for the class …"),
        "offline": _("The server can't be reached; trying again."),
        "failed": _("The server could not answer; trying again."),
        "showCode": _("Code"),
        "sendHere": _("Send the class here"),
        "free": _("Let it free"),
        "askOne": _("Ask"),
        "more": _("More"),
        "invite": _("Let in a second teacher"),
        "inviteHint": _("For one browser, within ten minutes:"),
        "saveHtml": _("Save as HTML"),
        "saveCsv": _("Save as CSV"),
        "end": _("End the class"),
        "reallyEnd": _("End the class for everybody?"),
        "kind": _("Kind"),
        "kinds": {
            "choice": _("Choice"),
            "number": _("Number"),
            "place": _("Place on a picture"),
            "text": _("One line of text"),
            "run": _("Runs on one chart"),
        },
        "question": _("Question"),
        "options": _("Options, one a line"),
        "right": _("Right answer, if there is one"),
        "rightOption": _("Number of the right option, if there is one"),
        "picture": _("Picture"),
        "lesson": _("Take the question of this lesson"),
        "runHint": _(
            "Students train a network on the Train page, or in a lesson, and give the run that their page shows. "
            "Curves of runs that still train grow on the chart."
        ),
        "runTask": _("Train a network, and give your run to the class."),
        "giveRun": _("Give the run on this page"),
        "noRun": _("Open a run on the Runs page, or train in a lesson: then you can give it here."),
        "curves": _("Accuracy by epoch, on images that were not learned from"),
        "accuracy": _("Accuracy"),
        "epoch": _("epoch {epoch}"),
        "lines": _("All runs, the best last epoch first"),
        "ask": _("Ask the class"),
        "cancel": _("Cancel"),
        "answer": _("Your answer"),
        "send": _("Send"),
        "tap": _("Point at a place"),
        "answered": _("{count} of {students} have answered."),
        "onlyYou": _("Only teachers see the results."),
        "results": _("Results"),
        "reveal": _("Reveal"),
        "hide": _("Hide"),
        "close": _("Close"),
        "reopen": _("Open again"),
        "markRight": _("Mark the right answer"),
        "markPlace": _("Mark the right place"),
        "waiting": _("Only teachers see: {count}"),
        "again": _("Ask again"),
        "putAway": _("Put away"),
        "show": _("Show this to the class"),
        "before": _("First answers"),
        "after": _("Asked again"),
        "median": _("median {value}"),
        "none": _("No answers yet."),
        "noneShown": _("The teacher has not shown any answer yet."),
        "closedHint": _("This question is closed."),
        "notYet": _("Answer: nobody sees your name."),
        "taken": _("Your answer counts. You can still change it."),
        "toScreen": _("To the class's screen"),
        "leave": _("Leave"),
    }
