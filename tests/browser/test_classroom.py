"""A class from its opening to its report: a teacher and three students, two app servers, one of which is restarted."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import serve
from tests.helpers.ports import free_port

SLOW = 90_000  # milliseconds; a server imports torch, and the machine may be busy
PHONE, LAPTOP = (390, 800), (1024, 768)
RIGHT = "The classifier's"


class Servers:
    """Two app servers on one store.

    Attributes:
        addresses: Their addresses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = [free_port(), free_port()]
        self._processes = [self._serve(number) for number in range(2)]
        self.addresses = [f"http://localhost:{port}" for port in self._ports]

    def _serve(self, number: int) -> subprocess.Popen[bytes]:
        return serve(self._folder / f"{number}.log", port=self._ports[number], EXPLORER_RUN_JOBS="false")[0]

    def restart(self) -> None:
        self._end(0)
        self._processes[0] = self._serve(0)

    def end(self) -> None:
        for number in range(2):
            self._end(number)

    def _end(self, number: int) -> None:
        self._processes[number].kill()
        self._processes[number].wait(30)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    started = Servers(tmp_path)
    yield started
    started.end()


def test_a_class_from_its_opening_to_its_report(servers: Servers, browser: Browser, tmp_path: Path) -> None:
    with ExitStack() as stack:

        def browse(link: str, size: tuple[int, int]) -> Page:
            """Open a link in a browser of its own."""
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", accept_downloads=True
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(SLOW)
            page.goto(link)
            return page

        first, second = servers.addresses
        teacher = browse(f"{first}/learn", (1280, 800))
        teacher.get_by_role("button", name="Class", exact=True).click()
        teacher.get_by_role("button", name="Open a class").click()
        teacher.get_by_role("button", name="Code", exact=True).click()
        link = teacher.locator(".code .link").inner_text()
        assert link.startswith(f"{first}/?class=")
        teacher.wait_for_function(
            "document.querySelector('#explorer-class').shadowRoot.querySelector('.qr').naturalWidth"
        )
        teacher.get_by_role("button", name="Code", exact=True).click()
        students = [
            browse(link.replace(first, address), size)
            for address, size in ((first, PHONE), (second, LAPTOP), (first, PHONE))
        ]
        words = [student.get_by_text("You are ").inner_text() for student in students]
        assert len(set(words)) == 3
        teacher.get_by_text("Students: 3").wait_for()

        teacher.get_by_role("link", name="Compare").click()
        teacher.get_by_role("heading", name="Compare", level=1).wait_for()
        teacher.wait_for_url("**/compare?*")
        teacher.get_by_role("button", name="Send the class here").click()
        for student in students:
            student.get_by_role("heading", name="Compare", level=1).wait_for()
            assert "class=" in student.url, "in the session, with its class"

        ask(teacher)
        answer(students, ["The first layer's", RIGHT, "The first layer's"])
        teacher.get_by_text("3 of 3 have answered").wait_for()
        assert not students[1].locator(".chart").count(), "hidden until it is revealed"
        servers.restart()
        teacher.get_by_role("button", name="Reveal").click(trial=True)
        expect(teacher.get_by_text("The server can't be reached")).to_have_count(0, timeout=SLOW)
        teacher.get_by_role("button", name="Reveal").click()
        expect(students[0].locator(".chart tr", has_text=RIGHT)).to_contain_text("✓", timeout=SLOW)
        teacher.get_by_role("button", name="Ask again").click()
        for student in students:
            expect(student.locator(".chart")).to_have_count(0, timeout=SLOW)
        answer(students, [RIGHT] * 3)
        teacher.get_by_text("3 of 3 have answered").wait_for()
        teacher.get_by_role("button", name="Reveal").click()
        expect(students[1].locator(".rounds section")).to_have_count(2, timeout=SLOW)
        before, after = students[1].locator(".rounds section").all()
        expect(before.locator("tr", has_text=RIGHT).locator("td").last).to_have_text(["1"])
        expect(after.locator("tr", has_text=RIGHT).locator("td").last).to_have_text(["3"])
        teacher.get_by_role("button", name="Put away").click()
        teacher.get_by_role("button", name="Let it free").click()
        expect(students[0].get_by_role("button", name="To the class's screen")).to_have_count(0, timeout=SLOW)

        teacher.get_by_role("button", name="Ask", exact=True).click()
        teacher.get_by_label("Kind").select_option("run")
        teacher.get_by_role("button", name="Ask the class").click()
        students[2].get_by_text("Open a run on the Runs page").wait_for()
        students[0].goto(
            f"{first}/learn?lesson=degradation&step=4&guess-deep=same&guess-residual=worse"
        )  # its runs are recorded
        students[0].get_by_role("button", name="Give the run on this page").click()
        teacher.get_by_text("1 of 3 have answered").wait_for()
        assert not students[1].locator("svg.runs").count(), "hidden until it is revealed"
        teacher.get_by_role("button", name="Reveal").click()
        expect(students[2].locator("svg.runs polyline")).to_have_count(4, timeout=SLOW)
        word = words[0].removeprefix("You are ")
        students[2].get_by_text("All runs, the best").click()
        expect(students[2].locator(".lines li", has_text=word)).to_have_count(4)
        for student in students[::2]:
            assert student.evaluate("document.documentElement.scrollWidth") <= PHONE[0]

        teacher.get_by_role("button", name="More").click()
        with teacher.expect_download() as saved:
            teacher.get_by_role("button", name="Save as HTML").click()
        saved.value.save_as(tmp_path / "class.html")
        report = (tmp_path / "class.html").read_text(encoding="utf-8")
        assert report.count("Whose weights are most?") == 2
        assert f"{word}: Residual, 56 layers" in report
        assert not any(word.removeprefix("You are ") in report for word in words[1:]), "a choice names nobody"
        teacher.once("dialog", lambda dialog: dialog.accept())
        teacher.get_by_role("button", name="End the class", exact=True).click()
        students[0].get_by_text("This class has ended.").wait_for()


def ask(teacher: Page) -> None:
    teacher.get_by_role("button", name="Ask", exact=True).click()
    teacher.get_by_label("Question").fill("Whose weights are most?")
    teacher.get_by_label("Options, one a line").fill(f"The first layer's\n{RIGHT}")
    teacher.get_by_label("Number of the right option").fill("2")
    teacher.get_by_role("button", name="Ask the class").click()


def answer(students: list[Page], options: list[str]) -> None:
    for student, option in zip(students, options, strict=True):
        student.get_by_role("button", name=option).click()
        student.get_by_text("Your answer counts.").wait_for()
