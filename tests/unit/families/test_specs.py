"""Parsers of specs: accepted values, refused values, and the messages."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError, SpecError, TokenError
from explorer.families import PRESETS, parse_json, parse_spec, resolve
from explorer.families.vgg.spec import VggSpec
from explorer.specs.cfg import Conv, Norm, Pool, format_token, map_sizes, parse_token
from tests.helpers.call_counts import run_within
from tests.helpers.messages import quotes
from tests.helpers.specs import any_raw, parse_or_none

TOKENS = [
    (64, Conv(64)),
    ("64", Conv(64)),
    ("64:1", Conv(64, 1, 1, 0)),
    ("64:7/2", Conv(64, 7, 2, 3)),
    ("6:5p0", Conv(6, 5, 1, 0)),
    ("64:11/4p2", Conv(64, 11, 4, 2)),
    ("M", Pool("M")),
    ("M:3/2", Pool("M", 3, 2, 0)),
    ("M:3/2p1", Pool("M", 3, 2, 1)),
    ("A", Pool("A")),
    ("A:4", Pool("A", 4, 4, 0)),
    ("L", Norm()),
]

REFUSED = [
    ({"cfg": [64, "X"]}, "cfg, entry 2: 'X' is neither a number of channels nor M, A or L"),
    ({"cfg": [0]}, "cfg, entry 1: 0 is not a number of channels from 1 to 16,384"),
    ({"cfg": [-3]}, "cfg, entry 1: -3 is not a number of channels from 1 to 16,384"),
    ({"cfg": [10**9]}, "cfg, entry 1: 1000000000 is not a number of channels from 1 to 16,384"),
    ({"cfg": ["16:3s2"]}, "cfg, entry 1: '16:3s2' can't be read: after the colon come the kernel, /stride"),
    ({"cfg": [1.5]}, "cfg, entry 1: 1.5 is neither a number of channels nor M, A or L"),
    ({"cfg": [True]}, "cfg, entry 1: true is neither a number of channels nor M, A or L"),
    ({"cfg": [None]}, "cfg, entry 1: null is neither a number of channels nor M, A or L"),
    ({"cfg": [[64]]}, "cfg, entry 1: [64] is neither a number of channels nor M, A or L"),
    ({"cfg": "64,M"}, "cfg: '64,M' is not a list"),
    ({"cfg": [8] * 20_000}, "cfg: 20,000 tokens are more than the 256 allowed"),
    ({"cfg": ["64:4"]}, "must name its padding: '64:4p2'"),
    ({"cfg": ["64:0"]}, "the kernel of '64:0' is not between 1 and 255"),
    ({"cfg": ["64:3/0"]}, "the stride of '64:3/0' is not between 1 and 255"),
    ({"cfg": ["M:2/2p2"]}, "the padding of 'M:2/2p2' is more than half of its 2×2 window"),
    ({"cfg": ["M"] * 9, "image_size": 32}, "cfg, entry 6: 'M' needs a map of at least 2×2, but 1×1 arrives"),
    ({"cfg": [8], "typo": 1}, "typo: unknown key"),
    ({"cfg": [8], "batchnorm": True}, "batchnorm: unknown key; did you mean batch_norm?"),
    ({}, "cfg: this key is required"),
    ({"cfg": [8], "image_size": 0}, "image_size: 0 is below the minimum, 1"),
    ({"cfg": [8], "image_size": 10**6}, "image_size: 1000000 is above the maximum, 4,096"),
    ({"cfg": [8], "image_size": 2.5}, "image_size: 2.5 is not a whole number"),
    ({"cfg": [8], "num_classes": None}, "num_classes: null is not a whole number"),
    ({"cfg": [8], "in_channels": True}, "in_channels: true is not a whole number"),
    ({"cfg": [8], "dropout": 1}, "dropout: 1 is not below 1"),
    ({"cfg": [8], "batch_norm": 1}, "batch_norm: 1 is neither true nor false"),
    ({"cfg": [8], "head": "soft"}, "head: 'soft' is not one of 'linear' or 'conv'"),
    ({"cfg": [8], "classifier": [4, 0]}, "classifier, entry 2: 0 is below the minimum, 1"),
    ({"cfg": [8], "classifier": 5}, "classifier: 5 is not a list"),
    ({"cfg": [8], "pool_to": 4, "head": "conv", "image_size": 3}, "head: a convolutional head of 4×4"),
]  # fmt: skip

REFUSED_ELSEWHERE = [
    ({"family": "resnet", "blocks": []}, "blocks: needs at least 1 entries, has 0"),
    ({"family": "resnet", "blocks": [2, 0]}, "blocks, entry 2: 0 …, 1"),
    ({"family": "resnet", "blocks": [10**6]}, "blocks, entry 1: 1000000 …, 1,000"),
    ({"family": "resnet", "blocks": [200, 200]}, "blocks: 400 blocks are more than the 160 allowed"),
    ({"family": "resnet", "blocks": [2, 2], "widths": [64]}, "widths: 1 widths for 2 stages"),
    ({"family": "resnet", "blocks": [2, True]}, "blocks, entry 2: true "),
    ({"family": "resnet", "blocks": [1, 1], "widths": [8, 4], "shortcut": "A"}, "widths, entry 2: shortcut A pads"),
    ({"family": "googlenet", "modules": []}, "modules: 0 rows; a network has 1 to 64"),
    ({"family": "googlenet", "modules": [["3a", 64, None, 128, 16, 32, 3]]}, "modules, row 1 (3a), 3x3 reduce: empty"),
    ({"family": "googlenet", "modules": [["3a", 64, 96]]}, "is not a row of a name and six channel counts"),
    ({"family": "googlenet", "modules": [["", 1, 1, 1, 1, 1, 1]]}, "modules, row 1: the name '' is not 1 to 12"),
    ({"family": "googlenet", "modules": [["a", 1, 1, 1, 1, 1, 1]] * 2}, "modules, row 2: the name 'a' occurs twice"),
    (
        {"family": "googlenet", "modules": [["a", 1, 1, 1, 1, 1, 1]], "pool_after": ["b"]},
        "pool_after, entry 1: there is no module 'b'",
    ),
    (
        {"family": "googlenet", "modules": [["a", 1, 1, 1, 1, 1, 1]], "aux_after": ["a"], "image_size": 32},
        "aux_after: the head after a averages 5×5 windows, but a 4×4 map arrives",
    ),
    ({"family": "torchvision", "name": "no such"}, "name: 'no such' is not the name of a torchvision model"),
    ({"family": "torchvision", "name": "resnet50", "in_channels": 1}, "in_channels: torchvision's models take 3"),
    ({"family": "mlp"}, "family: 'mlp' is not one of vgg, resnet, googlenet, densenet, torchvision"),
    ({"cfg": [8]}, "family: "),
    ([], "spec: [] is not a JSON object"),
]  # fmt: skip

NOT_JSON = [
    ("{", "spec: not JSON at line 1, column 2"),
    ("[" * 100_000, "nested too deeply"),
    ('{"family":"vgg","cfg":[' + "9" * 6000 + "]}", "spec: a whole number "),
    ('{"family":"vgg","cfg":[8],"cfg":[9]}', "'cfg': "),
    ("{" + " " * 1_000_001, "characters of JSON are more than"),
    ('{"family":"vgg","cfg":[8],"dropout":NaN}', "dropout: nan is not"),
]


@pytest.mark.parametrize(("raw", "token"), TOKENS)
def test_tokens(raw: int | str, token: Conv | Pool | Norm) -> None:
    assert parse_token(raw, 0) == token
    assert parse_token(format_token(token), 0) == token


@pytest.mark.parametrize(("fields", "message"), REFUSED, ids=range(len(REFUSED)))
def test_vgg_specs_that_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec({"family": "vgg", **fields})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(("data", "message"), REFUSED_ELSEWHERE, ids=range(len(REFUSED_ELSEWHERE)))
def test_other_specs_that_are_refused(data: object, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(data)
    assert quotes(str(caught.value), message)


@pytest.mark.parametrize(("text", "message"), NOT_JSON, ids=range(len(NOT_JSON)))
def test_text_that_is_not_a_spec(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_json(text)
    assert message in str(caught.value)


def test_heads_that_do_not_fit_are_refused_with_both_numbers() -> None:
    """The references' own errors: 25088 features expected of 512 (R0), 2048 of 512 (R3)."""
    r0 = resolve("vgg16").changed(pool_to=None, image_size=32)
    with pytest.raises(SpecError, match=r"expects 25,088 features but 512 arrive \(512 channels of 1×1"):
        r0.changed(in_features=25088)
    with pytest.raises(SpecError, match="expects 2,048 features but 512 arrive"):
        resolve("vgg11-bn-cifar10").changed(in_features=2048)
    assert resolve("vgg11-bn-cifar10").changed(in_features=512).num_classes == 10


@pytest.mark.parametrize("raw", ["٣", "²", "6４", "1e3", "64 ", "64:", ":3", "M:", "AM", "+64", "64:3/1p1p1"])
def test_invalid_tokens(raw: str) -> None:
    with pytest.raises(TokenError):
        parse_token(raw, 0)


@pytest.mark.parametrize("raw", [10**12, "9" * 40, "-7", "+64", 16_385])
def test_the_message_about_a_number_out_of_range_has_the_range(raw: object) -> None:
    with pytest.raises(TokenError, match="16,384"):
        parse_token(raw, 3)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(["cfg", "blocks", "widths", "modules", "pool_after", "classifier", "image_size", "dropout", "x"])


@given(st.sampled_from(["vgg", "resnet", "googlenet", "torchvision"]), st.dictionaries(keys, json_values, max_size=5))
def test_any_json_is_parsed_or_refused(family: str, fields: dict[str, object]) -> None:
    try:
        spec = parse_spec({"family": family, **fields})
    except InputError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 600
        return
    assert parse_json(spec.to_json()) == spec


@given(any_raw())
def test_specs_survive_json_and_hashing(raw: dict[str, object]) -> None:
    spec = parse_or_none(raw)
    if spec is None:
        return
    again = parse_json(spec.to_json())
    assert again == spec
    assert hash(again) == hash(spec)
    assert next(iter(spec.to_dict())) == "family"
    if isinstance(spec, VggSpec):
        assert len(map_sizes(spec.cfg, spec.image_size)) == len(spec.cfg)


def test_specs_are_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        setattr(resolve("vgg16"), "image_size", 3)  # noqa: B010  which types forbid


def test_presets_differ() -> None:
    assert len({preset.spec for preset in PRESETS.values()}) == len(PRESETS) >= 40


HUGE = [
    {"family": "resnet", "blocks": [0] * 300_000},
    {"family": "vgg", "cfg": [8], "classifier": [0] * 300_000},
    {"family": "googlenet", "modules": [["a", 1, 1, 1, 1, 1, 1]], "pool_after": [1] * 300_000},
    {"family": "vgg", "cfg": [8], **{f"key{i}": 0 for i in range(40_000)}},
]


@pytest.mark.parametrize("data", HUGE, ids=range(len(HUGE)))
def test_large_invalid_specs_are_refused_fast(data: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        run_within(500_000, lambda: parse_spec(data))
    with pytest.raises(InputError):
        run_within(500_000, lambda: parse_json(json.dumps(data)[:-1] + ', "family": "vgg"}'))


def test_missing_lists_are_named_once() -> None:
    with pytest.raises(SpecError, match=r"^blocks: [^:]*$"):
        parse_spec({"family": "resnet"})


@pytest.mark.parametrize("key", ["\ud800", "\u001b[31m", "k" * 100_000, "a b"])
def test_odd_keys_are_quoted(key: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec({"family": "vgg", "cfg": [8], key: 1})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 100


def test_resolve_reads_files(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text(json.dumps({"family": "vgg", "cfg": [8]}))
    assert resolve(str(tmp_path / "net.json")) == parse_spec({"family": "vgg", "cfg": [8]})
    (tmp_path / "windows.json").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "net.json").read_bytes())
    assert resolve(str(tmp_path / "windows.json")) == resolve(str(tmp_path / "net.json"))
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        resolve(str(tmp_path / "binary.json"))
    with pytest.raises(InputError, match="can't read"):
        resolve(str(tmp_path / "missing.json"))


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(SpecError, match="'resnet51' is not a preset; did you mean resnet"):
        resolve("resnet51")
    with pytest.raises(SpecError, match="not a preset, torchvision:NAME"):
        resolve("zzz")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("shufflenet_v2_x0_5", "torchvision:shufflenet_v2_x0_5"),
        ("Wide-ResNet101-2", "torchvision:wide_resnet101_2"),
        ("VGG19_BN", "vgg19-bn"),
    ],
)
def test_a_name_without_its_prefix_or_in_another_spelling_is_suggested(typed: str, meant: str) -> None:
    with pytest.raises(SpecError, match=f"did you mean {meant}\\?$"):
        resolve(typed)
