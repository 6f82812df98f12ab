"""The reader of JSON: any content is read, or refused in one line that quotes little of it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError, field_validator

from explorer.errors import InputError, readable
from explorer.jobs.run_directory import Row, RunDirectory
from explorer.specs.base import explain
from explorer.specs.reading import MAX_DEPTH, decode, legible, read_json
from explorer.ui.shared.results import mistakes

HOSTILE = [
    ("", "the text ends"), ("nul", "not JSON at line 1, column 1"), ('{"a":1,}', "not JSON"),
    ("[1] [2]", r"column 5: '\[2\]'"),
    ("[" * 33 + "]" * 33, "nested too deeply, beyond 32 levels"), ("[" * 200_000, "nested too deeply"),
    ('{"a":' * 500 + "1" + "}" * 500, "nested too deeply"), (r'"\ud800"', "incomplete characters"),
    (r'{"\udfff":1}', "incomplete characters"), (r'["\u0000"]', "control characters"),
    (r'["\u001b[2J"]', "control characters"),
    (r'{"a":{"b":"\u0085"}}', "control characters"), ("9" * 20, "more than 64 bits"), ("9" * 9000, "more than 64 bits"),
    ('{"a":1,"a":2}', "occurs twice"), ('"' + "x" * 100_001 + '"', "more than the 100,000 allowed"),
    ("[" + "1," * 500_000 + "1]", "1,000,003 characters of JSON"), ("\x00", "not JSON"), ("'a'", "not JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), HOSTILE)
def test_hostile_text_is_refused_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words) as caught:
        decode(text, "card")
    assert readable(str(caught.value))
    assert len(str(caught.value)) < 200
    file = tmp_path / "card.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_json(file, "card")


def test_valid_text_is_read_like_by_python() -> None:
    for text in (
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        '"two\\nlines\\tof \\u202e text"',
        "9223372036854775807",
        "1e400",
        "null",
    ):
        assert decode(text, "card") == json.loads(text)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(VALUES)
def test_legible_values_can_be_read_again(value: object) -> None:
    assert decode(json.dumps(legible(value)), "x") == legible(value)
    json.dumps(legible(value), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"[1]", b'{"epoch":1}', b'{"epoch":"1","name":"a","value":1}', b'{"epoch":1,"name":"a","value":"x"}',
        b'{"epoch":1,"name":"a","value":1,"more":1}', b"\xff\xfe", b"[" * 5000,
        b'{"epoch":1,"name":"\\ud800","value":1}',
        b'{"epoch":1,"name":"a","value":' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_an_invalid_line_of_metrics_is_skipped(line: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = RunDirectory(tmp_path)
    directory.open([Row(0.25, "step/loss", 0.7), Row(1, "train/loss", 0.5)], ["a"])
    with directory.metrics.open("ab") as file:
        file.write(line + b"\n")
    directory.append([Row(2, "train/loss", float("nan"))])
    assert [row.epoch for row in directory.rows()] == [0.25, 1, 2]
    assert "an invalid line of metrics is left out" in caplog.text
    (record,) = caplog.records
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize(
    "text", ["[]", "{", "[" * 5000, '{"process":1}', '{"process":["a",{}]}', '{"process":[1]}', "\udcff"]
)
def test_invalid_files_of_a_run_count_as_missing(text: str, tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    for name in ("supervisor.json", "progress.json", "end.json"):
        (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    assert directory.supervisor() is None
    if not text.startswith('{"'):
        assert directory.progress() == {}
        assert directory.read_end() is None


def test_an_error_of_a_run_can_be_read_whatever_characters_it_has(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.end("failed", error={"code": "x", "message": "caf\udce9 \x1b[31m"})
    assert directory.read_end() == {
        "status": "failed",
        "error": {"code": "x", "message": "caf\\udce9 \\x1b[31m"},
        "result": None,
    }


MISTAKE = {"index": 1, "truth": "cat", "predicted": "dog", "probability": 0.9, "image": "data:image/png;base64,AAAA"}


@pytest.mark.parametrize(
    "change",
    [
        {"image": "/etc/passwd"}, {"image": "https://evil.example/x.png"}, {"image": "data:text/html;base64,AAAA"},
        {"image": None}, {"truth": None}, {"predicted": []}, {"probability": "1"}, {"probability": 7}, None,
    ],
)  # fmt: skip
def test_pictures_of_mistakes_contain_no_addresses(change: dict[str, object] | None) -> None:
    assert mistakes.checked([MISTAKE]) == [MISTAKE]
    with pytest.raises(InputError, match="is not a wrong answer with its picture"):
        mistakes.checked([MISTAKE, change and MISTAKE | change])
    with pytest.raises(InputError, match="is not a wrong answer"):
        mistakes.checked({"a": MISTAKE})


class Model(BaseModel):
    number: int = 0
    data: dict[str, int] = {}

    @field_validator("number")
    @classmethod
    def _rule(cls, number: int) -> int:
        if number == 13:
            raise ValueError("number: 13 is not taken")
        return number


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"number":13}', '{"data":[]}', '{"data":{"a":[]}}', '{"number":{}}', "x" * 9000]
)
def test_no_messages_of_pydantic_are_shown(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate_json(text)
    message = explain(caught.value.errors()[0])
    assert len(message) < 120
    assert not any(theirs in message for theirs in ("Input", "Invalid JSON", "Value error", "valid dictionary"))
