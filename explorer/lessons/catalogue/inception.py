"""Why Inception reduces channels first, and what auxiliary heads add. The result has ``module`` and ``heads``."""

from collections.abc import Callable
from typing import Any

from explorer.analysis.blocks import EXAMPLE, Inception, all_convolutions, inception_modules, macs, weights
from explorer.formatting import short
from explorer.i18n import _
from explorer.lessons import vignettes
from explorer.lessons.gradients import amount
from explorer.lessons.heads import WEIGHT
from explorer.lessons.lesson import Ask, Lesson, Link, Paper, Reveal, Say, Try

HELPS, CHANGES = 10.0, 1.5  # factors of the gradient


def lesson() -> Lesson:
    """Returns the lesson."""
    return Lesson(
        position=8,
        title=_("Inception"),
        question=_("How can one layer look at several sizes at once, and stay cheap?"),
        minutes=9,
        experiment="modules",
        vignette=vignettes.inception_branches,
        terms=(
            "inception",
            "naive-module",
            "1x1",
            "reduction",
            "concatenation",
            "global-average-pooling",
            "macs",
            "stem",
            "auxiliary-head",
        ),
        links=(
            Link("architecture", _("GoogLeNet, which is built of these modules"), {"net": "googlenet"}),
            Link("compare", _("GoogLeNet with naive modules next to it"), {"a": "googlenet", "b": "googlenet-naive"}),
            Link("train", _("Train a small GoogLeNet, with or without heads"), {"net": "googlenet-small-cifar10"}),
        ),
        papers=(
            Paper(
                _("Szegedy et al. 2015, Going deeper with convolutions, section 4"), "https://arxiv.org/abs/1409.4842"
            ),
            Paper(
                _("Szegedy et al. 2016, Rethinking the Inception architecture, section 4"),
                "https://arxiv.org/abs/1512.00567",
            ),
            Paper(_("Lin et al. 2014, Network in network, section 3.1"), "https://arxiv.org/abs/1312.4400"),
        ),
        steps=(
            Say(
                text=_module(
                    lambda module: _(
                        "What matters in an image may be small or large. An **Inception module** looks at each place "
                        "in {ways} ways at once: through kernels of {kernels}, and through a max pool. The {ways} "
                        "results are put on top of each other (**concatenated**).\n\n"
                        "In the *naive* module, all of them read the input directly. Predict three things about it, "
                        "then look."
                    ).format(ways=len(module.naive()), kernels=", ".join(_kernels(module)))
                ),
                start={"show": "module", "module": EXAMPLE},
            ),
            Ask(
                name="branch",
                text=_module(
                    lambda module: _(
                        "The input has {inputs:,} channels. The 1×1 makes {one:,} channels, the 3×3 makes {three:,}, "
                        "and the 5×5 makes {five:,}. Which of them costs most multiplications in the naive module?"
                    ).format(
                        inputs=module.inputs,
                        one=module.widths.ch1x1,
                        three=module.widths.ch3x3,
                        five=module.widths.ch5x5,
                    )
                ),
                options={"0": _("The 1×1"), "1": _("The 3×3"), "2": _("The 5×5")},
                answer=lambda result: str(_costly(result.module)),
            ),
            Ask(
                name="channels",
                text=_module(
                    lambda module: _(
                        "The pool has no weights and keeps all {inputs:,} channels. So how many channels leave the "
                        "naive module?"
                    ).format(inputs=module.inputs)
                ),
                unit=_("channels"),
                answer=lambda result: sum(result.module.outputs(result.module.naive())),
            ),
            Ask(
                name="saving",
                text=_module(
                    lambda module: _(
                        "Now a 1×1 convolution comes before the 3×3 and another before the 5×5. They mix the "
                        "{inputs:,} channels into {three:,} for the 3×3 and into {five:,} for the 5×5, so that the "
                        "large kernels read fewer channels. A third one comes after the pool. What happens to the "
                        "cost of the module?"
                    ).format(inputs=module.inputs, three=module.widths.ch3x3red, five=module.widths.ch5x5red)
                ),
                options={
                    "up": _("It rises: there are more layers"),
                    "same": _("It stays about the same"),
                    "half": _("It falls to about half"),
                    "third": _("It falls to about a third"),
                    "tenth": _("It falls to about a tenth or less"),
                },
                answer=lambda result: _saving(result.module),
            ),
            Reveal(of="branch", text=_module(_branch), numbers=False),
            Reveal(of="channels", text=_module(_channels), numbers=False),
            Reveal(of="saving", text=_module(_saved)),
            Try(
                text=_module(
                    lambda module: _(
                        "Try the {count} modules of GoogLeNet. The module **{name}** saves {saved:.0%} of the "
                        "multiplications. In which module does the reduction save most?"
                    ).format(
                        count=len(inception_modules()) - 1,
                        name=module.widths.name,
                        saved=1 - _cost(module, reduced=True) / _cost(module, reduced=False),
                    )
                ),
                controls=("module",),
                start={"module": "3a"},
            ),
            Ask(
                name="heads",
                text=lambda result: _(
                    "GoogLeNet has {count} **auxiliary heads**: small classifiers that read the maps behind the "
                    "modules {places}. They are used in training only, and {weight:.0%} of their losses is added to "
                    "the loss of the network. So the gradient has a shorter way to the first layers.\n\n"
                    "Take the network at its first step, with the random weights that PyTorch gives it, without batch "
                    "norm. What do the heads do to the gradient at the first layer?"
                ).format(
                    count=len(result.heads.spec.aux_after), places=", ".join(result.heads.spec.aux_after), weight=WEIGHT
                ),
                options={
                    "little": _("They hardly change it"),
                    "some": _("They make it a few times as large"),
                    "much": _("They make it more than {factor:.0f} times as large").format(factor=HELPS),
                },
                answer=lambda result: _gain(result.heads.factor),
                start={"show": "heads", "init": "default", "norm": "false"},
            ),
            Reveal(of="heads", text=_heads, controls=("init", "norm", "seed")),
        ),
    )


def _module(text: Callable[[Inception], str]) -> Callable[[Any], str]:
    """Returns a text about the module of the result."""
    return lambda result: text(result.module)


def _kernels(module: Inception) -> list[str]:
    return [str(branch[0].kernel) for branch in module.naive() if branch]


def _gain(factor: float) -> str:
    return "much" if factor > HELPS else "some" if factor > CHANGES else "little"


def _heads(result: Any) -> str:
    found = result.heads
    if _gain(found.factor) == "little":
        meaning = _(
            "With these settings the gradient does not need a shorter way. Take PyTorch's initialisation without batch "
            "norm again: how much do the heads add then?"
        )
    else:
        meaning = _(
            "The lines in the figure part at the modules with heads. Now choose He's initialisation, or switch batch "
            "norm on: how much do the heads add then?"
        )
    history = _(
        "When GoogLeNet was made, in 2014, both were not yet published. Newer networks have no auxiliary heads, or use "
        "them to regularise the network (Szegedy et al. 2016)."
    )
    numbers = _(
        "They multiply it by **{factor}**. The gradient at the first layer is {without} times that of the last layer "
        "without heads, and {added} times with them."
    ).format(factor=amount(found.factor), without=amount(found.without.ratio), added=amount(found.added.ratio))
    return f"{numbers} {meaning}\n\n{history}"


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
        "**The {kernel}**, with {share:.0%} of the cost ({listed}). A kernel has a weight for each of its places "
        "({places}), from every input channel to every output channel. Each weight is used at every cell of the map. "
        "The bars in the figure compare the costs."
    ).format(
        kernel=branches[_costly(result)][0].kernel, share=max(costs) / sum(costs), listed=listed,
        places=", ".join(
            f"{branch[0].kernel} = {branch[0].kernel.rows * branch[0].kernel.columns}" for branch in branches if branch
        ),
    )  # fmt: skip


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
        "This is why it is called a **bottleneck**."
    ).format(
        naive=naive, reduced=reduced, share=reduced / naive, before=short(weights(all_convolutions(result.naive()))),
        after=short(weights(all_convolutions(result.reduced()))),
    )  # fmt: skip
