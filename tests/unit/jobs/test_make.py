"""Sweeps: their combinations, the values of each job, and invalid sweeps."""

import json
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.families import resolve
from explorer.jobs.job import MAX_NAME, Job, Resources
from explorer.jobs.make import make_jobs
from explorer.recipes import Recipe, parse_assignments, parse_row, parse_sweep, read_rows
from explorer.recipes.changes import MAX_SWEEP

SPEC = resolve("digits-cnn")


def sweep_jobs(*varied: str, name: str = "") -> list[Job]:
    return make_jobs(SPEC, "digits", Recipe(), Resources(), name=name, varied=varied)


keys = st.text(st.characters(codec="utf-8", exclude_characters="=,"), min_size=1).filter(lambda key: key.strip() == key)
plain = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters=".-+_ "), min_size=1).filter(
    lambda value: value.strip() == value and ".." not in value
)
lists = st.lists(st.one_of(st.integers(), plain), max_size=4).map(json.dumps)
axes = st.dictionaries(keys, st.lists(st.one_of(plain, lists), min_size=1, max_size=4, unique=True), max_size=4)


@settings(max_examples=150, deadline=None)
@given(axes)
def test_a_sweep_has_every_combination_once_in_order(chosen: dict[str, list[str]]) -> None:
    texts = [f"{key}={','.join(values)}" for key, values in chosen.items()]
    count = prod(map(len, chosen.values()))
    if count > MAX_SWEEP:
        with pytest.raises(InputError):
            parse_sweep(texts)
        return
    found = parse_sweep(texts)
    assert len(found) == len({tuple(one.items()) for one in found}) == count
    assert all(list(one) == list(chosen) and all(one[key] in chosen[key] for key in chosen) for one in found)
    places = [[chosen[key].index(one[key]) for key in chosen] for one in found]
    assert places == sorted(places)  # the last key varies fastest


def test_two_dots_stand_for_whole_numbers() -> None:
    assert [one["seed"] for one in parse_sweep(["seed=-1..1, 7, 1.5"])] == ["-1", "0", "1", "7", "1.5"]
    jobs = sweep_jobs("seed=1..100", f"lr={','.join(f'{1e-3 * number:g}' for number in range(1, 11))}")
    assert len(jobs) == MAX_SWEEP
    assert [job.recipe.seed for job in jobs[::10]] == list(range(1, 101))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(alphabet='ab=,[]{}" 1.\\\n\0', max_size=20), max_size=3))
def test_any_text_is_a_sweep_or_an_error_of_one_line(texts: list[str]) -> None:
    try:
        found = parse_sweep(texts)
    except InputError as error:
        assert str(error).startswith("sweep: ")
        assert str(error).isprintable()
        assert len(str(error)) < 150
    else:
        assert 1 <= len(found) <= MAX_SWEEP
        assert all(value and value == value.strip() for one in found for value in one.values())


def test_a_huge_sweep_is_refused_before_it_is_expanded() -> None:
    texts = [f"k{number}={','.join(map(str, range(1000)))}" for number in range(100)]
    with pytest.raises(InputError, match="combinations are more than the 1000 jobs") as caught:
        parse_sweep(texts)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["lr"], "is not KEY=VALUE,VALUE"),
        (["lr="], "is not KEY=VALUE,VALUE"),
        (["lr=,,"], "is not KEY=VALUE,VALUE"),
        (["=1,2"], "is not KEY=VALUE,VALUE"),
        (["lr=1,2", " lr =3"], "'lr' occurs twice"),
        (["lr=1,2,1"], "has '1' twice"),
        (["seed=1..3,2"], "has '2' twice"),
        (["seed=3..1"], "has to rise"),
        (["seed=1..999999999"], "has to rise, and to have at most 1000 numbers"),
    ],
)
def test_texts_that_are_not_sweeps_are_refused(texts: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_sweep(texts)


def test_commas_in_brackets_and_quotes_belong_to_a_value() -> None:
    assert [one["k"] for one in parse_sweep(['k=[1,[2,3]],"a,b",{"c":[4,5]},6'])] == [
        "[1,[2,3]]",
        '"a,b"',
        '{"c":[4,5]}',
        "6",
    ]


def test_a_sweep_varies_networks_and_recipes() -> None:
    """The sweep of R0: hidden width x dropout x learning rate."""
    texts = ["spec.classifier=[32],[64,32]", "spec.dropout=0,0.5", "lr=1e-3,1e-2,.1"]
    found = sweep_jobs(*texts, name="table")
    assert len(found) == len({job.id for job in found}) == 12
    assert len({job.sweep for job in found}) == 1
    assert found[0].sweep
    for job in found:
        assert list(job.varied) == ["lr", "spec.classifier", "spec.dropout"]
        assert job.varied["lr"] == job.recipe.lr
        spec = job.spec.to_dict()
        assert (spec["classifier"], spec["dropout"]) == (job.varied["spec.classifier"], job.varied["spec.dropout"])
        assert job.name.startswith("table · classifier=[")
        assert json.loads(json.dumps(job.to_dict())) == job.to_dict()
    assert {(str(job.spec), job.recipe.lr) for job in found} == {
        (str(SPEC.changed(classifier=widths, dropout=dropout)), lr)
        for widths in ([32], [64, 32])
        for dropout in (0.0, 0.5)
        for lr in (1e-3, 1e-2, 0.1)
    }
    assert sweep_jobs(*texts)[0].sweep != found[0].sweep


def test_without_a_sweep_there_is_one_job() -> None:
    (one,) = sweep_jobs(name="alone")
    assert (one.name, one.sweep, one.varied) == ("alone", "", {})
    assert sweep_jobs("seed=3")[0].sweep  # one combination is a sweep, too


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["lr=0.1,fast"], "lr"),
        (["nothing=1,2"], "nothing"),
        (["spec.nothing=1,2"], "nothing"),
        (["spec.family=vgg,resnet"], "family"),
        (["seed=1,1.0"], "seed|same job"),
        (["lr=0.1,1e-1"], "two of the combinations are the same job"),
    ],
)
def test_an_invalid_value_is_named(texts: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        sweep_jobs(*texts)
    assert "\n" not in str(caught.value)


def test_names_of_sweep_jobs_are_truncated() -> None:
    for job in sweep_jobs("lr=0.1,0.01", "spec.classifier=[64],[" + "128," * 15 + "128]", name="n" * MAX_NAME):
        assert len(job.name) <= MAX_NAME
        assert Job.new(SPEC, "digits", Recipe(), Resources(), job.name).name == job.name


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_a_json_value_is_parsed_unchanged(value: Any) -> None:
    recipe, _spec = parse_assignments([f"key={json.dumps(value)}"])
    assert recipe == {"key": value}
    assert type(recipe["key"]) is type(value)


R0 = [  # hidden widths x dropout x batch x rate, in rows that form no grid
    "spec.classifier=50,50,spec.dropout=0.4,batch_size=32,lr=1e-4",
    "spec.classifier=[70,70],spec.dropout=0.5,batch_size=64,lr=1e-3",
    "spec.classifier=[512, 512],spec.dropout=0.2",
]


def test_each_row_of_a_table_is_a_job() -> None:
    found = make_jobs(SPEC, "digits", Recipe(), Resources(), rows=list(map(parse_row, R0)))
    assert [(job.spec.to_dict()["classifier"], job.recipe.batch_size, job.recipe.lr) for job in found] == [
        ([50, 50], 32, 1e-4),
        ([70, 70], 64, 1e-3),
        ([512, 512], 64, 1e-3),  # the recipe's own values of the keys that the sweep varies
    ]
    assert len({job.sweep for job in found}) == 1
    assert all(set(job.varied) == {"spec.classifier", "spec.dropout", "batch_size", "lr"} for job in found)
    assert found[2].varied["lr"] == 1e-3
    assert found[0].name.endswith("· classifier=50,50 dropout=0.4 batch_size=32 lr=1e-4")


def test_each_row_is_combined_with_each_cell_of_the_grid() -> None:
    found = make_jobs(SPEC, "digits", Recipe(), Resources(), rows=[{"lr": "0.1"}, {"lr": "0.2"}], varied=["seed=1,2,3"])
    assert [(job.recipe.lr, job.recipe.seed) for job in found] == [
        (lr, seed) for lr in (0.1, 0.2) for seed in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("rows", "varied", "words"),
    [
        ([{"lr": "0.1"}, {"lr": "fast"}], [], "row 2: lr: 'fast' is not a number"),
        ([{"lr": "0.1"}, {"seed": "1"}, {"lr": "1e-1"}], [], "rows 1 and 3 are the same job"),
        ([{"nothing": "1"}], [], "row 1: nothing: unknown key"),
        ([{"lr": "0.1"}], ["lr=0.1,0.2"], "'lr' has values in the rows and also outside of them"),
        (
            [{"seed": str(seed)} for seed in range(600)],
            ["lr=0.1,0.2"],
            "sweep: 1,200 rows and combinations ",
        ),
    ],
)
def test_invalid_rows_are_named(rows: list[dict[str, str]], varied: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_jobs(SPEC, "digits", Recipe(), Resources(), rows=rows, varied=varied)


@pytest.mark.parametrize("text", ["lr", "=1", "lr=", "lr=1,lr=2", "", ",,"])
def test_texts_that_are_not_rows_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^row: "):
        parse_row(text)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'spec.classifier,lr\n"[50,50]",1e-4\n"64",\n'),
        ("t.csv", "\ufeffspec.classifier;lr\r\n[50,50];1e-4\r\n64;\r\n"),
        ("t.csv", "spec.classifier\tlr\n50,50\t1e-4\n64\n\n"),
        ("t.json", '[{"spec.classifier": [50, 50], "lr": 1e-4}, {"spec.classifier": [64]}]'),
    ],
)
def test_a_table_is_read_from_a_file(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    found = make_jobs(SPEC, "digits", Recipe(), Resources(), rows=read_rows(tmp_path / name))
    assert [(job.spec.to_dict()["classifier"], job.recipe.lr) for job in found] == [([50, 50], 1e-4), ([64], 1e-3)]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.csv", None, "can't be read"),
        ("t.csv", b"", "has no row"),
        ("t.csv", b"lr\n", "has no row"),
        ("t.csv", b"lr,lr\n1,2\n", "an empty or a repeated key"),
        ("t.csv", b"lr,seed\n1,2,3\n", "line 2 of .* has 3 cells, and there are 2 keys"),
        ("t.csv", b"\xff\xfe\x00", "is not UTF-8"),
        ("t.json", b'{"lr": 1}', "is not a list of objects"),
    ],
)
def test_files_that_are_not_tables_are_refused(name: str, content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"^rows: .*{words}") as caught:
        read_rows(tmp_path / name)
    assert "\n" not in str(caught.value)
