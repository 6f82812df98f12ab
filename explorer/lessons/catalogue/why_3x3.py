"""Why networks stack small kernels. The result has ``view``, ``one`` (the large kernel) and ``many`` (the stack)."""

import math
from typing import Any

from explorer.analysis.kernels import Kernel
from explorer.formatting import change
from explorer.i18n import _, ngettext
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=2,
        title=_("Why 3×3"),
        question=_("Why do networks stack small kernels instead of using a large one?"),
        minutes=8,
        experiment="stack",
        vignette=vignettes.nested_fields,
        terms=("3x3", "kernel", "local-connection", "channel", "groups", "relu"),
        links=(Link("architecture", _("A network that is built of 3×3 kernels alone"), {"net": "vgg16"}),),
        papers=(
            Paper(
                _("Simonyan and Zisserman 2015, Very deep convolutional networks, section 2.3"),
                "https://arxiv.org/abs/1409.1556",
            ),
            Paper(
                _("Szegedy et al. 2016, Rethinking the Inception architecture, section 3"),
                "https://arxiv.org/abs/1512.00567",
            ),
        ),
        steps=(
            Say(
                text=lambda result: _(
                    "A convolution computes each output cell from a small window of its input. It lays a **kernel** on "
                    "the window: a table with a weight for each cell. A second convolution reads the output of the "
                    "first one. So a cell after two convolutions depends on more pixels than a cell after one.\n\n"
                    "In this lesson you compare one large kernel with a stack of {small} kernels."
                ).format(small=result.many.kernels[0]),
                start={"k": "5", "by": "3x3", "c": "64"},
            ),
            Ask(
                name="two",
                text=lambda result: _(
                    "{count} convolutions of {kernel} follow each other. How many pixels a side does one output "
                    "cell see?"
                ).format(count=len(result.many.kernels), kernel=result.many.kernels[0]),
                options={
                    "same": _("As many as one kernel: the window does not grow"),
                    "edges": _("A few more: every kernel adds its side minus one"),
                    "sum": _("The sides of the kernels added up"),
                    "product": _("The sides of the kernels multiplied"),
                },
                answer=_rule,
            ),
            Ask(
                name="weights",
                text=_(
                    "Compare the stack with one large kernel that sees the same pixels. Count the weights. Maps have "
                    "**channels**, and here every layer reads as many channels as it gives. How many weights has the "
                    "stack?"
                ),
                options={
                    "more": _("More than the large kernel, because it has more layers"),
                    "same": _("As many as the large kernel, because it sees the same pixels"),
                    "fewer": _("Fewer than the large kernel"),
                },
                answer=_compare,
            ),
            Try(
                text=_(
                    "On the left is one large kernel, on the right the stack. Choose a cell of the output: the cells "
                    "that it depends on are marked in each map below it."
                ),
                numbers=False,
            ),
            Reveal(of="two", text=_two, numbers=False),
            Reveal(of="weights", text=_weights, controls=("c",)),
            Ask(
                name="layers",
                text=lambda result: _("How many convolutions of {small} see as much as one kernel of {large}?").format(
                    small=result.many.kernels[0], large=result.one.kernels[0]
                ),
                unit=_("convolutions"),
                answer=lambda result: len(result.many.kernels),
                start={"k": "7"},
            ),
            Reveal(of="layers", text=_layers, controls=("k",), numbers=False),
            Ask(
                name="cells",
                text=lambda result: ngettext(
                    "A kernel of {large} has {cells}·C² weights. How many times C² does {count} convolution of "
                    "{small} have?",
                    "A kernel of {large} has {cells}·C² weights. How many times C² do {count} convolutions of {small} "
                    "have?",
                    len(result.many.kernels),
                ).format(
                    large=result.one.kernels[0],
                    cells=result.one.cells,
                    count=len(result.many.kernels),
                    small=result.many.kernels[0],
                ),
                unit=_("times C²"),
                answer=lambda result: result.many.cells,
            ),
            Ask(
                name="linear",
                text=lambda result: ngettext(
                    "After each convolution comes a **ReLU**, which turns negative numbers into zero. Suppose that "
                    "somebody leaves out those inside the stack, which has {count} convolution. What can it compute "
                    "then?",
                    "After each convolution comes a **ReLU**, which turns negative numbers into zero. Suppose that "
                    "somebody leaves out those between the {count} convolutions. What can the stack compute then?",
                    len(result.many.kernels),
                ).format(count=len(result.many.kernels)),
                options={
                    "one": _("Nothing that one kernel of the same field can't"),
                    "same": _("The same as before: the weights decide"),
                    "more": _("More: no number is lost as zero"),
                },
                answer=lambda _result: "one",  # whatever the sizes: a sum of sums is a sum
            ),
            Reveal(of="cells", text=_cells),
            Reveal(of="linear", text=_linear, numbers=False),
            Try(
                text=_(
                    "Try another size, or replace the large kernel by a row and a column: when is the saving largest?"
                ),
                controls=("k", "by", "c", "map"),
            ),
        ),
    )


def _rule(result: Any) -> str:
    """Returns the rule that gives the field of the stack."""
    sides = [kernel.rows for kernel in result.many.kernels]
    rules = {
        max(sides): "same", sum(sides): "sum", math.prod(sides): "product", 1 + sum(side - 1 for side in sides): "edges"
    }  # fmt: skip  # the rule that is always right comes last, because it counts where two give the same
    return rules[result.many.fields[0].rows]


def _two(result: Any) -> str:
    fields = " → ".join(str(kernel) for kernel in reversed(result.many.fields))
    return _(
        "One cell sees **{field} pixels**. Read the figure from the output backwards: {fields}. Each layer adds the "
        "side of its kernel minus one: {growth}."
    ).format(
        field=result.many.fields[0], fields=fields,
        growth=", ".join(map(_growth, dict.fromkeys(result.many.kernels))),
    )  # fmt: skip


def _growth(kernel: Kernel) -> str:
    if kernel.rows == kernel.columns:
        return _("+{added} for a {kernel}").format(added=kernel.rows - 1, kernel=kernel)
    return _("+{rows} rows and +{columns} columns for a {kernel}").format(
        rows=kernel.rows - 1, columns=kernel.columns - 1, kernel=kernel
    )


def _layers(result: Any) -> str:
    kernels = result.many.kernels
    terms = " + ".join(f"({kernel.rows} − 1)" for kernel in kernels)
    return ngettext(
        "It takes **{count} convolution** for a kernel of {kernel}. The side is 1 + {terms} = {side}. Change the "
        "kernel, and count the maps on the right.",
        "It takes **{count} convolutions** for a kernel of {kernel}. The side is 1 + {terms} = {side}. Change the "
        "kernel, and count the maps on the right.",
        len(kernels),
    ).format(count=len(kernels), kernel=result.one.kernels[0], terms=terms, side=result.many.fields[0].rows)


def _compare(result: Any) -> str:
    one, many = result.one.cells, result.many.cells
    return "same" if one == many else "fewer" if many < one else "more"


def _weights(result: Any) -> str:
    one, many, channels = result.one, result.many, result.view.c
    return _(
        "A kernel of {kernel} has {one}·C² weights: {one} places, each from C channels to C channels. The stack has "
        "{many}·C². With C = {channels:,} that is {of_one:,} against **{of_many:,}**, a change of {change}. "
        "It is the same for every C: try another number of channels."
    ).format(
        kernel=one.kernels[0], one=one.cells, many=many.cells, channels=channels, of_one=one.weights(channels),
        of_many=many.weights(channels), change=change(many.cells / one.cells - 1),
    )  # fmt: skip


def _cells(result: Any) -> str:
    one, many = result.one, result.many
    return _(
        "**{many}·C²**: {terms} for each pair of channels. The one kernel of {kernel} has {one}·C², {change:.0%} more. "
        "Each weight multiplies once for every cell of the map, so the work differs by as much."
    ).format(
        many=many.cells, terms=" + ".join(f"{kernel.rows}·{kernel.columns}" for kernel in many.kernels), one=one.cells,
        kernel=one.kernels[0], change=one.cells / many.cells - 1,
    )  # fmt: skip


def _linear(result: Any) -> str:
    one, many = result.one, result.many
    if len(many.kernels) == 1:
        return _("This stack is one kernel of {kernel} already, so there is no ReLU to leave out.").format(
            kernel=many.fields[0]
        )
    return _(
        "Sums of sums are sums: without a ReLU between them, the layers are together **one kernel of {kernel}**. With "
        "them, the stack has **{many} non-linearities** where the large kernel has {one}, and each lets the network "
        "compute something that sums alone can't."
    ).format(kernel=many.fields[0], many=len(many.kernels), one=len(one.kernels))
