"""Narrow copies of specs, random specs, and their traces."""

import torch
from hypothesis import strategies as st

from explorer.analysis.field_states import States
from explorer.analysis.receptive_field import propagate
from explorer.analysis.trace import Recorder, Trace
from explorer.errors import SpecError
from explorer.families import Spec, parse_spec
from explorer.families.building import build, detach_auxiliary
from explorer.families.densenet.spec import DenseNetSpec
from explorer.families.googlenet.spec import GoogLeNetSpec
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.vgg.spec import VggSpec
from explorer.specs.cfg import Conv, format_token, tokens


def narrow(spec: Spec, **fields: object) -> Spec:
    """A spec with the same geometry and one channel; option A and the expansion of bottlenecks need more."""
    match spec:
        case VggSpec():
            cfg = [format_token(t._replace(channels=1) if isinstance(t, Conv) else t) for t in tokens(spec.cfg)]
            fields = {"cfg": cfg, "classifier": [2 for _ in spec.classifier], **fields}
        case ResNetSpec():
            fields = {"widths": [1 + (i > 0) for i in range(len(spec.widths))], **fields}
        case GoogLeNetSpec():
            fields = {"modules": [[row.name, *[1] * 6] for row in spec.modules], **fields}
        case DenseNetSpec():
            fields = {"growth_rate": 1, "stem_width": 2, "bottleneck": spec.bottleneck and 1, **fields}
    return spec.changed(in_channels=1, num_classes=2, **fields)


def traced(spec: Spec, height: int | None = None, width: int | None = None) -> tuple[Trace, States]:
    """Trace and receptive fields on meta, for an image of any height and width."""
    network = build(spec, "meta").eval()
    detach_auxiliary(network)
    recorder = Recorder(network)
    shape = (1, spec.in_channels, height or spec.sides.height, width or spec.sides.width)
    with torch.no_grad(), recorder, recorder.module_hooks():
        network(torch.empty(shape, device="meta"))
    trace = recorder.trace()
    return trace, propagate(trace)


def _tokens() -> st.SearchStrategy[int | str]:
    kernel, stride, padding = st.integers(1, 5), st.integers(1, 3), st.integers(0, 3)
    conv = st.builds(lambda c, k, s, p: f"{c}:{k}/{s}p{p}", st.integers(1, 2), kernel, stride, padding)
    pool = st.builds(lambda a, k, s, p: f"{a}:{k}/{s}p{min(p, k // 2)}", st.sampled_from("MA"), kernel, stride, padding)
    return st.one_of(st.sampled_from([1, 2, "M", "A", "L", "1:1"]), conv, pool)


def _sizes(most: int) -> st.SearchStrategy[int | list[int]]:
    side = st.integers(1, most)
    return side | st.lists(side, min_size=2, max_size=2)


def raw_vgg() -> st.SearchStrategy[dict[str, object]]:
    """Specs of the vgg family, some of which can't run."""
    return st.fixed_dictionaries(
        {
            "family": st.just("vgg"),
            "cfg": st.lists(_tokens(), max_size=8),
            "batch_norm": st.booleans(),
            "pool_to": st.sampled_from([None, 1, 2, 3, 7]),
            "classifier": st.lists(st.integers(1, 3), max_size=2),
            "dropout_position": st.sampled_from(["before", "after"]),
            "head": st.sampled_from(["linear", "conv"]),
            "in_channels": st.integers(1, 2),
            "image_size": _sizes(40),
            "num_classes": st.integers(1, 3),
        }
    )


def raw_resnet() -> st.SearchStrategy[dict[str, object]]:
    """Specs of the resnet family, some of which can't run."""
    return st.integers(1, 3).flatmap(
        lambda stages: st.fixed_dictionaries(
            {
                "family": st.just("resnet"),
                "blocks": st.lists(st.integers(1, 2), min_size=stages, max_size=stages),
                "widths": st.lists(st.integers(1, 3), min_size=stages, max_size=stages),
                "block": st.sampled_from(["basic", "bottleneck"]),
                "stem": st.sampled_from(["imagenet", "cifar", "cifar-pool"]),
                "shortcut": st.sampled_from("ABC"),
                "residual": st.booleans(),
                "stride_on": st.sampled_from(["3x3", "1x1"]),
                "batch_norm": st.booleans(),
                "in_channels": st.just(1),
                "image_size": _sizes(70),
                "num_classes": st.just(2),
            }
        )
    )


def raw_googlenet() -> st.SearchStrategy[dict[str, object]]:
    """Specs of the googlenet family, some of which can't run."""
    names = [f"m{i}" for i in range(3)]
    return st.integers(1, 3).flatmap(
        lambda count: st.fixed_dictionaries(
            {
                "family": st.just("googlenet"),
                "modules": st.just([[name, 1, 1, 1, 1, 1, 1] for name in names[:count]]),
                "pool_after": st.lists(st.sampled_from(names[:count]), unique=True).map(sorted),
                "aux_after": st.lists(st.sampled_from(names[:count]), unique=True).map(sorted),
                "stem": st.sampled_from(["imagenet", "cifar"]),
                "batch_norm": st.booleans(),
                "branch5x5": st.sampled_from([5, 3]),
                "reduce": st.booleans(),
                "last_pool": st.sampled_from([3, 2]),
                "in_channels": st.just(1),
                "image_size": _sizes(70),
                "num_classes": st.just(2),
            }
        )
    )


def raw_densenet() -> st.SearchStrategy[dict[str, object]]:
    """Specs of the densenet family, some of which can't run."""
    return st.fixed_dictionaries(
        {
            "family": st.just("densenet"),
            "blocks": st.lists(st.integers(1, 3), min_size=1, max_size=4),
            "growth_rate": st.integers(1, 3),
            "stem_width": st.integers(1, 4),
            "bottleneck": st.sampled_from([None, 1, 2]),
            "compression": st.sampled_from([0.1, 0.3, 0.5, 1.0]),
            "stem": st.sampled_from(["imagenet", "cifar"]),
            "dropout": st.sampled_from([0.0, 0.2]),
            "in_channels": st.just(1),
            "image_size": _sizes(70),
            "num_classes": st.just(2),
        }
    )


def any_raw() -> st.SearchStrategy[dict[str, object]]:
    """Specs of all families except torchvision's, some of which are invalid."""
    return st.one_of(raw_vgg(), raw_resnet(), raw_googlenet(), raw_densenet())


def parse_or_none(raw: dict[str, object]) -> Spec | None:
    """The spec; None if it is refused."""
    try:
        return parse_spec(raw)
    except SpecError:
        return None
