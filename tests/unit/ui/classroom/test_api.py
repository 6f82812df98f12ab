"""The addresses of a class as a bad student would use them: forged, guessed, repeated, too large, with markup."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from explorer.classroom import classes as store
from explorer.classroom.question import MAX_POINTS
from explorer.jobs.run_directory import Row
from explorer.jobs.store import Status
from explorer.jobs.store import store as store_of_jobs
from explorer.settings import settings
from explorer.ui.classroom import api
from explorer.ui.shared import class_run
from tests.helpers.stores import add_jobs

MARKUP = '<img src=x onerror="alert(1)">'


class Answer(NamedTuple):
    status: int
    text: str
    kind: str

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.text))


class Client:
    """Sends requests to the app without a server."""

    def __init__(self, app: Starlette, address: str = "10.0.0.1") -> None:
        self.app, self.address = app, address
        self.code = self.key = ""

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        kind: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        headers = {"content-type": kind, "authorization": f"Bearer {self.key}", "host": "localhost"}
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "scheme": "http",
            "root_path": "",
            "query_string": urlencode({"code": self.code, **(query or {})}).encode(), "http_version": "1.1",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": (self.address, 1), "server": ("localhost", 80),
        }  # fmt: skip
        parts: list[dict[str, Any]] = []
        is_read = False

        async def receive() -> dict[str, Any]:
            nonlocal is_read
            if is_read:
                await asyncio.Event().wait()  # stays connected
            is_read = True
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            parts.append(message)

        asyncio.run(self.app(scope, receive, send))
        text = b"".join(part.get("body", b"") for part in parts).decode()
        return Answer(parts[0]["status"], text, dict(parts[0]["headers"])[b"content-type"].decode())

    def get(self, what: str, **query: str) -> Answer:
        return self.send("GET", f"/class-api/{what}", query=query)

    def post(self, action: str, **body: object) -> Answer:
        return self.send("POST", f"/class-api/{action}", body)

    def state(self) -> dict[str, Any]:
        api._states.clear()  # what is fresh for others is what the tests before this one have read
        return self.get("state").told

    def enter(self, action: str, **body: object) -> "Client":
        answer = self.post(action, **body)
        assert answer.status == 200, answer
        self.code, self.key = answer.told["code"], answer.told["key"]
        return self


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Starlette]:
    monkeypatch.setenv("EXPLORER_RUNS_DIR", str(tmp_path))
    caches = (api._states, api._members, api._wrong, api._opened)
    for known in (settings, store.classes, store_of_jobs):
        known.cache_clear()
    for cache in caches:
        cache.clear()
    yield Starlette(routes=api.routes())
    store.classes().close()
    for known in (settings, store.classes, store_of_jobs):
        known.cache_clear()
    for cache in caches:
        cache.clear()


def test_results_are_hidden_until_they_are_revealed(app: Starlette) -> None:
    teacher = Client(app).enter("open")
    students = [Client(app).enter("join", code=teacher.code.lower()) for _student in range(3)]
    asked = teacher.post("ask", kind="choice", text=MARKUP, options=["a", MARKUP], right=1)
    number = asked.told["number"]
    for student, value in zip(students, (0, 1, 1), strict=True):
        assert student.post("answer", number=number, value=value).status == 200
    question = students[0].state()["question"]
    assert (question["mine"], question["text"]) == (0, MARKUP)
    assert not {"rounds", "right"} & set(question), "nothing of the others, and not the right answer"
    assert teacher.state()["question"]["rounds"][0]["counts"] == [1, 2]
    teacher.post("question", number=number, revealed=True)
    assert students[2].state()["question"]["rounds"][0]["counts"] == [1, 2]
    assert students[2].state()["question"]["right"] == 1
    teacher.post("again", number=number)
    again = students[0].state()["question"]
    assert "rounds" not in again
    assert again["number"] == number + 1
    assert [len(one["counts"]) for one in teacher.state()["question"]["rounds"]] == [2, 2]


def test_texts_are_seen_when_the_teacher_lets_them_through(app: Starlette) -> None:
    teacher = Client(app).enter("open")
    student = Client(app).enter("join", code=teacher.code)
    number = teacher.post("ask", kind="text", text="Why?").told["number"]
    student.post("answer", number=number, value=MARKUP)
    teacher.post("question", number=number, revealed=True)
    assert student.state()["question"]["rounds"][0]["texts"] == []
    (seen,) = teacher.state()["question"]["rounds"][0]["texts"]
    teacher.post("show-text", number=number, word=seen["word"], shown=True)
    assert student.state()["question"]["rounds"][0]["texts"] == [seen | {"shown": True}]
    student.post("answer", number=number, value="=HYPERLINK(1)")
    assert student.state()["question"]["rounds"][0]["texts"] == [], "another text waits again"
    page = teacher.get("report", format="html")
    table = teacher.get("report", format="csv")
    assert page.kind.startswith("text/html")
    assert "=HYPERLINK(1)" in page.text
    assert "'=HYPERLINK(1)" in table.text, "no spreadsheet takes it for a formula"
    number = teacher.post("ask", kind="number", text="How much?").told["number"]
    student.post("answer", number=number, value=-5)
    assert teacher.get("report", format="csv").text.splitlines()[-1].split(",")[4] == "-5", "a number stays one"
    teacher.post("question", number=number, right=138.36)
    assert "<td>138.36 ✓</td>" in teacher.get("report", format="html").text, "though nobody has given it"
    assert student.get("report").status == 403


def test_a_mark_holds_for_all_rounds_of_a_question(app: Starlette) -> None:
    teacher = Client(app).enter("open")
    students = [Client(app).enter("join", code=teacher.code) for _student in range(2)]
    number = teacher.post("ask", kind="choice", text="Which?", options=["a", "b"]).told["number"]
    students[0].post("answer", number=number, value=1)
    number = teacher.post("again", number=number).told["number"]
    for student in students:
        student.post("answer", number=number, value=1)
    teacher.post("question", number=number, right=1)
    rows = [line.split(",")[2:6] for line in teacher.get("report", format="csv").text.splitlines()[1:]]
    assert [(row[0], *row[2:]) for row in rows] == [("1", "b", "true"), ("2", "b", "true"), ("2", "b", "true")]
    page = teacher.get("report", format="html").text
    assert page.count("b ✓") == 2
    assert [page.count(f"width:{width}rem") for width in ("6.0", "12.0")] == [1, 1], "one scale"


def test_a_report_is_sent_in_pieces_of_one_round(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = Client(app).enter("open")
    student = Client(app).enter("join", code=teacher.code)
    for text in ("Why?", "How?", "When?"):
        number = teacher.post("ask", kind="text", text=text).told["number"]
        student.post("answer", number=number, value=f"{text} Because.")
    read: list[int] = []
    rounds = store.Classes.rounds

    def count(self: store.Classes, code: str, numbers: list[int]) -> list[store.Round]:
        read.append(len(numbers))
        return rounds(self, code, numbers)

    monkeypatch.setattr(store.Classes, "rounds", count)
    for form in ("csv", "html"):
        told = teacher.get("report", format=form).text
        assert [told.count(f"{text} Because.") for text in ("Why?", "How?", "When?")] == [1, 1, 1]
    assert set(read) == {1}, "never all of them"


def test_runs_are_on_one_chart_which_grows_and_nobody_gives_curves_of_no_training(app: Starlette) -> None:
    teacher = Client(app).enter("open")
    students = [Client(app).enter("join", code=teacher.code) for _student in range(3)]
    number = teacher.post("ask", kind="run", text="Train it.").told["number"]
    mine, other = add_jobs(store_of_jobs(), 2)
    store_of_jobs().write_rows(mine, [Row(1, "validation/top1", 0.5)], replace=False)
    class_run._experiments.clear()  # lessons of other tests have offered theirs
    class_run.offer_experiment([("Plain", [(1, 0.25)]), ("Deep", [(1, float("nan")), (2, 0.75)])])
    [experiment] = class_run._experiments
    raws: list[Any] = [
        None, [], {}, {"jobs": "x"}, {"jobs": ["\0"]}, {"jobs": ["nothere"]}, {"jobs": [mine] * 7},
        {"experiment": "x" * 32}, {"lines": [{"name": MARKUP, "points": [[1, 1.0]]}]},
    ]  # fmt: skip
    for raw in raws:
        assert "run:" in students[0].post("answer", number=number, run=raw).told["error"], raw
    for value in ([{"name": MARKUP, "points": [[1, 1.0]], "job": ""}], {"jobs": [mine]}):
        assert students[0].post("answer", number=number, value=value).status == 400
    assert students[0].post("answer", number=number, run={"jobs": [mine]}).status == 200
    assert students[1].post("answer", number=number, run={"jobs": [other, mine]}).status == 403, "another student's"
    assert students[1].post("answer", number=number, run={"experiment": experiment}).status == 200
    seen = students[0].state()["question"]
    assert (len(seen["mine"]), "rounds" in seen) == (1, False), "hidden until it is revealed"
    teacher.post("question", number=number, revealed=True)
    runs = students[2].state()["question"]["rounds"][0]["runs"]
    one, two = sorted(runs, key=lambda run: len(run["lines"]))
    assert [line["points"] for line in one["lines"]] == [[[1, 0.5]]]
    assert {line["name"]: line["points"] for line in two["lines"]} == {"Plain": [[1, 0.25]], "Deep": [[2, 0.75]]}
    rows = [Row(epoch, "validation/top1", epoch / 200) for epoch in range(1, 200)]
    store_of_jobs().write_rows(mine, rows, replace=True)
    store_of_jobs().change(mine, [Status.QUEUED], progress=1.0)  # as the runner does after it
    runs = {run["word"]: run for run in teacher.state()["question"]["rounds"][0]["runs"]}
    grown = runs[one["word"]]["lines"][0]["points"]
    assert (len(grown) <= MAX_POINTS, grown[-1]) == (True, [199, 0.995])
    table, page = teacher.get("report", format="csv"), teacher.get("report", format="html")
    assert f"{one['word']}" in page.text
    assert page.text.count("<path") > 3
    assert f"{two['word']},Deep,,2,0.75" in table.text


def test_a_student_cannot_do_what_a_teacher_does(app: Starlette) -> None:
    teacher, other = Client(app).enter("open"), Client(app).enter("open")
    student = Client(app).enter("join", code=teacher.code)
    number = teacher.post("ask", kind="number", text="How many?").told["number"]
    for action, body in {
        "send": {"screen": "/learn"}, "ask": {"kind": "text", "text": "x"}, "again": {"number": number},
        "question": {"number": number, "revealed": True}, "put-away": {}, "invite": {}, "end": {},
        "show-text": {"number": number, "word": "x"},
    }.items():  # fmt: skip
        assert student.post(action, **body).status == 403, action
    forged = Client(app)
    forged.code, forged.key = teacher.code, other.key
    assert forged.post("end").status == 403
    assert teacher.post("answer", number=number, value=3).status == 403
    assert student.state()["screen"] == ""


def test_answers_that_are_none_are_refused_in_a_sentence(app: Starlette) -> None:
    teacher = Client(app).enter("open")
    student = Client(app).enter("join", code=teacher.code)
    number = teacher.post("ask", kind="number", text="How many?").told["number"]
    values: list[object] = ["7", None, [1], {}, True, 1e400, MARKUP]
    for value in values:
        refused = student.post("answer", number=number, value=value)
        assert refused.status == 400
        assert "answer" in refused.told["error"]
    for wrong in (None, "1", 1.5, True, 10**12, -1):
        assert student.post("answer", number=wrong, value=1).status == 400
    assert student.post("answer", number=77, value=1).status == 400
    assert student.post("jump").status == 400
    for data in (b"", b"[]", b"{", b"[" * 100_000, b'"' + b"x" * 800_000 + b'"'):
        assert student.send("POST", "/class-api/answer", data).status == 400
    assert student.send("POST", "/class-api/answer", kind="text/plain").status == 400
    assert teacher.state()["question"]["rounds"][0]["values"] == []


def test_codes_are_not_guessed(app: Starlette) -> None:
    teacher = Client(app).enter("open")
    student = Client(app, "10.0.0.66").enter("join", code=teacher.code)
    guesser = Client(app, "10.0.0.66")
    told = [guesser.post("join", code=f"AAAA{first}{second}") for first in "234567" for second in "23456789AB"]
    assert {answer.status for answer in told} == {404}
    assert guesser.post("join", code=teacher.code).status == 429, "not even the right one any more"
    assert Client(app, "10.0.0.67").post("join", code=teacher.code).status == 200
    guesser.code, guesser.key = teacher.code, "guessed"
    assert guesser.get("state").status == 429
    assert guesser.get("report").status == 429
    api._members.clear()
    assert student.get("state").status == 200, "who is in a class behind the same address stays in it"


def test_one_address_does_not_open_all_classes(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_CLASSES", "5")
    settings.cache_clear()
    mine = [Client(app).enter("open") for _class in range(2)]
    refused = Client(app).post("open")
    assert (refused.status, "2 classes" in refused.told["error"]) == (400, True)
    assert Client(app, "10.0.0.2").post("open").status == 200
    pupils = [Client(app).enter("join", code=mine[0].code) for _student in range(30)]
    assert len({pupil.key for pupil in pupils}) == 30, "a school may have one address"
    assert mine[0].post("end").status == 200
    assert Client(app).post("open").status == 200
    monkeypatch.setenv("EXPLORER_CLASSES_PER_CLIENT", "3")
    settings.cache_clear()
    assert [Client(app).post("open").status for _class in range(2)] == [200, 400]


def test_a_server_that_is_read_only_has_no_classes(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_READ_ONLY", "true")
    settings.cache_clear()
    refused = Client(app).post("open")
    assert refused.status == 400
    assert "read-only" in refused.told["error"]


def test_the_code_is_shown_as_a_qr_code(app: Starlette) -> None:
    client = Client(app)
    assert client.get("qr", link="http://10.0.0.7:8501/?class=ABCDEF").text.startswith(
        '<svg xmlns="http://www.w3.org/2000/svg"'
    )
    assert client.get("qr", link="javascript:alert(1)").status == 400
    assert client.get("qr", link="http://" + "x" * 600).status == 400
