"""Editor of the ``vgg`` family: the cfg list as text, checked while the user types."""

import streamlit as st

from explorer.errors import TokenError
from explorer.families import Spec
from explorer.families.vgg.spec import VggSpec
from explorer.i18n import _
from explorer.specs.cfg_text import ParsedList, format_text, read_text, read_widths
from explorer.ui.architecture.state import EDIT, ArchitectureState
from explorer.ui.editors.common import (
    activation_field,
    batch_norm_field,
    choice_field,
    dropout_field,
    error_area,
    optional_number_field,
    shared_fields,
)
from explorer.ui.glossary import explain
from explorer.ui.shared.text import mark_token


def edit(_page_state: ArchitectureState) -> Spec:
    """Render the widgets, and return the spec that they describe.

    Raises:
        SpecError: If the values of the widgets break a rule.
    """
    texts = st.session_state
    for name in ("cfg", "classifier"):
        if not isinstance(texts[EDIT + name], str):  # PageState.fill has set the whole list
            texts[EDIT + name] = format_text(texts[EDIT + name])
    text = st.text_input(
        _("Layers (cfg)"),
        key=EDIT + "cfg",
        live="100ms",
        help=_(
            "`64` is a 3×3 convolution to 64 channels with its activation, `64:1` a 1×1, `64:7/2` a 7×7 with stride "
            "2, `6:5p0` a 5×5 without padding, `64:3g64` a 3×3 in 64 groups, `64:3d2` one with dilation 2. `M` halves "
            "the map by max pooling, `A` by averaging, `M:3/2` in windows of 3; `L` normalises across channels."
        ),
    )
    cfg_area = error_area("cfg")
    parsed = _parse(text)
    head_is_typed = isinstance(parsed, ParsedList) and parsed.hidden is not None
    if isinstance(parsed, ParsedList) and parsed.hidden is not None:
        texts[EDIT + "classifier"] = format_text(parsed.hidden)
        texts[EDIT + "num_classes"] = parsed.classes
        cfg_area.caption(
            _("The linear layers at the end of the list are the head. Take them out of the list to set it below.")
        )
    hidden = st.text_input(
        _("Hidden layers of the head"),
        key=EDIT + "classifier",
        live="100ms",
        help=explain(
            "linear", _("Widths of the linear layers before the last, which always has one output per class.")
        ),
        placeholder=_("none: straight to the classes"),
        disabled=head_is_typed,
    )
    error_area("classifier")
    left, right = st.columns(2, vertical_alignment="bottom", wrap=False)
    with left:
        pool_to = optional_number_field(
            "pool_to",
            _("Pool to"),
            _("as it is"),
            explain("adaptive-pool", _("Side of the map that the head gets; empty flattens what arrives.")),
        )
    with right:
        in_features = optional_number_field(
            "in_features",
            _("Features expected"),
            _("any"),
            _("What the first Linear of your own code expects (in_features): the page then says whether it fits."),
        )
    error_area("pool_to", "in_features")
    fields = shared_fields(classes_are_typed=head_is_typed)
    batch_norm = batch_norm_field()
    activation = activation_field()
    with st.expander(_("Head and dropout"), key=EDIT + "more"):
        head = choice_field(
            "head",
            _("Head"),
            {"linear": _("Linear"), "conv": _("Convolutional")},
            explain("fully-convolutional", _("As convolutions the head runs on any larger image.")),
        )
        probability = dropout_field()
        position = choice_field(
            "dropout_position",
            _("Dropout stands"),
            {"after": _("after each hidden layer"), "before": _("before the first two")},
            explain("dropout"),
        )
    try:
        if isinstance(parsed, TokenError):
            raise parsed
        return VggSpec.parse(
            {
                "family": "vgg",
                "cfg": parsed.cfg,
                "classifier": read_widths(hidden),
                "pool_to": pool_to,
                "in_features": in_features,
                "batch_norm": batch_norm,
                "head": head,
                "dropout": probability,
                "dropout_position": position,
                "activation": activation,
                **fields,
            }
        )
    except TokenError as error:
        with cfg_area:
            if error.index >= 0:
                st.markdown(mark_token(text, error))
        raise


def _parse(text: str) -> ParsedList | TokenError:
    """Parse the list. Returns an error rather than raising it, so that the other widgets are rendered."""
    try:
        return read_text(text)
    except TokenError as error:
        return error
