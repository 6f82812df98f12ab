"""The cases of the Compare page show what their explanations say; the text of a network restores it."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from explorer.analysis import Analysis, analyse
from explorer.analysis.comparison import compare, totals
from explorer.analysis.measures import Measure
from explorer.errors import InputError, SpecError
from explorer.families import PRESETS, NamedNetwork, parse_spec, resolve, saved
from explorer.families.link import from_text, to_text
from explorer.settings import settings
from explorer.ui.shared.cases import cases
from explorer.ui.shared.networks import full_title, read_network, title
from tests.helpers.specs import any_raw, parse_or_none

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")  # RFC 3986, section 2.3


def networks(name: str) -> list[Analysis]:
    (case,) = [case for case in cases() if case.name == name]
    return [analyse(network.spec) for network in case.networks]


def test_cases_have_unique_names_titles_and_explanations() -> None:
    assert len({case.name for case in cases()}) == len(cases()) >= 7
    for case in cases():
        assert case.title
        assert case.explanation.endswith(".")
        compare([analyse(network.spec) for network in case.networks])
        for network in case.networks:
            assert from_text(to_text(network.spec, network.base))[0] == network.spec


def test_three_3x3_see_what_one_7x7_sees() -> None:
    for name in ("stem", "seven-inside"):
        one, three = networks(name)
        assert one.field == three.field
    stem, stack = ([layer.params for layer in network.layers if "Conv" in layer.kind] for network in networks("stem"))
    assert stem[0] == 49 * 3 * 64 + 64
    assert stack[:3] == [27 * 64 + 64, 9 * 64 * 64 + 64, 9 * 64 * 64 + 64]
    assert stem[1:] == stack[3:]
    seven, threes = networks("seven-inside")
    biases = 2 * 128
    assert seven.totals.params - threes.totals.params == (49 - 27) * 128**2 - biases


def test_shortcuts_cost_three_projections() -> None:
    plain, residual = networks("residual")
    projections = [a * b + 2 * b for a, b in ((64, 128), (128, 256), (256, 512))]
    assert residual.totals.params - plain.totals.params == sum(projections)
    assert totals(plain)[Measure.DEPTH] == totals(residual)[Measure.DEPTH] == 34


def test_numbers_in_explanations_are_correct() -> None:
    basic, bottleneck = (network.totals.macs for network in networks("bottleneck"))
    assert bottleneck / basic == pytest.approx(1.12, abs=0.005)
    full, pooled = networks("head")
    head = [layer for layer in full.layers if layer.stage == "head"]
    assert 0.89 < sum(layer.params for layer in head) / full.totals.params < 0.9
    assert sum(layer.macs for layer in head) / full.totals.macs < 0.01
    features = 14_714_688  # parameters of VGG-16's convolutions (Simonyan and Zisserman 2015)
    assert pooled.totals.params == features + 512 * 1000 + 1000
    vgg, googlenet = (network.totals for network in networks("vgg-googlenet"))
    assert vgg.params / googlenet.params == pytest.approx(20, abs=0.5)
    assert vgg.macs / googlenet.macs == pytest.approx(10, abs=0.5)


@given(any_raw(), st.sampled_from(sorted(PRESETS)))
def test_the_text_of_a_network_restores_it(raw: dict[str, object], base: str) -> None:
    spec = parse_or_none(raw)
    if spec is None:
        return
    text = to_text(spec, base)
    assert UNRESERVED.fullmatch(text)
    assert from_text(text)[0] == spec


@pytest.mark.parametrize("name", [*PRESETS, "torchvision:efficientnet_b3"])
def test_the_text_of_a_preset_is_its_name(name: str) -> None:
    spec = resolve(name)
    assert to_text(spec, name) == name.replace(":", "~.")
    assert from_text(to_text(spec, name)) == from_text(name) == (spec, name)


def test_texts_are_readable() -> None:
    spec = resolve("vgg16").changed(batch_norm=True)
    assert to_text(spec, "vgg16") == "vgg16~batch_norm~true"
    assert to_text(resolve("vgg16").changed(cfg=["64:7/2", "M"]), "vgg16") == "vgg16~cfg~64~.7~-2.M"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "link: "),
        ("vgg61", "link: there is no preset 'vgg61'"),
        ("vgg16~batch_norm", "link: 'batch_norm' has no value"),
        ("vgg16~cfg~64~cfg~128", "link: 'cfg' occurs twice"),
        ("vgg16~net~vgg19", "link: 'net' occurs twice"),
        ("vgg16~blocks~2.2", "link, 'blocks': "),
        ("vgg16~cfg~64.X", "link: cfg, entry 2: "),
        ("vgg16~cfg~" + "64." * 9000, "link: "),
    ],
)
def test_invalid_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        from_text(text)
    assert str(caught.value).startswith(message)


@given(
    st.text(alphabet="vgg16~.-_bnactf0M/:? {[&=", max_size=40)
    | st.text(max_size=40)
    | st.text(alphabet="/[]@:.#?&=vg16", max_size=20).map("http://{}?net=vgg16".format)
)
@example("http://[x?net=vgg16")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        network = read_network(text)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert read_network(network.text) == network


def test_texts_links_and_json_are_read() -> None:
    narrow = resolve("resnet18").changed(widths=[8, 16, 32, 64])
    expected = NamedNetwork(narrow, "resnet18")
    assert read_network("resnet18~widths~8.16.32.64") == expected
    assert read_network("https://example.org/architecture?net=resnet18&widths=8.16.32.64&batch=64&lang=en") == expected
    assert read_network("http://[x?net=resnet18&widths=8.16.32.64#top").spec == narrow
    assert read_network(narrow.to_json()).spec == narrow
    assert read_network(" torchvision:resnet18\n").base == "torchvision:resnet18"
    with pytest.raises(SpecError, match="resnet19"):
        read_network("torchvision:resnet19")


@pytest.mark.parametrize(
    "text", ["?a=vgg16&b=resnet50", "http://localhost/", "?", "https://x.org/?net=", "?#net=vgg16"]
)
def test_a_link_without_a_network_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"it has no 'net', so it names no network|there is no preset"):
        read_network(text)


def test_saved_networks_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_SAVED_DIR", str(tmp_path))
    settings.cache_clear()
    try:
        narrow = resolve("resnet18").changed(widths=[8, 16, 32, 64])
        saved.save("mine", narrow)
        assert read_network("saved:mine").spec == narrow
        with pytest.raises(InputError, match="yours"):
            read_network("saved:yours")
    finally:
        settings.cache_clear()


def test_files_of_the_server_are_not_read() -> None:
    with pytest.raises(SpecError, match="preset"):
        read_network("/etc/hostname.json")


def test_titles() -> None:
    assert title(read_network("resnet50")) == "ResNet-50"
    assert title(read_network("torchvision:resnet50")) == "torchvision resnet50"
    assert title(read_network("vgg16~pool_to~1~classifier~empty")) == "VGG-16, global pooling"
    spec = parse_spec({**resolve("vgg16").to_dict(), "num_classes": 10})
    assert title(NamedNetwork(spec)) == "VGG-16 (D), num_classes 10"
    long = read_network("vgg16~cfg~64.M.128.M.256.M.512.M.512")
    assert title(long) == "VGG-16 (D), changed"
    assert full_title(long) == "VGG-16 (D), cfg 64.M.128.M.256.M.512.M.512"
