"""Why Inception reduces channels first. The result is a :class:`explorer.analysis.blocks.Inception`."""

from explorer.analysis.blocks import Inception, all_convolutions, macs, quoted_macs, weights
from explorer.formatting import short
from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=8,
        title=_("Inception"),
        question=_("How can one layer look at several sizes at once, and stay cheap?"),
        minutes=7,
        experiment="inception",
        vignette=vignettes.inception_branches,
        terms=("1x1", "concatenation", "global-average-pooling", "macs"),
        links=(
            Link("architecture", _("GoogLeNet, which is built of these modules"), {"net": "googlenet"}),
            Link("compare", _("GoogLeNet with naive modules next to it"), {"a": "googlenet", "b": "googlenet-naive"}),
        ),
        papers=(
            Paper(
                _("Szegedy et al. 2015, Going deeper with convolutions, section 4"), "https://arxiv.org/abs/1409.4842"
            ),
            Paper(_("Lin et al. 2014, Network in network, section 3.1"), "https://arxiv.org/abs/1312.4400"),
        ),
        steps=(
            Say(
                text=_(
                    "What matters in an image may be small or large. An **Inception module** looks at each place in "
                    "four ways at once: through a 1×1, a 3×3 and a 5×5 kernel, and through a max pool. The four "
                    "results are put on top of each other (**concatenated**).\n\n"
                    "In the *naive* module, all four read the input directly. Predict three things about it, then look."
                ),
                start={"module": "example"},
            ),
            Ask(
                name="branch",
                text=lambda result: _(
                    "The input has {inputs:,} channels. The 1×1 makes {one:,} channels, the 3×3 makes {three:,}, and "
                    "the 5×5 makes {five:,}. Which of them costs most multiplications in the naive module?"
                ).format(
                    inputs=result.inputs, one=result.widths.ch1x1, three=result.widths.ch3x3, five=result.widths.ch5x5
                ),
                options={"0": _("The 1×1"), "1": _("The 3×3"), "2": _("The 5×5")},
                answer=lambda result: str(_costly(result)),
            ),
            Ask(
                name="channels",
                text=lambda result: _(
                    "The pool has no weights and keeps all {inputs:,} channels. So how many channels leave the naive "
                    "module?"
                ).format(inputs=result.inputs),
                unit=_("channels"),
                answer=lambda result: sum(result.outputs(result.naive())),
            ),
            Ask(
                name="saving",
                text=lambda result: _(
                    "Now a 1×1 convolution comes before the 3×3 and before the 5×5. It mixes the {inputs:,} channels "
                    "into {three:,} for the 3×3 and into {five:,} for the 5×5, so that the large kernels read fewer. "
                    "And one comes after the pool. These are three more layers. What happens to the cost of the module?"
                ).format(inputs=result.inputs, three=result.widths.ch3x3red, five=result.widths.ch5x5red),
                options={
                    "up": _("It rises: there are more layers"),
                    "same": _("It stays about the same"),
                    "half": _("It falls to about half"),
                    "third": _("It falls to about a third"),
                    "tenth": _("It falls to about a tenth or less"),
                },
                answer=_saving,
            ),
            Reveal(of="branch", text=_branch, numbers=False),
            Reveal(of="channels", text=_channels, numbers=False),
            Reveal(of="saving", text=_saved),
            Try(
                text=lambda result: _(
                    "Try the nine modules of GoogLeNet. The module **{name}** saves {saved:.0%} of the "
                    "multiplications. In which module does the reduction save most?"
                ).format(name=result.widths.name, saved=1 - _cost(result, reduced=True) / _cost(result, reduced=False)),
                controls=("module",),
                start={"module": "3a"},
            ),
        ),
    )


def _costly(result: Inception) -> int:
    costs = [macs(branch, result.side) for branch in result.naive()]
    return costs.index(max(costs))


def _branch(result: Inception) -> str:
    branches = result.naive()
    costs = [macs(branch, result.side) for branch in branches]
    listed = ", ".join(
        f"{branch[0].kernel}: {short(cost)}" for branch, cost in zip(branches, costs, strict=True) if branch
    )
    return _(
        "**The {kernel}**, with {share:.0%} of the cost ({listed}). A kernel of 5×5 has 25 places, one of 3×3 has 9. "
        "Each place has a weight from every input channel to every output channel, and each weight is used at every "
        "cell of the map. The bars in the figure compare the costs."
    ).format(kernel=branches[_costly(result)][0].kernel, share=max(costs) / sum(costs), listed=listed)


def _channels(result: Inception) -> str:
    outputs = result.outputs(result.naive())
    return _(
        "{sum} = **{total:,} channels**, although {inputs:,} came in. The next module would read more, and the one "
        "after it more again. So the pool needs a 1×1 convolution after it. With it, {reduced:,} channels leave the "
        "module."
    ).format(
        sum=" + ".join(f"{count:,}" for count in outputs), total=sum(outputs), inputs=result.inputs,
        reduced=sum(result.outputs(result.reduced())),
    )  # fmt: skip


def _cost(result: Inception, *, reduced: bool) -> int:
    return macs(all_convolutions(result.reduced() if reduced else result.naive()), result.side)


def _saving(result: Inception) -> str:
    ratio = _cost(result, reduced=True) / _cost(result, reduced=False)
    limits = {"tenth": 0.15, "third": 0.42, "half": 0.75, "same": 1.05}
    return next((name for name, limit in limits.items() if ratio <= limit), "up")


def _saved(result: Inception) -> str:
    naive, reduced = _cost(result, reduced=False), _cost(result, reduced=True)
    return _(
        "From {naive:,} to **{reduced:,}** multiplications, {share:.0%} of before. The weights fall from {before} to "
        "{after}. A 1×1 convolution looks at no neighbours, so it is cheap, and what follows it reads fewer channels. "
        "This is why it is called a **bottleneck**.\n\n"
        "You will find {quoted:,} quoted for this example. That sum counts the 3×3 twice."
    ).format(
        naive=naive, reduced=reduced, share=reduced / naive, before=short(weights(all_convolutions(result.naive()))),
        after=short(weights(all_convolutions(result.reduced()))), quoted=quoted_macs(result),
    )  # fmt: skip
