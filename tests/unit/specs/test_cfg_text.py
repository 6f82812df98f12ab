"""cfg lists as people type and paste them, from any keyboard, code or paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError, TokenError
from explorer.families import resolve
from explorer.specs.cfg_text import ParsedList, format_text, read_text, read_widths, split_text
from tests.helpers.narrow import vgg

SHORT = (64, "M", 128)
# The columns of Simonyan and Zisserman 2015, Table 1, in its words.
COLUMN_D = (
    "conv3-64 conv3-64 maxpool conv3-128 conv3-128 maxpool conv3-256 conv3-256 conv3-256 maxpool conv3-512 conv3-512 "
    "conv3-512 maxpool conv3-512 conv3-512 conv3-512 maxpool FC-4096 FC-4096 FC-1000 soft-max"
)


@pytest.mark.parametrize(
    "text",
    [
        "[64, 'M', 128]", '64 "M" 128', "64,M,128", "(64; M; 128)", "{64\nM\t128}", " 64 , M,,128, ",
        # keyboards and word processors
        "［６４，‘Ｍ’，１２８］", "64、M、128", "“64”，“m”；„128”", "«64», ‹M›, 128", "「64」・『M』・128",
        "64 m 128", "64 | M | 128", "64 → M → 128", "64, М, 128", "64, м, 128", "64, Μ, 128", "٦٤، M، ١٢٨",
        "6\u200b4, M, 128\ufeff",
        # a line of code
        "'VGG16': [64, 'M', 128],", '"D": [64, "M", 128],', "cfg = [64, 'M', 128]", "self.cfg=(64,'M',128)  # VGG, D",
        "cfgs: dict[str, list[int | str]] = {'A': [64, 'M', 128]}", "cfgs['D'] = [64, 'M', 128]", "A: [64, 'M', 128]",
        "‘VGG16’：［64，‘M’，128］，", "[64,  # first group\n 'M',\n 128]", "vgg: 64, M, 128",
        # a paper
        "conv3-64 maxpool conv3-128", "Conv-64, MaxPool, conv–128",
    ],
)  # fmt: skip
def test_lists_as_people_write_them(text: str) -> None:
    assert read_text(text) == ParsedList(SHORT, None, None)


def test_a_column_of_the_paper_is_the_network() -> None:
    vgg16 = vgg(resolve("vgg16"))
    assert read_text(COLUMN_D) == ParsedList(vgg16.cfg, (4096, 4096), 1000)
    assert read_text("conv3-64 LRN maxpool conv1-256").cfg == (64, "L", "M", "256:1")


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("64, M, FC-50, FC-50, FC-10", ((50, 50), 10)), ("64 M fc10", ((), 10)), ("64, Linear-5, dense-2", ((5,), 2)),
        ("64, FC–50, FC—10", ((50,), 10)),
    ],
)  # fmt: skip
def test_linear_layers_at_the_end_are_the_head(text: str, head: tuple[tuple[int, ...], int]) -> None:
    assert read_text(text)[1:] == head
    assert read_widths("[FC-50, 50]") == [50, 50]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("64, M, FC-50, 128", "cfg, entry 4: '128' follows the linear layer 'FC-50'"),
        ("64, FC-0", "cfg, entry 2: the width of 'FC-0' is not between 1 and"),
        ("{'A': [64, 'M'], 'B': [64]}", "cfg: the text holds more than one list; paste one of them"),
        ("[64,  # group 1  64, 'M']", "cfg: a comment (#) within the list hides what follows it"),
        ("M: 64", "cfg, entry 1: 'M:' "),
        ("cfg = 64, X", "cfg, entry 2: 'X' "),
        ("6" * 1_000_000, "a text of 1,000,000 characters"),
    ],
)
def test_texts_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(TokenError) as caught:
        read_text(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["[64, 'M', banana, 128]", "vgg = [６４, ‘M’, banana]", "64, M, b\u200banana"])
def test_an_error_has_the_index_of_the_wrong_word(text: str) -> None:
    with pytest.raises(TokenError, match="entry 3: 'banana'") as caught:
        read_text(text)
    word = split_text(text)[caught.value.index]
    assert text[word.start : word.end].replace("\u200b", "") == "banana"


@pytest.mark.parametrize("text", ["", "   ", "[", ",,;", "'" * 30, "vgg = "])
def test_a_text_without_tokens_is_refused(text: str) -> None:
    with pytest.raises(TokenError, match="has no token; write \\[\\]"):
        read_text(text)


@pytest.mark.parametrize("text", ["[]", "()", "[ ]", "cfg = []"])
def test_an_empty_list_is_written_as_one(text: str) -> None:
    assert read_text(text).cfg == ()
    assert format_text(()) == "[]"


@given(st.text(max_size=200) | st.text("64MAmal,;:[]'\"#=-FC \u200b", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        cfg = read_text(text).cfg
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert read_text(format_text(cfg)) == ParsedList(cfg, None, None)
