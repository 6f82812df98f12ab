"""A planted shortcut. The result has ``view``, ``found`` (see :mod:`explorer.lessons.shortcut`) and ``answers``."""

from typing import Any

from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try
from explorer.lessons.shortcut import SPEC

CHANCE = 1 / SPEC.num_classes
CLOSE = 0.03  # accuracies that differ by less are about equal
TWICE = 2.0  # heat that is so many times that of the other places stands out


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=10,
        title=_("What the network looks at"),
        question=_("A network is right nearly every time. Is it right for the right reason?"),
        minutes=9,
        experiment="shortcut",
        vignette=vignettes.marked_digit,
        terms=("shortcut-learning", "generalisation", "test-set", "deletion", "insertion", "sanity-check"),
        links=(
            Link(
                "train",
                _("Plant a mark into your own training"),
                {"net": "digits-cnn", "recipe": "quick", "patch": "1"},
            ),
            Link("predict", _("Heat maps of a network for a photograph, and their scores"), {"image": "cat"}),
        ),
        papers=(
            Paper(
                _("Geirhos et al. 2020, Shortcut learning in deep neural networks"), "https://arxiv.org/abs/2004.07780"
            ),
            Paper(_("Selvaraju et al. 2017, Grad-CAM"), "https://arxiv.org/abs/1610.02391"),
            Paper(_("Petsiuk, Das and Saenko 2018, RISE, section 3.1"), "https://arxiv.org/abs/1806.07421"),
            Paper(_("Adebayo et al. 2018, Sanity checks for saliency maps"), "https://arxiv.org/abs/1810.03292"),
        ),
        steps=(
            Say(
                text=_(
                    "Two equal networks learn to read digits. In the training images of the second one, somebody has "
                    "left a small **coloured mark** in the corner: each digit has a colour of its own. Hospitals have "
                    "done the same with a label on X-rays of the very ill, without noticing.\n\n"
                    "Both networks are trained in the same way. Then they see test images, which have no mark."
                ),
                start={"show": "answers", "share": "100", "epochs": "6"},
            ),
            Ask(
                name="test",
                text=_("How well does the network that was trained **with marks** read digits without a mark?"),
                options={
                    "same": _("As well as the other network: it has seen the same digits"),
                    "worse": _("Clearly worse, but better than by guessing"),
                    "chance": _("No better than by guessing"),
                },
                answer=lambda result: _without(result),
            ),
            Ask(
                name="wrong",
                text=_(
                    "Now every test image gets the mark of **another digit**, for example a 7 with the colour of the "
                    "8. What does the network that was trained with marks answer most often?"
                ),
                options={
                    "digit": _("The digit that is written"),
                    "mark": _("The digit that the mark stands for"),
                    "other": _("Neither: it is confused"),
                },
                answer=lambda result: _wrong(result)[0],
                ties=lambda result: set(_wrong(result)),
            ),
            Reveal(of="test", text=_describe_test),
            Reveal(of="wrong", text=_describe_wrong, controls=("digit",)),
            Ask(
                name="heat",
                text=_(
                    "If you had only the network and a test result, how would you find out what it looks at? A **class "
                    "activation map** (Grad-CAM) shows as heat which places of the image speak for an answer. Where is "
                    "the heat of the network that was trained with marks?"
                ),
                options={
                    "digit": _("On the strokes of the digit"),
                    "mark": _("At the mark"),
                    "both": _("Everywhere about equally"),
                },
                answer=lambda result: _place(result, 1),
                start={"show": "heat"},
            ),
            Reveal(of="heat", text=_describe_heat, controls=("digit",)),
            Ask(
                name="score",
                text=_(
                    "A heat map always shows *something*, even that of a network with **random weights**. Here is a "
                    "test for maps: take pixels away, the hottest first, and watch how the probability of the answer "
                    "falls. With which map does it fall faster?"
                ),
                options={
                    "trained": _("With the map of the trained network"),
                    "same": _("With both about equally"),
                    "random": _("With the map of random weights"),
                },
                answer=lambda result: _faster(result),
                start={"show": "scores"},
            ),
            Reveal(of="score", text=_describe_score),
            Try(
                text=_(
                    "Mark only a few of the training images, for example 20%, and train again. How few marks still "
                    "mislead the network? At which share does the heat return to the digit?"
                ),
                controls=("share", "digit", "epochs", "seed"),
                start={"show": "heat"},
            ),
        ),
    )


def _without(result: Any) -> str:
    clean, with_marks = result.answers
    if clean.without - with_marks.without < CLOSE:
        return "same"
    return "worse" if with_marks.without > CHANCE + CLOSE else "chance"


def _wrong(result: Any) -> list[str]:
    """Returns what the network answers most often, and what nothing tells from it."""
    one = result.answers[1]
    shares = {"digit": one.wrong, "mark": one.follows, "other": 1 - one.wrong - one.follows}
    ordered = sorted(shares, key=shares.__getitem__, reverse=True)
    return [name for name in ordered if shares[ordered[0]] - shares[name] < CLOSE]


def _place(result: Any, network: int) -> str:
    ratio = result.found["on_mark"][network] / max(result.found["elsewhere"][network], 1e-6)
    return "mark" if ratio > TWICE else "digit" if ratio < 1 / TWICE else "both"


def _areas(result: Any) -> tuple[float, float]:
    """Areas under both deletion curves, by the trapezoidal rule."""
    trained, random = (result.found[name] for name in ("trained", "random"))
    one, other = (sum(row[1:-1]) + (row[0] + row[-1]) / 2 for row in (trained, random))
    return one / (len(trained) - 1), other / (len(random) - 1)


def _faster(result: Any) -> str:
    trained, random = _areas(result)
    if abs(trained - random) < CLOSE:
        return "same"
    return "trained" if trained < random else "random"


def _describe_test(result: Any) -> str:
    clean, with_marks = result.answers
    return _(
        "The network that was trained with marks reads **{without:.1%}** of the digits right, and the other network "
        "{clean:.1%}. If each image has the mark of its digit, the network with marks reads {right:.1%} right. In "
        "{marked:,} of its {images:,} training images, the mark told the digit. {meaning}"
    ).format(
        meaning=_("So few marks have not misled it.")
        if _without(result) == "same"
        else _(
            "A mark is easier to learn than a digit. If your test images came from the same place as your training "
            "images, they would have the mark too, and the test would tell you nothing."
        ),
        without=with_marks.without, clean=clean.without, right=with_marks.right, marked=result.found["marked"],
        images=result.found["images"],
    )  # fmt: skip


def _describe_wrong(result: Any) -> str:
    clean, with_marks = result.answers
    found = _(
        "The network that was trained with marks follows the mark in **{follows:.1%}** of the images and the digit in "
        "{wrong:.1%}. The other network reads {clean:.1%} of these digits, and {without:.1%} without a mark."
    ).format(follows=with_marks.follows, wrong=with_marks.wrong, clean=clean.wrong, without=clean.without)
    meaning = (
        _("For it, the mark is only a stain.")
        if clean.without - clean.wrong < CLOSE
        else _("The mark disturbs it like any stain, but it has learned nothing from marks.")
    )
    return f"{found} {meaning}"


def _describe_heat(result: Any) -> str:
    inside, outside = result.found["on_mark"], result.found["elsewhere"]
    meaning = {
        "mark": _("One look at the heat tells what the accuracy on marked images hides."),
        "digit": _("So this network looks at the digit, although its training images had marks."),
        "both": _("So the heat alone does not tell what this network goes by."),
    }[_place(result, 1)]
    return _(
        "Yellow is hot. In the network that was trained with marks, the mean heat is **{inside:.2f}** at the mark and "
        "{outside:.2f} elsewhere. In the other network, it is {clean:.2f} and {clean_outside:.2f}. Both heat maps "
        "answer the same question: what speaks for the digit {mark}? {meaning}"
    ).format(
        inside=inside[1], outside=outside[1], clean=inside[0], clean_outside=outside[0], mark=result.example.mark,
        meaning=meaning,
    )  # fmt: skip


def _describe_score(result: Any) -> str:
    trained, random = _areas(result)
    found = result.found
    return _(
        "While the pixels go, the mean probability is **{trained:.2f}** with the network's own maps and {random:.2f} "
        "with maps of random weights. The lower it is, the sooner the pixels that count are gone. The opposite test, "
        "insertion, puts pixels back, the hottest first. In both tests together, the network's maps were compared "
        "{count} times with maps of random weights, and won {wins} times. A map of random weights in their place won "
        "{random_wins} times, where chance alone would give about {half}. {meaning}"
    ).format(
        meaning=_("So the score shows which map knows nothing, however convincing it looks.")
        if found["wins"] > found["random_wins"]
        else _("Here the score can't tell the two apart: do not trust these maps."),
        trained=trained, random=random, count=found["comparisons"], wins=found["wins"],
        random_wins=found["random_wins"], half=found["comparisons"] // 2,
    )  # fmt: skip
