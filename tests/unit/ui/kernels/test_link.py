"""Links to the Kernels page: writing and reading, and messages about links that can't be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.analysis.kernels import Replacement
from explorer.ui.kernels.link import read_link, write_link
from explorer.ui.kernels.sections import SECTIONS
from explorer.ui.page_state import PageFields
from explorer.ui.shared.sections import field, inception, size, stack


@pytest.mark.parametrize("show", SECTIONS)
def test_defaults_are_left_out_of_the_link(show: str) -> None:
    view = SECTIONS[show].view()
    link = write_link(show, view)
    assert link == ({} if show == "stack" else {"show": show})
    assert read_link(link) == (show, view, [])


@pytest.mark.parametrize(
    ("show", "view", "link"),
    [
        ("stack", stack.StackView(k=5, c=256), {"show": "stack", "k": "5", "c": "256"}),
        (
            "stack",
            stack.StackView(k=6, by=Replacement.SPLIT, cell=(0, 2)),
            {"show": "stack", "k": "6", "by": "1xk", "cell": "0.2"},
        ),
        ("size", size.SizeView(stride=3, ceil=True), {"show": "size", "stride": "3", "ceil": "true"}),
        ("field", field.FieldView(layers="7/2, pool 2, 3d2"), {"show": "field", "layers": "7/2.pool2.3d2"}),
        ("inception", inception.InceptionView(module="4e"), {"show": "inception", "module": "4e"}),
    ],
)
def test_links_are_written_and_read(show: str, view: PageFields, link: dict[str, str]) -> None:
    assert write_link(show, view) == link
    assert read_link(link) == (show, view, [])


def test_defaults_may_stand_in_the_link() -> None:
    show, view, problems = read_link({"show": "stack", "k": "7", "c": "64", "map": "56", "by": "3x3"})
    assert (show, view, problems) == ("stack", stack.StackView(), [])


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ({"show": "x"}, "link, show: 'x' is not one of stack, size, field, blocks, inception"),
        ({"k": "x"}, "link: k: 'x'"),
        ({"k": "1.5"}, "link: k: '1.5'"),
        ({"k": "99"}, "link: k: '99'"),
        ({"k": "6"}, "link: k: 6 is even"),
        ({"by": "4x4"}, "link: by: '4x4' is not one of '3x3', '5x5' or '1xk'"),
        ({"cell": "3.0"}, "link: cell: 3.0 is not in the output drawn"),
        ({"net": "vgg16"}, "link, 'net': stack "),
        ({"show": "size", "ceil": "perhaps"}, "link: ceil: "),
        ({"show": "size", "kernel": "99"}, "link: F: a window that reaches over 99 pixels does not fit into 8 + 2·0"),
        ({"show": "field", "layers": "3.x"}, "link: layer 2, 'x': "),
        ({"show": "inception", "module": "9z"}, "link: module: '9z' is not one of example, 3a, 3b"),
        ({"k": "7" * 5000}, "link: "),
    ],
)
def test_invalid_links_have_a_message_and_show_the_default(link: dict[str, str], problem: str) -> None:
    show, view, problems = read_link(link)
    assert show == (link.get("show", "stack") if link.get("show") in SECTIONS else "stack")
    assert view == SECTIONS[show].view()
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_an_invalid_value_does_not_change_the_others() -> None:
    _show, view, problems = read_link({"k": "x", "c": "128"})
    assert view == stack.StackView(c=128)
    assert len(problems) == 1


texts = st.text(max_size=12) | st.sampled_from(["1", "7", "0.0", "true", "3x3", "3.3", "-1", "1e9", "NaN"])
names = st.sampled_from(["show", "k", "by", "c", "map", "cell", "size", "ceil", "layers", "width", "module"])


@given(st.dictionaries(names | texts, texts, max_size=5), st.sampled_from(["", *SECTIONS]))
def test_every_link_opens(link: dict[str, str], show: str) -> None:
    if show:
        link = {**link, "show": show}
    chosen, view, _problems = read_link(link)
    SECTIONS[chosen].compute(view)
    assert read_link(write_link(chosen, view)) == (chosen, view, [])
