"""Editor of the ``resnet`` family: block counts and widths stage by stage."""

import streamlit as st

from explorer.errors import SpecError, shown
from explorer.families import Spec
from explorer.families.resnet.spec import MAX_STAGES, ResNetSpec
from explorer.i18n import _
from explorer.specs.base import MAX_WIDTH
from explorer.ui.architecture.state import EDIT, ArchitectureState
from explorer.ui.editors.common import (
    activation_field,
    batch_norm_field,
    choice_field,
    error_area,
    number_field,
    shared_fields,
    toggle_field,
)
from explorer.ui.glossary import explain

STAGES = EDIT + "stages"


def edit(_page_state: ArchitectureState) -> Spec:
    """Render the widgets, and return the spec that they describe.

    Raises:
        SpecError: If the values of the widgets break a rule.
    """
    state = st.session_state
    if isinstance(state.get(EDIT + "blocks"), list):  # PageState.fill has set the whole list
        blocks, widths = state.pop(EDIT + "blocks"), state.pop(EDIT + "widths")
        state[STAGES] = len(blocks)
        for stage, (number, width) in enumerate(zip(blocks, widths, strict=True)):
            state[f"{EDIT}blocks.{stage}"], state[f"{EDIT}widths.{stage}"] = number, width
    stages = number_field("stages", _("Stages"), explain("stage", _("Each stage after the first halves the map.")))
    error_area("stages")
    count = max(1, min(stages or 1, MAX_STAGES))
    for stage in range(1, count):  # a new stage is a copy of the one before, twice as wide
        state.setdefault(f"{EDIT}blocks.{stage}", state.get(f"{EDIT}blocks.{stage - 1}"))
        width = state.get(f"{EDIT}widths.{stage - 1}")
        state.setdefault(f"{EDIT}widths.{stage}", width and min(2 * width, MAX_WIDTH))
    blocks, widths = [], []
    for stage in range(count):
        left, right = st.columns(2, wrap=False)
        with left:
            blocks.append(
                number_field(f"blocks.{stage}", _("Blocks in stage {n}").format(n=stage + 1), explain("residual-block"))
            )
        with right:
            widths.append(
                number_field(f"widths.{stage}", _("Width of stage {n}").format(n=stage + 1), explain("width"))
            )
    error_area("blocks", "widths")
    block = choice_field(
        "block",
        _("Block"),
        {"basic": _("Basic: 3×3, 3×3"), "bottleneck": _("Bottleneck: 1×1, 3×3, 1×1")},
        explain("bottleneck", explain("basic-block")),
    )
    fields = shared_fields()
    residual = toggle_field("residual", _("Residual"), explain("plain", explain("shortcut")))
    batch_norm = batch_norm_field()
    activation = activation_field()
    with st.expander(_("Stem, shortcut, stride"), key=EDIT + "more"):
        stem = choice_field(
            "stem",
            _("Stem"),
            {
                "imagenet": _("ImageNet: 7×7/2, pool"),
                "cifar": _("CIFAR: 3×3"),
                "cifar-pool": _("CIFAR with a pool: 3×3, pool"),
            },
            explain("stem"),
        )
        shortcut = choice_field(
            "shortcut",
            _("Shortcut"),
            {"A": _("A: zero padding"), "B": _("B: projection where needed"), "C": _("C: projection everywhere")},
            explain("shortcut-c", explain("shortcut-b", explain("shortcut-a"))),
        )
        stride_on = choice_field(
            "stride_on",
            _("A bottleneck strides in its"),
            {"3x3": _("3×3 (torchvision)"), "1x1": _("first 1×1 (paper)")},
            explain("stride-placement"),
        )
    if count != stages:
        raise SpecError(_("stages: {value} is not between 1 and {limit}").format(value=shown(stages), limit=MAX_STAGES))
    return ResNetSpec.parse(
        {
            "family": "resnet",
            "blocks": blocks,
            "widths": widths,
            "block": block,
            "stem": stem,
            "shortcut": shortcut,
            "stride_on": stride_on,
            "residual": residual,
            "batch_norm": batch_norm,
            "activation": activation,
            **fields,
        }
    )
