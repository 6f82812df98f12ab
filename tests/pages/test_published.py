"""Badges and table of published figures."""

import pytest
from streamlit.testing.v1 import AppTest


def render(net: str, **fields: object) -> AppTest:
    def script(net: str, fields: dict[str, object]) -> None:
        from explorer.analysis import analyse
        from explorer.families import resolve
        from explorer.ui.shared import published

        analysis = analyse(resolve(net).changed(**fields))
        published.badges(analysis)
        published.table(analysis)

    app = AppTest.from_function(script, kwargs={"net": net, "fields": fields}, default_timeout=300).run()
    assert not app.exception
    return app


def badges(app: AppTest) -> dict[str, str]:
    return {badge.value.replace("\\", ""): badge.help.replace("\\", "") for badge in app.markdown}


def test_a_badge_for_each_headline_figure() -> None:
    found = badges(render("resnet50"))
    assert list(found) == [
        ":gray-badge[:material/info: MACs 3.8 × 10⁹ · He et al. 2016]",
        ":gray-badge[:material/info: Receptive field 483 · Araujo et al. 2019]",
        ":green-badge[:material/check: Parameters 25,557,032 · torchvision]",
        ":green-badge[:material/check: MACs 4.089 G · torchvision]",
    ]
    help_text = next(iter(found.values()))
    assert "He et al. 2016, Table 1" in help_text
    assert "Printed 3.8 × 10⁹; here 4,089,184,256, +7.6%." in help_text
    assert "first 1×1 of a bottleneck" in help_text


def test_a_table_of_rows_has_one_badge_for_all() -> None:
    app = render("googlenet")
    found = badges(app)
    assert [name.partition("] ")[0] for name in found] == [
        ":gray-badge[:material/info: Parameters 5M · GoogLeNet notes]",
        ":gray-badge[:material/info: 24 figures, 11 differ · Szegedy et al. 2015, Table 1]",
        ":green-badge[:material/check: 10 figures, 0 differ · Szegedy et al. 2015, section 5]",
    ]
    assert "86\\.7 M, twice" in " ".join(app.table[0].value["Why"])


def test_the_table_shows_differences() -> None:
    table = render("resnet20").table[0].value
    assert table.to_numpy().tolist() == [
        ["Parameters", "0\\.27M", "269,722", "rounds to it", "He et al\\. 2016, Table 6", ""],
        ["Test error", "8\\.75%", "–", "measured by training", "He et al\\. 2016, Table 6", ""],
    ]
    table = render("resnet50-v1").table[0].value
    assert "truncates to it" in list(table["Difference"])


@pytest.mark.parametrize(("net", "fields"), [("cnn-cifar10", {}), ("vgg19", {"classifier": [10]})])
def test_other_networks_have_no_badges_and_no_table(net: str, fields: dict[str, object]) -> None:
    app = render(net, **fields)
    assert not app.markdown
    assert not app.table
