"""Lessons as data: texts follow the network, a saved experiment asks for nothing, and the sums are right."""

import json
import math
import re
from dataclasses import asdict
from functools import partial
from html.parser import HTMLParser

import pytest
import torch
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d

from explorer.analysis.sliding import KERNELS, digit, slide
from explorer.analysis.windows import Windows
from explorer.drawing import curves, depth_chart
from explorer.drawing.curves import Curve
from explorer.errors import InputError
from explorer.lessons import Ask, Reveal, Step, lessons, lessons_about, recorded
from explorer.lessons.gradient_course import Course
from explorer.lessons.gradients import NetworkOptions, amount, slope
from explorer.lessons.lesson import written
from explorer.lessons.report import Chapter, report
from explorer.lessons.shortcut import Answers, Findings, HeatExample
from explorer.lessons.trainings import Options, variants
from explorer.training import short
from explorer.ui.glossary import entries
from explorer.ui.learn.experiments import experiments, network, trainings
from explorer.ui.learn.experiments import shortcut as planted
from explorer.ui.learn.experiments import slide as sliding

# Another network or image for each experiment.
OTHERS = {
    "stack": {"k": "9"},
    "slide": {"digit": "7", "padding": "2"},
    "network": {"net": "resnet18", "other": "resnet50"},
    "modules": {"module": "5b", "init": "he"},
    "reach": {"layers": "5, pool 3, 7", "image": "flower", "layer": "layer2.0.add"},
    "gradients": {"depth": "14", "activation": "tanh"},
    "mistakes": {"width": "8", "seed": "3", "candidates": "50"},
}
COMPUTED = [name for name, lesson in lessons().items() if lesson.experiment in OTHERS]


def figures_in(step: Step, result: object) -> list[str]:
    return re.findall(r"[\d.,]*\d", written(step.text, result))


@pytest.mark.parametrize("name", COMPUTED)
def test_the_texts_of_a_lesson_follow_the_network(name: str) -> None:
    lesson = lessons()[name]
    section = experiments()[lesson.experiment]
    for position, step in enumerate(lesson.steps):
        if not isinstance(step, Reveal):
            continue
        settings = lesson.fields_at(position)
        shown, other = (
            section.compute(section.view.parse(view)) for view in (settings, {**settings, **OTHERS[lesson.experiment]})
        )
        if section.is_complete(shown):
            assert figures_in(step, shown) != figures_in(step, other)


def test_the_text_about_gradients_in_a_training_follows_them() -> None:
    lesson, section = lessons()["gradients"], experiments()["gradients"]
    place = lesson.reveal_of("training")
    pair, question = section.compute(section.view.parse(lesson.fields_at(place))), lesson.questions["training"]
    for last, answer, words in (
        (1e-6, "vanishes", "keeps the weights"),
        (0.5, "steady", "moves all layers"),
        (99.0, "explodes", "a leap for another"),
    ):
        courses = tuple(Course({1: [last / 3, 1.0], 40: [last, 1.0]}, right) for right in (0.1, last / 100))
        result = pair._replace(courses=courses)
        assert question.answer(result) == answer
        text = written(lesson.steps[place].text, result)
        assert all(part in text for part in (words, amount(last), amount(last / 3), f"{last / 100:.1%}", "step 40"))


@pytest.mark.parametrize("name", [name for name, one in lessons().items() if one.experiment == "trainings"])
def test_the_texts_about_trainings_follow_the_curves(name: str) -> None:
    lesson = lessons()[name]
    for position, step in enumerate(lesson.steps):
        view = trainings.TrainingsView.parse(lesson.fields_at(position))
        outcome = trainings.Outcome(view, variants(view.compare, Options(3, 0.1, permute=False, seed=0)), [])
        shown, other = (
            outcome._replace(trained=[
                trainings.Trained(variant, 1000 * (place + 1), [(1, share), (2, share + place / 40)],
                                  [(1, share / 2), (2, 0.9 * share - place / 50)], share + place / 60)
                for place, variant in enumerate(outcome.variants)
            ])
            for share in (0.4, 0.6)
        )  # fmt: skip
        if isinstance(step, Reveal):
            assert figures_in(step, shown) != figures_in(step, other)
        if not isinstance(step.text, str) and not isinstance(step, Reveal):
            assert figures_in(step, outcome), "the text is there before the run"


@pytest.mark.parametrize(("data", "side"), [("digits", 8), ("mnist", 28)])
def test_both_networks_have_about_as_many_parameters(data: str, side: int) -> None:
    outcome = trainings.compute(trainings.TrainingsView(compare="dense", data=data))
    dense, convolutional = outcome.params
    assert dense == pytest.approx(convolutional, rel=0.1)
    assert {one.spec.image_size for one in outcome.variants} == {side}
    assert json.loads(outcome.key)["request"]["dataset"] == data
    assert len(trainings.figures(outcome, dark=False)) == (2 if data == "digits" else 1), "MNIST may not be there yet"


@pytest.mark.parametrize(
    "slow",
    [{"compare": "dense", "data": "mnist"}, {"compare": "depth"}, {"compare": "recorded"}, {"compare": "options"}],
)
def test_a_training_takes_no_more_than_two_minutes(slow: dict[str, str]) -> None:
    trainings.compute(trainings.TrainingsView(compare="dense", epochs=60))
    with pytest.raises(InputError, match="60"):
        trainings.compute(trainings.TrainingsView.parse({**slow, "epochs": 60}))


def test_nothing_changes_between_a_question_and_its_reveal() -> None:
    """A prediction is for the fields at the question, so no step in between may change what decides the answer."""
    for lesson in lessons().values():
        for position, step in enumerate(lesson.steps):
            if isinstance(step, Ask):
                between = lesson.steps[position + 1 : lesson.reveal_of(step.name) + 1]
                assert not any(one.start for one in between), f"{lesson.name}: {step.name}"


def test_recorded_results_are_of_the_trainings_that_the_lesson_asks_about() -> None:
    lesson = lessons()["degradation"]
    views = [trainings.TrainingsView.parse(lesson.fields_at(lesson.reveal_of(name))) for name in lesson.questions]
    outcomes = [trainings.compute(view) for view in views]
    assert all(outcome.is_recorded for outcome in outcomes)
    rows = outcomes[0].trained
    assert [len(row.training) for row in rows] == [row.variant.recipe.epochs for row in rows]
    shallow, deep, _shallow, residual = (row.training[-1][1] for row in rows)
    assert deep < min(shallow, residual), "degradation, as He et al. 2016 found it, and the remedy"
    assert not trainings.compute(views[0].model_copy(update={"seed": 1})).is_recorded, "other settings are trained"
    assert recorded.FILE.stat().st_size < 20_000


def test_the_texts_about_a_shortcut_follow_what_was_found() -> None:
    lesson = lessons()["shortcut"]
    cells = [[[0.5] * 16] * 16] * 3
    for position, step in enumerate(lesson.steps):
        if not isinstance(step, Reveal):
            continue
        view = planted.ShortcutView.parse(lesson.fields_at(position))
        shown, other = (
            planted.Outcome(view, "", asdict(Findings(
                [Answers(right, right - 0.1, right - 0.2, 0.1), Answers(right, 1.0, 1 - right, right)],
                [HeatExample(digit, marks - digit, [digit, 0], [], [], cells) for digit in range(10)],
                [right, 0.9], [0.1, right], [right, 0.1, 0.1], [0.8, right, 0.1], marks, 5, 60, 100 * marks, 1500,
            )))
            for right, marks in ((0.7, 11), (0.8, 13))
        )  # fmt: skip
        assert figures_in(step, shown) != figures_in(step, other)


def test_conclusions_follow_the_numbers() -> None:
    lesson, section = lessons()["vgg"], experiments()["network"]
    text = lesson.steps[lesson.reveal_of("work")].text
    told = [written(text, section.compute(section.view.parse({"net": net}))) for net in ("vgg16", "resnet18")]
    assert ["take the time" in one for one in told] == [True, False]
    lesson = lessons()["shortcut"]
    cells = [[[0.5] * 16] * 16] * 3
    for misled in (True, False):
        right = 0.7 if misled else 0.97
        found = Findings(
            [Answers(0.97, 0.9, 0.9, 0.1), Answers(right, 1.0, 0.1, 0.9)],
            [HeatExample(digit, 3, [digit, 0], [], [], cells) for digit in range(10)],
            [0.2, 0.9], [0.1, 0.1], [0.7, 0.1, 0.1], [0.8, 0.7, 0.1], 50 if misled else 30, 30, 60, 100, 1500,
        )  # fmt: skip
        result = planted.Outcome(planted.ShortcutView(), "", asdict(found))
        texts = [written(lesson.steps[lesson.reveal_of(name)].text, result) for name in ("test", "score")]
        assert ("easier to learn" in texts[0], "knows nothing" in texts[1]) == (misled, misled)


def test_each_term_of_the_glossary_leads_to_a_lesson() -> None:
    assert [term for term in entries() if not lessons_about(term)] == []


def test_the_gallery_goes_from_one_kernel_to_whole_trainings() -> None:
    assert [lesson.position for lesson in lessons().values()] == list(range(1, 13))
    assert list(lessons()) == [
        "kernel-slides", "why-3x3", "how-far", "fc-to-conv", "vgg", "gradients", "degradation", "inception", "remedies",
        "shortcut", "memory", "what-went-wrong",
    ]  # fmt: skip


def test_an_answer_follows_the_network() -> None:
    question = lessons()["vgg"].questions["largest"]
    compute, view = network.compute, network.NetworkView
    assert question.answer(compute(view(net="vgg16"))) == "linear"
    assert question.answer(compute(view(net="resnet18"))) == "conv"


def test_words_follow_the_kernels_of_a_link() -> None:
    section, lesson = experiments()["stack"], lessons()["why-3x3"]
    reveals = {step.of: step for step in lesson.steps if isinstance(step, Reveal)}
    result = section.compute(section.view.parse({"k": "9", "by": "5x5", "c": "64"}))
    assert "+4 for a 5×5" in written(reveals["two"].text, result)
    assert "1 + (5 − 1) + (5 − 1) = 9" in written(reveals["layers"].text, result)
    question = lesson.questions["two"]
    assert question.answer(section.compute(section.view.parse({"k": "7"}))) == "edges"


def test_lessons_explain_terms_of_the_glossary() -> None:
    terms = {term for lesson in lessons().values() for term in lesson.terms}
    assert terms <= entries().keys()
    assert [lesson.name for lesson in lessons_about("stride")] == ["kernel-slides"]
    assert [name for name, lesson in lessons().items() if not lesson.papers] == []


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0), (3, 2)])
def test_a_slide_is_the_convolution_of_pytorch(stride: int, padding: int) -> None:
    image = torch.tensor(digit(4))[None, None]
    for kernel in KERNELS.values():
        ours = slide(digit(4), kernel, "", Windows(8, 3, stride, padding), (0, 0)).output
        theirs = conv2d(image, torch.tensor(kernel, dtype=torch.float32)[None, None], stride=stride, padding=padding)
        assert torch.tensor(ours).equal(theirs[0, 0])
    if not padding:
        for pool, function in (("max", max_pool2d), ("mean", avg_pool2d)):
            ours = slide(digit(4), None, pool, Windows(8, 2, stride), (0, 0)).output
            assert torch.tensor(ours).allclose(function(image, 2, stride)[0, 0])


@pytest.mark.parametrize("kernel", ["vertical", "max", "mean"])
def test_a_kernel_does_to_a_photograph_what_it_does_to_a_digit(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    view = {"kernel": kernel, "stride": "2", "window": "2"}
    result = sliding.compute(sliding.SlideView.parse(view))
    monkeypatch.setattr(sliding, "photograph", lambda: torch.tensor(result.image)[None, None])
    assert sliding.on_photograph(result).allclose(torch.tensor(result.output))


def test_charts_say_in_words_what_they_show() -> None:
    lines = [Curve("one", [(1, 0.25), (2, 0.5)], 0), Curve("", [(2, math.nan)], 0), Curve("other", [(2, 0.75)], 1)]
    chart = curves.draw(lines, label="Accuracy", styles=("solid", "dashed"))
    assert 'aria-label="Accuracy: one 50.0%; other 75.0%"' in chart
    assert ">solid<" in chart
    assert ">dashed<" not in chart, "its line has no points"
    assert chart.index(">other 75.0%<") < chart.index(">one 50.0%<"), "the best is first in the list"
    depth = depth_chart.draw({"plain": [0.0, 1e-9, 1.0]}, label="Gradient")
    assert "plain: 0.0e+00 at the first layer, 1.0e+00 at the last" in depth


@pytest.mark.parametrize(
    ("value", "text"), [(1131.4, "1,131"), (4.5, "4.5"), (0.0042, "0.0042"), (3.7e-6, "3.7·10⁻⁶"), (0.0, "0")]
)
def test_amounts_of_any_size_are_readable(value: float, text: str) -> None:
    assert amount(value) == text


@pytest.mark.parametrize("depth", [8, 20])
def test_the_slope_of_a_residual_block_is_one_more_than_that_of_its_inside(depth: int) -> None:
    found = slope(NetworkOptions(depth, "relu", batch_norm=True, init="he", seed=0))
    assert found.outer == pytest.approx(found.inner + 1, abs=1e-4)
    assert found.inner != pytest.approx(0, abs=1e-5)
    assert found != slope(NetworkOptions(depth, "tanh", batch_norm=True, init="he", seed=0))


class Requests(HTMLParser):
    """Collects everything in a document that would make a browser ask for another file."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"script", "link", "img", "iframe", "image", "use"} or {"src", "href"} & values.keys():
            self.found.append(tag)
        self.found += [str(value) for value in values.values() if "url(" in str(value) and "url(#" not in str(value)]


def in_colours(colours: dict[str, str], match: re.Match[str]) -> str:
    return colours[match[1]]


@pytest.mark.parametrize("name", COMPUTED)
def test_a_saved_experiment_asks_for_nothing(name: str) -> None:
    lesson = lessons()[name]
    section = experiments()[lesson.experiment]
    result = section.compute(section.view.parse(lesson.fields_at(len(lesson.steps))))
    figures, facts = section.figures(result, dark=False), section.numbers(result)
    both = list(zip(figures, section.figures(result, dark=True), strict=True))
    chapter = Chapter(
        {"a & b": "1"}, [(fact.label, fact.value, fact.formula) for fact in facts], both, [("**Why**?", "<b>", "c")]
    )
    page = report(lesson, chapter)
    requests = Requests()
    requests.feed(page)
    assert requests.found == []
    assert "@import" not in page
    assert figures
    for part, expected in zip(page.split("@media"), zip(*both, strict=True), strict=True):
        colours = dict(re.findall(r"--(\w+): ([^;]+);", part))
        coloured = re.sub(r"var\(--(\w+)\)", partial(in_colours, colours), page)
        assert all(figure in coloured for figure in expected), "light, and dark in a dark browser"
    assert facts[0].value in page
    assert "a &amp; b" in page
    assert "<td>&lt;b&gt;</td>" in page


def test_a_short_training_has_curves_and_a_test() -> None:
    spec = {"family": "vgg", "cfg": [], "classifier": [16], "in_channels": 1, "image_size": 8, "num_classes": 10}
    steps: list[tuple[str, int, int]] = []
    request = {
        "dataset": "digits",
        "trainings": [
            {"spec": {**spec, "pool_to": None}, "recipe": {"epochs": 2, "lr": 0.01, "validation_fraction": 0.5}}
        ],
    }
    (result,) = short.respond(request, lambda *step: steps.append(step))
    assert [epoch for epoch, _share in result["train/top1"]] == [1, 2]
    assert result["validation/top1"][-1][1] > 0.3
    assert result["test/top1"][0][1] > 0.3
    assert steps[-1][1:] == (1000, 1000)
