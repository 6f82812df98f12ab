"""A class on one server: students who edit, choose layers, read lessons, predict, answer and watch a run.

    python -m benchmarks.classroom [--students 1 10 30 60] [--phones 200] [--minutes 2] [--browsers 0]

Each student is a session of the app over its WebSocket, and the bar of the class over HTTP, as in a browser. On average
every 3 s a student does one thing; a page is opened before it is used. The teacher asks a question every 20 s and looks
at the chart twice a second. A network is trained beside, and the teacher's page follows that run. Phones only have the
bar: they ask for the state of the class every 1.5 s, and answer each question.

Times are from the request to the first message with the new number of parameters (edit), to the end of the run of the
page (others), to the reply (answer), and from the start of an answer to the teacher's chart with it (chart). The memory
of a session is what the server has grown by until all have opened their pages, shared among them. ``--browsers`` adds
real browsers, which take their part of the same cores. Run it alone on the machine.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp
import psutil
from playwright.async_api import async_playwright

from benchmarks.class_bar import ClassBar, Http
from benchmarks.page import ARGUMENTS, PARAMETERS, entered, open_page, served
from benchmarks.tab import PATIENCE, PageError, Tab, opened_tab, parameters_shown, percentile
from tests.helpers import chromium

STUDENT_WAIT, TEACHER_WAIT = 1.5, 0.5  # seconds between two questions to the class, as in class_bar.js
QUESTION_SECONDS = 20.0
ANSWER_CHANCE = 0.2  # of a student who has read the question, each time that the bar asks for the state
PAUSE = 3.0  # seconds between two actions of a student, on average
ACTIONS = {"edit": 3, "layer": 3, "lesson": 2, "predict": 2}  # how often, beside the answers
PAGE_RUNS = frozenset([*ACTIONS, "open", "watch"])
NETWORKS = ("net=vgg16", "net=resnet50", "net=googlenet", "net=resnet20")
LESSONS = ("kernel-slides", "why-3x3", "how-far", "vgg", "inception")
WEIGHTS = ("mnist-cnn", "digits-cnn", "resnet20-cifar10")
LIMIT = 1000  # ms
FAULTS = (PageError, TimeoutError, OSError, aiohttp.ClientError)
MEBIBYTE = 1024 * 1024


class Measured:
    """Times and errors of all students.

    Attributes:
        times: Milliseconds, by kinds of action.
        errors: What went wrong.
    """

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []

    async def time(self, kind: str, doing: Awaitable[float]) -> None:
        """Notes how long something takes, or its error."""
        try:
            passed = await doing  # first: a kind that only fails would have an empty list of times
            self.times[kind].append(passed)
        except FAULTS as error:
            self.errors.append(f"{kind}: {type(error).__name__} {error}")

    def runs(self) -> int:
        """Returns how many runs of pages or their parts have been measured."""
        return sum(len(times) for kind, times in self.times.items() if kind in PAGE_RUNS)

    def report(self) -> None:
        """Prints a line for each kind of action."""
        print(f"  {'':10}{'times':>7}{'p50':>8}{'p95':>8}{'p99':>8}  ms")
        for kind, times in sorted(self.times.items()):
            times = sorted(times)
            shares = "".join(f"{percentile(times, share):8.0f}" for share in (0.5, 0.95, 0.99))
            print(f"  {kind:10}{len(times):7}{shares}")
        for error in self.errors[:5]:
            print(f"  error: {error}")


class Lecture:
    """What the teacher does, and when each answer was given and shown.

    Attributes:
        bar: The teacher's bar of the class.
        answered: Starts of the answers to the question that stands, in the order in which the server has taken them.
        late: Number of answers that were refused because the teacher had asked the next question.
    """

    def __init__(self, bar: ClassBar, measured: Measured) -> None:
        self.bar, self.measured = bar, measured
        self.answered: list[float] = []
        self.late = 0
        self._shown = 0

    async def give(self) -> None:
        """Asks questions, and looks at the chart, until it is cancelled."""
        asked = -QUESTION_SECONDS
        number = 0
        while True:
            if time.perf_counter() - asked > QUESTION_SECONDS:
                told = await self.bar.post(
                    "ask", kind="choice", text=f"Question {number}: how far does the unit see?", options=["3", "5", "7"]
                )
                number, asked = told["number"], time.perf_counter()
                self.answered.clear()
                self._shown = 0
            await self.measured.time("state", self._look(number))
            await asyncio.sleep(TEACHER_WAIT)

    async def _look(self, number: int) -> float:
        start = time.perf_counter()
        state = await self.bar.state()
        end = time.perf_counter()
        if state["question"] and state["question"]["number"] == number:
            count = state["question"]["rounds"][-1]["answered"]
            for begun in self.answered[self._shown : count]:  # often there are none
                self.measured.times["chart"].append(1000 * (end - begun))
            self._shown = max(self._shown, min(count, len(self.answered)))
        return 1000 * (end - start)


async def follow_class(bar: ClassBar, lecture: Lecture, chance: random.Random) -> None:
    """Asks for the state of the class, and answers each question once, until it is cancelled."""
    answered = seen = 0

    async def look() -> float:
        nonlocal seen
        start = time.perf_counter()
        question = (await bar.state())["question"]
        seen = question["number"] if question else 0
        return 1000 * (time.perf_counter() - start)

    async def answer(number: int) -> float:
        start = time.perf_counter()
        try:
            await bar.post("answer", number=number, value=chance.randrange(3))
        except aiohttp.ClientResponseError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            lecture.late += 1  # the teacher has asked the next question in the meantime
        else:
            lecture.answered.append(start)
        return 1000 * (time.perf_counter() - start)

    while True:
        await asyncio.sleep(STUDENT_WAIT * chance.uniform(0.8, 1.2))
        await lecture.measured.time("state", look())
        if seen != answered and chance.random() < ANSWER_CHANCE:
            answered = seen
            await lecture.measured.time("answer", answer(seen))


class Student:
    """A student with a tab of the app.

    Attributes:
        number: Number of the student, from 0.
    """

    def __init__(self, number: int, tab: Tab, measured: Measured, chance: random.Random) -> None:
        self.number, self.tab, self.measured, self.chance = number, tab, measured, chance
        self.link = NETWORKS[number % len(NETWORKS)]
        self.classes = 20 + 50 * (number // len(NETWORKS))
        self.chosen = 0

    async def work(self) -> None:
        """Does one thing after the other until it is cancelled."""
        kinds: dict[str, tuple[str, Callable[[], Awaitable[float]]]] = {
            "edit": ("architecture", self.edit),
            "layer": ("architecture", self.choose),
            "lesson": ("learn", self.read),
            "predict": ("predict", self.predict),
        }
        kind = "edit"
        while True:
            await asyncio.sleep(self.chance.uniform(0, 2 * PAUSE))
            if self.chance.random() < 0.3:  # people stay on a page for a while
                [kind] = self.chance.choices(list(ACTIONS), list(ACTIONS.values()))
            page, doing = kinds[kind]
            if self.tab.page != page:
                await self.measured.time("open", self.tab.open(page, self.link if page == "architecture" else ""))
                await asyncio.sleep(self.chance.uniform(0, 2 * PAUSE))
            await self.measured.time(kind, doing())

    def edit(self) -> Awaitable[float]:
        self.classes += 1
        states = [self.tab.number("edit.num_classes", self.classes)]
        return self.tab.run(self.link, states=states, shown=parameters_shown)

    def choose(self) -> Awaitable[float]:
        self.chosen += 1
        layer = f"features.{2 + self.chosen % 2}" if "vgg" in self.link else f"conv{1 + self.chosen % 2}"
        states = self.tab.trigger("layers", "choose", {"layer": layer, "number": self.chosen})
        return self.tab.run(self.link, states=states, fragment=self.tab.fragments["layers"])

    def read(self) -> Awaitable[float]:
        lesson = self.chance.choice(LESSONS)
        return self.tab.open("learn", f"lesson={lesson}&step={self.chance.randint(1, 4)}")

    def predict(self) -> Awaitable[float]:
        return self.tab.open("predict", f"weights={self.chance.choice(WEIGHTS)}")


async def watch(tab: Tab, link: str, measured: Measured) -> None:
    """Follows a run on the Runs page as often as the page asks for it, until it is cancelled."""
    await measured.time("open", tab.open("runs", link))
    due = dict.fromkeys(tab.reruns, 0.0)
    while True:
        for fragment, interval in list(tab.reruns.items()):
            if time.monotonic() >= due.get(fragment, 0):
                due[fragment] = time.monotonic() + interval
                await measured.time("watch", tab.run(link, fragment=fragment, polls=True))
        await asyncio.sleep(0.1)


async def browse(address: str, code: str, number: int, measured: Measured) -> None:
    """Edits in a real browser that has joined the class, until it is cancelled."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.EXECUTABLE, args=ARGUMENTS)
        try:
            page = await open_page(browser, f"{address}/architecture?net=vgg16&class={code}", PARAMETERS)
            classes = 5000 + 100 * number
            while True:
                classes += 1
                await asyncio.sleep(PAUSE)
                times = await entered(page, "Classes", str(classes), PARAMETERS)
                measured.times["browser"].append(times.painted)
        finally:
            await browser.close()


@contextmanager
def training() -> Iterator[str]:
    """Trains a network on digits beside, and yields the id of the job."""
    from explorer.families import resolve
    from explorer.jobs import service
    from explorer.jobs.job import Resources
    from explorer.jobs.make import make_jobs
    from explorer.jobs.store import ACTIVE, Status, store
    from explorer.recipes import resolve as resolve_recipe

    recipe = resolve_recipe("quick").changed(epochs=10_000, batch_size=16)  # longer than any class
    job = service.submit(make_jobs(resolve("digits-cnn"), "digits", recipe, Resources()))[0].id
    while store().get(job).status is not Status.RUNNING:
        time.sleep(0.1)
    try:
        yield job
    finally:
        service.stop(job)
        while store().get(job).status in ACTIVE:
            time.sleep(0.1)


class Server:
    """The processes of the app server, without those of the training."""

    def __init__(self) -> None:
        [self.process] = [one for one in psutil.Process().children() if "streamlit" in one.cmdline()]

    def memory(self) -> float:
        """Returns the memory that only the server and its workers use, in MiB."""
        found = 0
        for one in (self.process, *self.process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found += one.memory_full_info().uss
        return found / MEBIBYTE

    def seconds(self) -> float:
        """Returns the CPU seconds of the server so far."""
        times = self.process.cpu_times()
        return times.user + times.system


async def reached(address: str) -> None:
    """Waits until the server has shown each page once: the first ones load PyTorch."""
    for _attempt in range(PATIENCE):
        try:
            async with opened_tab(address) as tab:
                await tab.open("architecture", NETWORKS[0], parameters_shown)
                for name in WEIGHTS:
                    await tab.open("predict", f"weights={name}")
                await tab.open("learn", f"lesson={LESSONS[0]}&step=1")
                return
        except OSError:
            await asyncio.sleep(1)


async def lesson(students: int, phones: int, minutes: float, browsers: int, address: str, job: str) -> None:
    """Holds one class, and prints its figures."""
    measured, chance, server = Measured(), random.Random(0), Server()  # noqa: S311  pauses of students, no secrets
    before = server.memory()
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(Http.opened())
        bar = await ClassBar.enter(http, address, "open")
        lecture = Lecture(bar, measured)
        tabs = [await stack.enter_async_context(opened_tab(address)) for _ in range(students + 1)]
        for number, tab in enumerate(tabs[1:]):
            await measured.time("open", tab.open("architecture", NETWORKS[number % len(NETWORKS)]))
        opened = server.memory()
        bars = [await ClassBar.enter(http, address, "join", code=bar.code) for _ in range(students + phones)]
        tasks += [asyncio.create_task(lecture.give()), asyncio.create_task(watch(tabs[0], f"job={job}", measured))]
        tasks += [asyncio.create_task(follow_class(one, lecture, chance)) for one in bars]
        tasks += [
            asyncio.create_task(Student(number, tab, measured, chance).work()) for number, tab in enumerate(tabs[1:])
        ]
        tasks += [asyncio.create_task(browse(address, bar.code, number, measured)) for number in range(browsers)]
        used, begun, runs = server.seconds(), time.monotonic(), measured.runs()
        grown: list[tuple[float, float]] = []
        while (passed := time.monotonic() - begun) < 60 * minutes:
            for task in tasks:
                if task.done():
                    task.result()  # raises what ended it
            grown.append((passed, server.memory()))
            await asyncio.sleep(min(10.0, 60 * minutes - passed))
        spent, passed = server.seconds() - used, time.monotonic() - begun
        runs = measured.runs() - runs
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bar.post("end")
    print(f"{students} students, {phones} phones, {browsers} browsers, {minutes:g} minutes, a training beside:")
    measured.report()
    late = [kind for kind, times in measured.times.items() if percentile(sorted(times), 0.95) >= LIMIT]
    count = sum(map(len, measured.times.values()))
    print(
        f"  {len(measured.errors)} errors in {count:,} requests; p95 of {LIMIT} ms or more: {', '.join(late) or 'none'}"
    )
    print(f"  server: {spent / passed:.0%} of one core, {opened:.0f} MiB with all pages open", end="")
    if students:
        print(f", {1000 * spent / max(runs, 1):.0f} ms of CPU a run of a page", end="")
        print(f", {max(opened - before, 0) / students:.1f} MiB a session", end="")
    print()
    half = [memory for passed, memory in grown if passed >= 30 * minutes]
    print(f"  memory: {grown[0][1]:.0f} MiB at first, {half[0]:.0f} at half time, {grown[-1][1]:.0f} MiB at the end")


async def main() -> None:
    """Holds the classes one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, nargs="*", default=[1, 10, 30, 60])
    parser.add_argument("--phones", type=int, default=200, help="in a class without sessions; 0 for none")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--browsers", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(EXPLORER_RUNS_DIR=str(Path(folder) / "runs"))
        with training() as job, served("streamlit_app.py") as address:
            await reached(address)
            for students in given.students:
                await lesson(students, 0, given.minutes, given.browsers, address, job)
            if given.phones:
                await lesson(0, given.phones, given.minutes, 0, address, job)


if __name__ == "__main__":
    asyncio.run(main())
