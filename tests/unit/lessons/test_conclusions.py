"""What a lesson concludes follows from the numbers of the run: other settings, other words."""

from types import SimpleNamespace
from typing import Any

import pytest

from explorer.lessons import lessons
from explorer.lessons.lesson import written
from explorer.lessons.trainings import Options, variants
from explorer.ui.learn.experiments import experiments, trainings


def told(name: str, question: str, **settings: str) -> str:
    """The text of a reveal, with settings that differ from those of the lesson."""
    lesson = lessons()[name]
    place, section = lesson.reveal_of(question), experiments()[lesson.experiment]
    return written(
        lesson.steps[place].text, section.compute(section.view.parse({**lesson.fields_at(place), **settings}))
    )


@pytest.mark.parametrize(("name", "question", "settings", "words"), [
    ("kernel-slides", "edges", {}, "cancel"),
    ("kernel-slides", "edges", {"kernel": "blur"}, "9 times such a pixel"),
    ("kernel-slides", "edges", {"kernel": "max"}, "a pool gives them back"),
    ("kernel-slides", "stride", {"stride": "1"}, "Every column is read, by 6 windows"),
    ("kernel-slides", "stride", {}, "no room for another"),
    ("kernel-slides", "stride", {"stride": "5"}, "2 of them lie between two windows"),
    ("kernel-slides", "stride", {"stride": "4", "padding": "1"}, "1 of them lies between two windows"),
    ("why-3x3", "layers", {"k": "3"}, "**1 convolution** for"),
    ("why-3x3", "linear", {"k": "3"}, "no ReLU to leave out"),
    ("why-3x3", "weights", {}, "a change of −28.0%"),
    ("how-far", "pooled", {"layers": "3, 3"}, "No layer has a stride"),
    ("how-far", "share", {"layers": "pool 2, pool 2"}, "None of these layers has padding"),
    ("how-far", "enough", {"layers": "3, 3"}, "Not even after all **2**"),
    ("how-far", "effective", {"layer": "conv1"}, "count like those in the middle"),
    ("how-far", "effective", {}, "roughly what the field looks like"),
    ("how-far", "effective", {"layer": "layer3.2.add"}, "follows what is in the picture"),
    ("vgg", "head", {"other": "vgg19"}, "not two forms of one network"),
    ("vgg", "work", {}, "`features.2`, `features.7`, `features.12`"),
    ("vgg", "work", {"net": "googlenet"}, "The layer with most work is `conv3.conv`"),
    ("vgg", "largest", {"net": "resnet56"}, "17 layers have most parameters"),
    ("vgg", "growth", {}, "cheap to store"),
    ("vgg", "ones", {"other": "vgg16"}, "no 1×1 kernel"),
    ("gradients", "norm", {}, "does not do the same for gradients"),
    ("gradients", "norm", {"depth": "8"}, "does little over 8 layers"),
    ("gradients", "norm", {"norm": "false", "init": "default"}, "needs only a few layers"),
    ("gradients", "shortcut", {}, "on which no weight multiplies it"),
    ("gradients", "shortcut", {"norm": "false"}, "belong together"),
    ("gradients", "shortcut", {"activation": "tanh", "depth": "110"}, "do not keep the gradient"),
    ("gradients", "clip", {"clip": "1e6"}, "so it stays as it is"),
    ("gradients", "clip", {"depth": "8"}, "neither vanishes nor explodes. Does"),
    ("inception", "heads", {}, "part at the modules"),
    ("inception", "heads", {"init": "he"}, "does not need a shorter way"),
    ("what-went-wrong", "choice", {}, "the luckiest"),
    ("what-went-wrong", "choice", {"candidates": "1"}, "nothing was chosen"),
    ("what-went-wrong", "choice", {"candidates": "2", "images": "2000"}, "hardly a difference"),
])  # fmt: skip
def test_the_words_follow_the_settings(name: str, question: str, settings: dict[str, str], words: str) -> None:
    assert words in told(name, question, **settings)
    if settings:
        assert words not in told(name, question)


def trained(name: str, question: str, *shares: tuple[float, float], **settings: Any) -> tuple[str, Any]:
    """The text of a reveal about trainings with accuracies on training and on held-out images, and the result."""
    lesson = lessons()[name]
    place = lesson.reveal_of(question)
    view = trainings.TrainingsView.parse({**lesson.fields_at(place), **settings})
    options = Options(view.epochs, view.rate, view.permute, view.seed, view.data)
    outcome = trainings.Outcome(view, variants(view.compare, options), [])
    result = outcome._replace(trained=[
        trainings.Trained(variant, 1000, [(1, of_training)], [(1, held_out)], held_out)
        for variant, (of_training, held_out) in zip(outcome.variants, shares, strict=True)
    ])  # fmt: skip
    return written(lesson.steps[place].text, result), result


def test_numbers_of_trainings_say_of_which_images_they_are() -> None:
    result = trained("fc-to-conv", "better", (0.9, 0.8), (0.9, 0.7))[1]
    first, second = trainings.list_numbers(result)
    assert (first.value, second.value) == ("80.0%", "70.0%")
    assert "test images" in first.label
    assert "test images" in second.label


def test_the_lesson_on_permuted_pixels_concludes_what_was_seen() -> None:
    ahead, behind, guess = ((0.9, 0.9), (0.9, 0.95)), ((0.9, 0.95), (0.9, 0.9)), ((0.1, 0.1), (0.1, 0.1))
    assert "built in" in trained("fc-to-conv", "better", *ahead)[0]
    assert "not ahead" in trained("fc-to-conv", "better", *behind)[0]
    assert "neither has learned" in trained("fc-to-conv", "better", *guess)[0]
    assert "pixels are permuted" in trained("fc-to-conv", "better", *ahead, permute="true")[0]
    assert "no longer ahead" in trained("fc-to-conv", "permuted", *behind)[0]
    assert "still ahead" in trained("fc-to-conv", "permuted", *ahead)[0]
    assert "at their places" in trained("fc-to-conv", "permuted", *behind, permute="false")[0]
    text, result = trained("fc-to-conv", "permuted", *guess)
    assert "neither has learned" in text
    assert lessons()["fc-to-conv"].questions["permuted"].answer(result) == "none"


def test_the_lesson_on_degradation_concludes_what_was_seen() -> None:
    alike = (0.9, 0.9)
    assert "no **degradation**" in trained("degradation", "deep", alike, alike, alike, alike)[0]
    assert "do not help clearly" in trained("degradation", "residual", alike, alike, alike, alike)[0]
    assert "None is clearly behind" in trained("degradation", "options", alike, alike, alike)[0]
    assert "**A** is clearly behind" in trained("degradation", "options", (0.9, 0.5), alike, alike)[0]


def test_the_lesson_on_random_labels_concludes_what_was_seen() -> None:
    learned, by_heart, half = (1.0, 0.98), (1.0, 0.1), (1.0, 0.7)
    assert "never seen can" in trained("memory", "test", learned, half, by_heart)[0]
    assert "not learned its random labels" in trained("memory", "test", learned, half, (0.2, 0.1))[0]
    assert "no more than the random ones" in trained("memory", "test", by_heart, by_heart, by_heart)[0]
    assert "spoils the answers" in trained("memory", "half", learned, half, by_heart)[0]
    assert "spoils the answers" not in trained("memory", "half", learned, (0.5, 0.9), by_heart)[0]
    assert "adds up" not in trained("memory", "half", learned, by_heart, by_heart)[0]


def test_the_lesson_on_one_small_net_concludes_what_was_seen() -> None:
    """Plain, batch norm, dropout, augmentation, a high rate, a low rate."""
    usual = (0.99, 0.8), (0.99, 0.9), (0.8, 0.7), (0.7, 0.6), (0.99, 0.95), (0.2, 0.2)
    text = trained("remedies", "first", *usual)[0]
    assert all(words in text for words in ("here that is faster", "needs many epochs", "same range"))
    unusual = (0.9, 0.9), (0.9, 0.8), (0.7, 0.95), (0.8, 0.95), (0.1, 0.1), (0.95, 0.95)
    text = trained("remedies", "first", *unusual)[0]
    assert all(words in text for words in ("here that is too far", "not helped at once"))
    assert "needs many epochs" not in text
    assert "Dropout, Augmentation: behind the plain one" in trained("remedies", "last", *usual)[0]
    text = trained("remedies", "last", *unusual)[0]
    assert all(words in text for words in ("Dropout, Augmentation: better than the plain one", "leaps over"))


def test_a_network_that_nothing_tells_from_the_best_one_is_right_too() -> None:
    shares = (0.9, 0.8), (0.9, 0.8), (0.8, 0.874), (0.8, 0.875), (0.9, 0.8), (0.9, 0.8)
    question, (_text, result) = lessons()["remedies"].questions["train"], trained("remedies", "train", *shares)
    assert question.answer(result) == "3"
    assert [question.is_right(str(place), result) for place in range(6)] == [False, False, True, True, False, False]
    assert "not the largest effect" not in trained("remedies", "train", *shares)[0]
    assert "not the largest effect" in trained("remedies", "train", *(((0.5, 0.9),) + ((0.9, 0.9),) * 5))[0]
    other = (0.9, 0.9), (0.9, 0.8), (0.7, 0.95), (0.8, 0.95), (0.1, 0.1), (0.95, 0.95)
    assert "not the largest effect" not in trained("remedies", "train", *other)[0]


def test_no_rate_is_called_worst_if_all_end_alike() -> None:
    text = trained("remedies", "last", *((0.9, 0.9),) * 5, (0.9, 0.895))[0]
    assert not any(words in text for words in ("not come far", "leaps over"))
    text = trained("remedies", "last", *((0.9, 0.9),) * 4, (0.9, 0.7), (0.9, 0.7))[0]
    assert all(words in text for words in ("not come far", "leaps over"))


def test_a_kernel_that_answers_equally_to_two_directions_has_two_right_answers() -> None:
    question = lessons()["kernel-slides"].questions["edges"]
    slanted = SimpleNamespace(kernel=((0.0, 1.0), (-1.0, 0.0)))
    assert [question.is_right(one, slanted) for one in ("columns", "rows", "bright")] == [True, True, False]
