"""Links reproduce every spec and stay readable; invalid links are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import SpecError
from explorer.families import PRESETS, resolve
from explorer.families.link import DEFAULT, FIELDS, MAX_LINK, decode, encode
from tests.helpers.specs import any_raw, parse_or_none


@pytest.mark.parametrize("name", [*PRESETS, "torchvision:efficientnet_b3"])
def test_presets_are_their_names(name: str) -> None:
    assert encode(resolve(name), name) == {"net": name}
    assert decode({"net": name}) == (resolve(name), name)


@given(any_raw(), st.sampled_from(sorted(PRESETS)))
def test_every_spec_survives_its_link(raw: dict[str, object], base: str) -> None:
    spec = parse_or_none(raw)
    if spec is None:
        return
    link = encode(spec, base)
    assert decode(link)[0] == spec
    assert set(link) <= FIELDS | {"net"}


def test_links_are_readable() -> None:
    spec = resolve("vgg16").changed(cfg=[64, "M", "64:7/2"], classifier=[], pool_to=None, dropout=0.25)
    assert encode(spec, "vgg16") == {
        "net": "vgg16",
        "cfg": "64.M.64:7/2",
        "classifier": "empty",
        "pool_to": "none",
        "dropout": "0.25",
    }
    table = resolve("googlenet").changed(modules=[["3", 1, 2, 3, 4, 5, 6]], pool_after=[], aux_after=[])
    assert encode(table, "googlenet")["modules"] == "3.1.2.3.4.5.6"
    assert decode(encode(table, "googlenet"))[0] == table


def test_names_stay_names() -> None:
    rows = [[name, 1, 2, 3, 4, 5, 6] for name in ("3", "true", "none", "1e3")]
    spec = resolve("googlenet").changed(modules=rows, pool_after=["3", "none"], aux_after=["true"])
    assert decode(encode(spec, "googlenet"))[0] == spec


def test_a_bare_link_is_the_default() -> None:
    assert decode({}) == (resolve(DEFAULT), DEFAULT)


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ({"net": "nonesuch"}, "link, net: there is no preset 'nonesuch'"),
        ({"net": "vgg16", "blocks": "2.2"}, "link, 'blocks': vgg16 has no such setting"),
        ({"net": "vgg16", "family": "resnet"}, "link, 'family': vgg16 has no such setting"),
        ({"net": "vgg16", "cfg": "64.X"}, "link: cfg, entry 2: 'X' "),
        ({"net": "vgg16", "cfg": "64..M"}, "link: cfg, entry 2: '' "),
        ({"net": "vgg16", "image_size": "1e3"}, "link: image_size: 1000.0 "),
        ({"net": "googlenet", "modules": "3a.64.96_"}, "modules, row 1: ['3a', 64, 96] "),
        ({"net": "resnet18", "blocks": "2.2.x"}, "link: blocks, entry 3: 'x' "),
        ({"net": "vgg16", "cfg": "64." * MAX_LINK}, "link: longer than 8,000 characters"),
        ({"net": "torchvision:../x"}, "name: '../x' "),
    ],
)
def test_invalid_links_are_refused(link: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        decode(link)
    assert message in str(caught.value)


@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(max_size=30), max_size=4), st.sampled_from(sorted(PRESETS))
)
def test_any_link_is_read_or_refused(fields: dict[str, str], base: str) -> None:
    try:
        spec, name = decode({**fields, "net": base})
    except SpecError as error:
        assert "\n" not in str(error)
        return
    assert decode(encode(spec, name))[0] == spec


@given(st.sampled_from(sorted(PRESETS)), st.data())
def test_truncated_links_are_read_or_refused(name: str, data: st.DataObject) -> None:
    link = encode(PRESETS[name].spec.changed(num_classes=7), name)
    key = data.draw(st.sampled_from(sorted(link)))
    cut = {**link, key: link[key][: data.draw(st.integers(0, len(link[key])))]}
    try:
        decode(cut)
    except SpecError as error:
        assert str(error).startswith(("link", "name"))
