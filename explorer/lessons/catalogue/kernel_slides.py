"""Convolution, stride, padding and pooling. The result is a :class:`explorer.analysis.sliding.Slide`."""

from explorer.analysis.sliding import Slide
from explorer.drawing.sliding import number
from explorer.i18n import _, ngettext
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try

NOTHING = 1e-6  # a sum of weights that is smaller is rounding


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=1,
        title=_("A kernel slides"),
        question=_("What does a convolution compute, cell by cell?"),
        minutes=8,
        experiment="slide",
        vignette=vignettes.kernel_slides,
        terms=(
            "convolution",
            "stride",
            "padding",
            "pooling",
            "max-pooling",
            "average-pooling",
            "adaptive-pool",
            "ceil-mode",
            "feature-map",
        ),
        links=(
            Link("kernels", _("The formula for any input"), {"show": "size"}),
            Link("predict", _("The kernels that a network has learned"), {"weights": "digits-cnn", "index": "3"}),
        ),
        papers=(
            Paper(
                _("Dumoulin and Visin 2016, A guide to convolution arithmetic, section 2"),
                "https://arxiv.org/abs/1603.07285",
            ),
            Paper(
                _("LeCun et al. 1998, Gradient-based learning applied to document recognition, section II"),
                "https://doi.org/10.1109/5.726791",
            ),
        ),
        steps=(
            Say(
                text=_(
                    "To a network, a grey image is a table of numbers. Here a large number means much ink. A "
                    "**kernel** is a small table of weights. It is laid on the image, each weight is multiplied by the "
                    "pixel below it, and the products are added. The sum is one cell of the output. Then the kernel "
                    "moves on."
                )
            ),
            Ask(
                name="count",
                text=lambda result: ngettext(
                    "The kernel has {kernel} columns and the image has {image}. The kernel moves by {stride} pixel at "
                    "a time and stays inside the image{padded}. How many columns has the output?",
                    "The kernel has {kernel} columns and the image has {image}. The kernel moves by {stride} pixels "
                    "at a time and stays inside the image{padded}. How many columns has the output?",
                    result.windows.stride,
                ).format(
                    kernel=result.windows.kernel,
                    image=result.windows.size,
                    stride=result.windows.stride,
                    padded=_padded(result),
                ),
                unit=_("columns"),
                answer=lambda result: result.windows.count,
                start={"kernel": "blur", "stride": "1", "padding": "0"},
            ),
            Try(
                text=_(
                    "This is a handwritten digit, with the numbers of its pixels. Choose cells of the output, and "
                    "follow the sum below the figure."
                ),
                controls=("digit",),
                numbers=False,
            ),
            Reveal(of="count", text=_count, controls=("padding",)),
            Ask(
                name="edges",
                text=lambda result: _(
                    "Now the kernel is this table of weights:\n\n{table}\n\nWhere will the output be far from zero?"
                ).format(table=_table(result)),
                options={
                    "columns": _("Where there is ink on one side and paper on the other, left to right"),
                    "rows": _("Where there is ink on one side and paper on the other, top to bottom"),
                    "bright": _("Where there is much ink all around"),
                },
                answer=lambda result: _edges(result)[0],
                ties=lambda result: set(_edges(result)),
                start={"kernel": "vertical", "stride": "1", "padding": "0"},
            ),
            Reveal(of="edges", text=_describe_edges, controls=("digit", "kernel", "filter"), numbers=False),
            Ask(
                name="stride",
                text=lambda result: _(
                    "With a **stride** of {stride}, the kernel moves {stride} pixels at a time, again inside the "
                    "image{padded}. How many columns of the image does it never read?"
                ).format(stride=result.windows.stride, padded=_padded(result)),
                unit=_("columns"),
                answer=lambda result: len(result.windows.unread),
                start={"stride": "2", "padding": "0"},
            ),
            Reveal(of="stride", text=_stride, controls=("stride", "padding")),
            Ask(
                name="pool",
                text=lambda result: _(
                    "A **max pool** has no weights: it keeps the largest number of its window. The window has "
                    "{window}×{window} pixels and moves by {stride}. How many of the {all} numbers are left?"
                ).format(window=result.windows.kernel, stride=result.windows.stride, all=result.windows.size**2),
                unit=_("numbers"),
                answer=lambda result: result.windows.count**2,
                start={"kernel": "max", "window": "2", "stride": "2", "padding": "0"},
            ),
            Reveal(of="pool", text=_pool, controls=("digit", "kernel", "filter", "window", "stride")),
        ),
    )


def _padded(result: Slide) -> str:
    """Returns the words about padding; none if there is none."""
    padding = result.windows.padding
    return _(", which has {padding} more cells of zeros at each end").format(padding=padding) if padding else ""


def _table(result: Slide) -> str:
    """Returns the kernel as a block of text."""
    rows = [[number(weight) for weight in row] for row in result.kernel or ()]
    width = max((len(cell) for row in rows for cell in row), default=0)
    return "\n".join(["```text", *("  ".join(cell.rjust(width) for cell in row) for row in rows), "```"])


def _profile(result: Slide) -> tuple[float, float, float]:
    """Returns how much the kernel differs between left and right and between top and bottom, and its sum."""
    kernel = result.kernel or ((1.0,),)
    across = sum(row[-1] - row[0] for row in kernel)
    down = sum(kernel[-1]) - sum(kernel[0])
    return abs(across), abs(down), abs(sum(map(sum, kernel)))


def _edges(result: Slide) -> list[str]:
    """Returns where the output is far from zero; a slanted kernel answers to several."""
    answers = dict(zip(("columns", "rows", "bright"), _profile(result), strict=True))
    return [answer for answer, amount in answers.items() if amount > max(answers.values()) - NOTHING]


def _describe_edges(result: Slide) -> str:
    values = [value for row in result.output for value in row]
    return _(
        "The output runs from **{least} to {most}**. {alike} So a kernel is a question that is put to each place of "
        "the image. Below, it is put to each place of a photograph. Choose other kernels: some come from a trained "
        "network, which found its weights by itself."
    ).format(least=number(min(values)), most=number(max(values)), alike=_where_alike(result))


def _where_alike(result: Slide) -> str:
    """Returns the sentence on windows in which all pixels are equal."""
    if result.kernel is None:
        return _("Where the pixels of the window are all alike, a pool gives them back.")
    total = sum(map(sum, result.kernel))
    if abs(total) < NOTHING:
        return _("Where the pixels below the kernel are all alike, positive and negative weights cancel.")
    return _("Where the pixels below the kernel are all alike, the output is {total} times such a pixel.").format(
        total=number(total)
    )


def _count(result: Slide) -> str:
    windows = result.windows
    return _(
        "**{count} columns**: the kernel can move {room} times, and the place where it starts counts too. **Padding** "
        "puts zeros around the image. Change it: with how much padding is the output as large as the image?"
    ).format(count=windows.count, room=windows.travel // windows.stride)


def _stride(result: Slide) -> str:
    windows = result.windows
    if not windows.unread:
        return ngettext(
            "Every column is read, by {count} window.", "Every column is read, by {count} windows.", windows.count
        ).format(count=windows.count)
    unread = ngettext(
        "**{unread} column** is never read.", "**{unread} columns** are never read.", len(windows.unread)
    ).format(unread=len(windows.unread))
    reasons = []
    if between := len(windows.unread) - len(windows.dropped):
        reasons.append(
            ngettext(
                "{between} of them lies between two windows: a stride of {stride} steps over it, because the kernel "
                "has {kernel} columns.",
                "{between} of them lie between two windows: a stride of {stride} steps over them, because the kernel "
                "has {kernel} columns.",
                between,
            ).format(between=between, stride=windows.stride, kernel=windows.kernel)
        )
    if windows.dropped:
        reasons.append(
            ngettext(
                "After {count} window there is no room for another. The formula rounds down, and does not tell you "
                "that something is lost at the end. Padding can change that.",
                "After {count} windows there is no room for another. The formula rounds down, and does not tell you "
                "that something is lost at the end. Padding can change that.",
                windows.count,
            ).format(count=windows.count)
        )
    return " ".join([unread, *reasons])


def _pool(result: Slide) -> str:
    windows = result.windows
    left, all_ = windows.count**2, windows.size**2
    return _(
        "**{left} of {all} numbers** are left, {share:.0%}. A max pool says *whether* something is in the window, and "
        "drops *where* in the window it is. An average pool keeps a little of every pixel. Try both, and a kernel with "
        "the same stride, which also shrinks the image but can choose what to keep."
    ).format(left=left, all=all_, share=left / all_)
