"""What a bad student sends over the WebSocket of the app by another program: it brings nothing, and harms nobody."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.tab import PageError, Tab, opened_tab
from tests.browser.conftest import serve

MARKUP = "<img src=x onerror=alert(1)>"
PAGES = [path.stem for path in (Path(__file__).parents[2] / "pages").glob("*.py")]
QUESTION = "Which word is secret?"


@pytest.fixture
def attacked(tmp_path: Path) -> Iterator[str]:
    """Address of an app of its own: Streamlit logs a traceback for each message that it can't read."""
    process, address = serve(tmp_path / "log")
    yield address
    process.terminate()
    process.wait(60)


def ask(address: str, path: str, key: str = "", body: dict[str, object] | None = None) -> Any:
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/class-api/{path}", data, headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def forged(tab: Tab, key: str) -> list[WidgetState]:
    """Return states and triggers of a component that a browser never sends."""
    told = [
        {"event": event, "value": value}
        for event in ("open", "ask", "reveal", "question", "answer", "send", "end", "choose", "__class__")
        for value in ({"number": 1, "revealed": True, "value": MARKUP, "screen": "//evil.example"}, [None], MARKUP)
    ]
    name = f"$$STREAMLIT_INTERNAL_KEY_{tab.ids[key]}__events"
    own = json.dumps({"role": "teacher", "key": "x", "state": {"revealed": True}})
    return [
        WidgetState(id=tab.ids[key], json_value=own),
        WidgetState(id=name, json_trigger_value=json.dumps(told)),
        WidgetState(id="$$ID-0000-class-teacher", json_value=own),
        WidgetState(id=f"$$ID-{MARKUP}", trigger_value=True),
    ]


async def attack(address: str, code: str) -> bytes:
    """Do what a bad student can, and return all that the server has told."""
    heard = bytearray()
    links = (f"class={code}&role=teacher&key=guessed", f"class={code}&teach=guessed&present=1", f"class={MARKUP}")
    for link in links:
        async with opened_tab(address, heard.extend) as tab:
            await tab.open("learn", link)
            for key in ("class-bar", "presenter"):
                await tab.run(link, states=forged(tab, key))
            with suppress(PageError):  # in this session alone
                await tab.run(link, states=[WidgetState(id=tab.ids["class-bar"], json_value="[" * 2000)])
            await tab.send(b"\xff" * 100)
    async with opened_tab(address, heard.extend) as tab:
        for page in (*PAGES, *PAGES):  # the second time as the session knows it, but without the states of its widgets
            await tab.open(page, "")
            await tab.open(page, "")
    return bytes(heard)


def test_forged_messages_bring_nothing_of_a_class(attacked: str) -> None:
    teacher = ask(attacked, "open", body={})
    student = ask(attacked, "join", body={"code": teacher["code"]})
    code = f"?code={teacher['code']}"
    number = ask(attacked, f"ask{code}", teacher["key"], {"kind": "text", "text": QUESTION})["number"]
    ask(attacked, f"answer{code}", student["key"], {"number": number, "value": f"{MARKUP} swordfish"})
    before = ask(attacked, f"state{code}", teacher["key"])
    with ThreadPoolExecutor(1) as thread:  # the loop of Playwright has the thread of the tests
        heard = thread.submit(asyncio.run, attack(attacked, teacher["code"])).result()
    after = ask(attacked, f"state{code}", teacher["key"])
    assert after == before, "still hidden, with one student and one answer"
    for secret in (teacher["key"], student["key"], student["word"], QUESTION, "swordfish"):
        assert secret.encode() not in heard
    assert b"Prediction" in heard or b"lesson" in heard, "the pages were there"
    shown = ask(attacked, f"state{code}", student["key"])["question"]
    assert "rounds" not in shown
    ask(attacked, f"end{code}", teacher["key"], {})
