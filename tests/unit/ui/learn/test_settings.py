"""Settings in a saved experiment, as the widgets show them."""

from typing import Literal, get_origin

import pytest

from explorer.lessons import lessons
from explorer.ui.learn.experiments import experiments, reach
from explorer.ui.shared.sections.section import Section

SECTIONS = {lesson.experiment: experiments()[lesson.experiment] for lesson in lessons().values()}


@pytest.mark.parametrize("name", SECTIONS)
def test_no_setting_is_written_in_the_words_of_links(name: str) -> None:
    section: Section = SECTIONS[name]
    written = section.settings(section.view())
    for field, label in section.labels().items():
        if get_origin(section.view.model_fields[field].annotation) is Literal:
            assert written[label] == section.words()[field][getattr(section.view(), field)]
        assert written[label] not in ("True", "False")


def test_values_have_the_titles_of_their_widgets() -> None:
    network = SECTIONS["network"]
    assert network.settings(network.view.parse({"net": "googlenet", "colour": "macs"}))["Network"] == "GoogLeNet"
    trainings = SECTIONS["trainings"]
    assert trainings.settings(trainings.view.parse({"permute": True, "data": "mnist"}))["Permute the pixels"] == "yes"
    assert SECTIONS["reach"].settings(reach.ReachView(image="own"))["Picture"] == "Your own picture …"
