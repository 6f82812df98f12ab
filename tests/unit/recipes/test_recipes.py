"""Recipes: published values, messages for invalid values, and assignments from the command line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.recipes import RECIPES, Recipe, parse_assignments, parse_spec_assignments, resolve
from tests.helpers.messages import quotes

REFUSED = [
    ({"lr": 0}, "lr: 0 is not above 0"),
    ({"lr": 100}, "lr: 100 …, 10"),
    ({"lr": "fast"}, "lr: 'fast' is not a number"),
    ({"lr": True}, "lr: true is not a number"),
    ({"lr": float("nan")}, "lr: nan is not a number"),
    ({"lr": 10**400}, "is not a number"),
    ({"lr": -1, "epochs": 0}, "lr: -1 is not above 0; epochs: 0 …, 1"),
    ({"momentum": 1}, "momentum: 1 is not below 1"),
    ({"momentum": -0.1}, "momentum: -0.1 …, 0"),
    ({"optimizer": "lion"}, "optimizer: 'lion' is not one of 'sgd', 'nesterov', 'adam' or 'adamw'"),
    ({"optimizer": "nesterov", "momentum": 0}, "momentum: 0 leaves nesterov nothing"),
    ({"weight_decay": 2}, "weight_decay: 2 …, 1"),
    ({"schedule": None}, "schedule: null is not one of"),
    ({"step_size": 0}, "step_size: 0 …, 1"),
    ({"gamma": 1}, "gamma: 1 is not below 1"),
    ({"patience": -1}, "patience: -1 …, 0"),
    ({"threshold": 1.5}, "threshold: 1.5 is not below 1"),
    ({"warmup_epochs": 30}, "warmup_epochs: 30.0 is not below the number of epochs, 30"),
    ({"epochs": 0}, "epochs: 0 …, 1"),
    ({"epochs": 10_001}, "epochs: 10001 …, 10,000"),
    ({"epochs": 1.0}, "epochs: 1.0 "),
    ({"epochs": True}, "epochs: true "),
    ({"batch_size": 0}, "batch_size: 0 …, 1"),
    ({"batch_size": 10**6}, "batch_size: 1000000 …, 65,536"),
    ({"augment": "flip"}, "augment: 'flip' is not a list"),
    ({"augment": ["flop"]}, "augment, entry 1: 'flop' is not one of 'flip', 'crop'"),
    ({"augment": ["flip", "flip"]}, "augment: 'flip' occurs twice"),
    ({"augment": ["flip"] * 10**6}, "augment: takes at most 7 entries"),
    ({"augment": ["crop", "random_resized_crop"]}, "augment: crop and random_resized_crop both choose"),
    ({"mean": [127.5], "std": [1]}, "mean, entry 1: 127.5 …, 1"),
    ({"mean": [0.5], "std": [0]}, "std, entry 1: 0 …, 0.001"),
    ({"mean": [0.5]}, "std: null while mean is given"),
    ({"std": [0.5]}, "mean: null while std is given"),
    ({"mean": [0.5] * 3, "std": [0.5]}, "std: has 1 entry while mean has 3"),
    ({"mean": [], "std": []}, "mean: needs at least 1 entries, has 0"),
    ({"init": "xavier"}, "init: 'xavier' is not one of 'default', 'he', 'he_conv' or 'normal'"),
    ({"label_smoothing": 1}, "label_smoothing: 1 is not below 1"),
    ({"clip_norm": 0}, "clip_norm: 0 is not above 0"),
    ({"clip_value": 0}, "clip_value: 0 is not above 0"),
    ({"rotation_degrees": 181}, "rotation_degrees: 181 …, 180"),
    ({"noise_std": 1.5}, "noise_std: 1.5 …, 1"),
    ({"ema": 1}, "ema: 1 is not below 1"),
    ({"ema": 0}, "ema: 0 is not above 0"),
    ({"aux_weight": -1}, "aux_weight: -1 …, 0"),
    ({"freeze": ["features", ""]}, "freeze, entry 2: is empty"),
    ({"freeze": [1]}, "freeze, entry 1: 1 is not text"),
    ({"weights": ""}, "weights: is empty"),
    ({"weights": "\ud800"}, "weights: '\\ud800' is not text"),
    ({"precision": "fp8"}, "precision: 'fp8' is not one of"),
    ({"compile": 1}, "compile: 1 "),
    ({"seed": -1}, "seed: -1 …, 0"),
    ({"seed": 2**31}, "seed: 2147483648 …, 2,147,483,647"),
    ({"validation_fraction": 0.9}, "validation_fraction: 0.9 …, 0.5"),
    ({"epoch": 3}, "epoch: … epochs?"),
    ({"zzz": 3}, "zzz: unknown key"),
    ([1], "recipe: [1] is not a JSON object"),
]


@pytest.mark.parametrize(("data", "message"), REFUSED, ids=range(len(REFUSED)))
def test_invalid_recipes_are_refused_in_one_line(data: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Recipe.parse(data)
    assert quotes(str(caught.value), message)
    assert str(caught.value).isprintable()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=5),
    st.lists(st.one_of(st.floats(), st.text(max_size=3), st.sampled_from(["flip", "crop"])), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.dictionaries(st.one_of(st.sampled_from(sorted(Recipe.model_fields)), st.text(max_size=8)), VALUES))
def test_any_mapping_is_a_recipe_or_an_error_of_one_line(data: dict[str, object]) -> None:
    try:
        recipe = Recipe.parse(data)
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert Recipe.parse(json.loads(json.dumps(recipe.to_dict()))) == recipe


def recipes() -> st.SearchStrategy[Recipe]:
    """Generates valid recipes."""
    fraction = st.floats(0, 0.5)
    positive = st.floats(1e-9, 0.9)
    normalisation = st.integers(1, 3).flatmap(
        lambda n: st.fixed_dictionaries(
            {
                "mean": st.lists(fraction, min_size=n, max_size=n),
                "std": st.lists(st.floats(0.01, 1), min_size=n, max_size=n),
            }
        )
    )
    others = st.fixed_dictionaries(
        {},
        optional={
            "optimizer": st.sampled_from(["sgd", "nesterov", "adam", "adamw"]),
            "lr": positive,
            "momentum": positive,
            "weight_decay": fraction,
            "schedule": st.sampled_from(["constant", "step", "plateau", "cosine", "onecycle"]),
            "gamma": positive,
            "warmup_epochs": st.none() | fraction,
            "epochs": st.integers(1, 10_000),
            "augment": st.none() | st.lists(st.sampled_from(["flip", "crop", "cutout"]), unique=True),
            "clip_norm": st.none() | positive,
            "ema": st.none() | positive,
            "freeze": st.lists(st.text(min_size=1, max_size=9)),
            "weights": st.none() | st.text(min_size=1, max_size=9),
            "compile": st.booleans(),
            "seed": st.integers(0, 2**31 - 1),
            "validation_fraction": fraction,
        },
    )
    return st.builds(lambda a, b: Recipe.parse({**a, **b}), others, normalisation | st.just({}))


@given(recipes())
def test_a_recipe_is_unchanged_by_json_and_by_assignments(recipe: Recipe) -> None:
    data = recipe.to_dict()
    again = Recipe.parse(json.loads(json.dumps(data)))
    assert again == recipe
    assert hash(again) == hash(recipe)
    fields, spec = parse_assignments([f"{key}={json.dumps(value)}" for key, value in data.items()])
    assert Recipe.parse(fields) == recipe
    assert spec == {}


@given(st.lists(st.text(st.characters()) | st.from_regex(r"(lr|augment|spec\.cfg|freeze)=[\[\]{},.0-9a-z\"]*")))
def test_any_text_is_parsed_or_an_error_of_one_line(pairs: list[str]) -> None:
    try:
        fields, _spec = parse_assignments(pairs)
        Recipe().changed(**fields)
    except InputError as error:
        assert str(error).isprintable()


ASSIGNED = [
    ("lr=0.1", {"lr": 0.1}),
    ("lr=1e-3", {"lr": 0.001}),
    ("lr=.1", {"lr": 0.1}),
    ("clip_norm=null", {"clip_norm": None}),
    ("compile=true", {"compile": True}),
    ("optimizer=sgd", {"optimizer": "sgd"}),
    ("augment=flip,crop", {"augment": ["flip", "crop"]}),
    ("augment=flip, crop", {"augment": ["flip", "crop"]}),
    ("augment=flip", {"augment": ["flip"]}),
    ('augment=["flip"]', {"augment": ["flip"]}),
    ("augment=", {"augment": []}),
    ("augment=null", {"augment": None}),
    ("mean=0.5", {"mean": [0.5]}),
    ("mean=0.5,.4,0.3", {"mean": [0.5, 0.4, 0.3]}),
    ("freeze=features", {"freeze": ["features"]}),
    ("freeze=layer1.0,bn1", {"freeze": ["layer1.0", "bn1"]}),
    ("freeze=0,1", {"freeze": ["0", "1"]}),
    ("weights=runs/a=b.safetensors", {"weights": "runs/a=b.safetensors"}),
    ("weights=runs/a,b.safetensors", {"weights": "runs/a,b.safetensors"}),
    (" epochs =3", {"epochs": 3}),
]


@pytest.mark.parametrize(("pair", "fields"), ASSIGNED)
def test_assignments_are_parsed_as_people_write_them(pair: str, fields: dict[str, object]) -> None:
    assert parse_assignments([pair]) == (fields, {})


def test_assignments_to_the_spec_are_separate() -> None:
    pairs = ["spec.dropout=0.3", "lr=1", "spec.cfg=64,M,128", "spec.classifier=[50, 40]", "spec.head=conv"]
    assert parse_assignments(pairs) == (
        {"lr": 1},
        {"dropout": 0.3, "cfg": [64, "M", 128], "classifier": [50, 40], "head": "conv"},
    )


@pytest.mark.parametrize(
    ("pair", "fields"),
    [
        ("pool_after=1,4", {"pool_after": ["1", "4"]}),
        ("pool_after=[1, 4]", {"pool_after": ["1", "4"]}),
        ("pool_after=3b,3e1", {"pool_after": ["3b", "3e1"]}),
        ("pool_after=2", {"pool_after": ["2"]}),
        ("cfg=8", {"cfg": [8]}),
        ("blocks=3", {"blocks": [3]}),
        ("classifier=", {"classifier": []}),
        ("widths=null", {"widths": None}),
        ("num_classes=1,2", {"num_classes": "1,2"}),
        ('modules=[["3a", 1]]', {"modules": [["3a", 1]]}),
    ],
)
def test_list_fields_of_a_spec_are_parsed_as_lists(pair: str, fields: dict[str, object]) -> None:
    assert parse_spec_assignments([pair]) == fields
    assert parse_assignments([f"spec.{pair}"]) == ({}, fields)


def test_a_field_without_a_value_is_shown_as_typed() -> None:
    with pytest.raises(InputError, match=r"'foo'"):
        parse_spec_assignments(["foo"])


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["lr"], "set: 'lr' is not KEY=VALUE"),
        (["=1"], "set: '=1' is not KEY=VALUE"),
        (["spec.=1"], "set: 'spec.=1' is not KEY=VALUE"),
        (["lr=1", "lr=2"], "set: 'lr=2' sets a key for the second time"),
        (["spec.dropout=0", "spec.dropout=0.1"], "set: 'spec.dropout=0.1' sets a key for the second time"),
        (["lr=fast"], "lr: 'fast' is not a number"),
        (["lr=1,2"], "lr: '1,2' is not a number"),
        (["lr=" + "[" * 100_000], "lr: '[[[[["),
        (["lr=" + "9" * 10_000], "lr: inf is not a number"),
        (["learning=1"], "learning: unknown key"),
        (["augment={}"], "augment, entry 1: {} is not one of"),
    ],
)
def test_invalid_assignments_are_refused(pairs: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Recipe().changed(**parse_assignments(pairs)[0])
    assert str(caught.value).startswith(message)


# Values of REFERENCES.md, R0 to R4, without keys that a reference does not mention.
PUBLISHED: dict[str, dict[str, object]] = {
    "r0": {"optimizer": "adam", "lr": 1e-4, "schedule": "constant", "epochs": 50, "batch_size": 32,
           "augment": ["random_resized_crop", "flip"], "mean": [0.5], "std": [0.5]},
    "r1": {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4, "schedule": "plateau", "gamma": 0.1,
           "threshold": 0.1, "patience": 3, "epochs": 50, "batch_size": 128, "augment": ["flip"],
           "mean": [0.5], "std": [0.5]},
    "r2": {"optimizer": "sgd", "lr": 1e-3, "momentum": 0.9, "schedule": "step", "step_size": 10, "gamma": 0.1,
           "epochs": 100, "batch_size": 64, "augment": ["random_resized_crop", "flip"],
           "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    "r3": {"optimizer": "adam", "lr": 1e-3, "epochs": 10, "batch_size": 128, "augment": ["crop", "flip"],
           "mean": [0.4914, 0.4822, 0.4465], "std": [0.2023, 0.1994, 0.2010]},
    "r3-mnist": {"optimizer": "adam", "lr": 1e-3, "batch_size": 64, "augment": [], "mean": [0.1307], "std": [0.3081]},
    "r4": {"optimizer": "adam", "lr": 3e-4, "epochs": 30, "batch_size": 32, "aux_weight": 0.3, "init": "he_conv",
           "augment": ["random_resized_crop", "flip"], "mean": [0.5], "std": [0.5]},
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_recipes_of_references_have_their_published_values(name: str) -> None:
    recipe = resolve(name).to_dict()
    assert {key: recipe[key] for key in PUBLISHED[name]} == PUBLISHED[name]
    # None of the references clips gradients, smooths labels, averages weights or uses the test set for choices.
    assert (recipe["clip_norm"], recipe["label_smoothing"], recipe["ema"]) == (None, 0, None)
    assert recipe["validation_fraction"] > 0


KEYS = """
    optimizer lr momentum weight_decay schedule step_size gamma patience threshold warmup_epochs epochs batch_size
    augment rotation_degrees noise_std random_labels patch patch_shows mean std init label_smoothing clip_norm
    clip_value ema aux_weight freeze weights
    precision compile seed
    validation_fraction
""".split()


def test_every_documented_key_exists() -> None:
    assert list(Recipe().to_dict()) == KEYS
    assert resolve("default") == Recipe()
    assert list(RECIPES) == [preset.name for preset in RECIPES.values()]


def test_resolve_accepts_names_json_and_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(resolve("r1").to_dict()))
    assert resolve(str(file)) == resolve(" r1 ") == RECIPES["r1"].recipe
    assert resolve('{"lr": 0.01}') == Recipe().changed(lr=0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "defualt",
            "recipe: 'defualt' is not one of default, quick, r0, r1, r2, r3, r3-mnist, r4; did you mean default?",
        ),
        (
            "zzzzz",
            "recipe: 'zzzzz' is not one of default, quick, r0, r1, r2, r3, r3-mnist, r4, a .json file or inline JSON",
        ),
        ("", "recipe: '' is not one of"),
        ("missing.json", "recipe: can't read 'missing.json': No such file"),
        ('{"lr": 1', "recipe: not JSON at line 1, column 9"),
        ('{"lr": 1, "lr": 1}', "'lr': "),
        ("[" * 100_000, "recipe: the JSON is nested too deeply"),
        ("[1]", "recipe: [1] is not a JSON object"),
    ],
)
def test_texts_that_are_not_recipes_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve(text)
    assert str(caught.value).startswith(message)
