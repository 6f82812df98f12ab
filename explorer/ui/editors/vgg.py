"""Editor of the ``vgg`` family: the cfg list as text, checked while it is typed."""

import streamlit as st

from explorer.errors import TokenError
from explorer.families import Spec
from explorer.families.vgg.spec import VggSpec
from explorer.i18n import _
from explorer.specs.cfg_text import Typed, format_text, read_text, read_widths
from explorer.ui.architecture.state import PREFIX, Editing
from explorer.ui.editors.common import (
    batch_norm_flag,
    choice,
    dropout,
    optional_number,
    shared_fields,
    slot,
)
from explorer.ui.glossary import explain
from explorer.ui.shared.text import marked


def edit(_editing: Editing) -> Spec:
    """Draw the widgets; the spec that they describe.

    Raises:
        SpecError: where they describe none.
    """
    texts = st.session_state
    for name in ("cfg", "classifier"):
        if not isinstance(texts[PREFIX + name], str):  # filled from a spec
            texts[PREFIX + name] = format_text(texts[PREFIX + name])
    text = st.text_input(
        _("Layers (cfg)"),
        key=PREFIX + "cfg",
        live=True,
        help=_(
            "`64` is a 3×3 convolution to 64 channels with ReLU, `64:1` a 1×1, `64:7/2` a 7×7 with stride 2, `6:5p0` "
            "a 5×5 without padding. `M` halves the map by max pooling, `A` by averaging, `M:3/2` in windows of 3; "
            "`L` normalises across channels."
        ),
    )
    below = slot("cfg")
    typed = _read(text)
    head_is_typed = isinstance(typed, Typed) and typed.hidden is not None
    if isinstance(typed, Typed) and typed.hidden is not None:
        texts[PREFIX + "classifier"] = format_text(typed.hidden)
        texts[PREFIX + "num_classes"] = typed.classes
        below.caption(
            _("The linear layers at the end of the list are the head. Take them out of the list to set it below.")
        )
    hidden = st.text_input(
        _("Hidden layers of the head"),
        key=PREFIX + "classifier",
        live=True,
        help=explain(
            "linear", _("Widths of the linear layers before the last, which always has one output per class.")
        ),
        placeholder=_("none: straight to the classes"),
        disabled=head_is_typed,
    )
    slot("classifier")
    left, right = st.columns(2, vertical_alignment="bottom", wrap=False)
    with left:
        pool_to = optional_number(
            "pool_to",
            _("Pool to"),
            _("as it is"),
            explain("adaptive-pool", _("Side of the map that the head gets; empty flattens what arrives.")),
        )
    with right:
        in_features = optional_number(
            "in_features",
            _("Features expected"),
            _("any"),
            _("What the first Linear of your own code expects (in_features): the page then says whether it fits."),
        )
    slot("pool_to", "in_features")
    fields = shared_fields(classes_are_typed=head_is_typed)
    batch_norm = batch_norm_flag()
    with st.expander(_("Head and dropout"), key=PREFIX + "more"):
        head = choice(
            "head",
            _("Head"),
            {"linear": _("Linear"), "conv": _("Convolutional")},
            explain("fully-convolutional", _("As convolutions the head runs on any larger image.")),
        )
        probability = dropout()
        position = choice(
            "dropout_position",
            _("Dropout stands"),
            {"after": _("after each hidden layer"), "before": _("before the first two")},
            explain("dropout"),
        )
    try:
        if isinstance(typed, TokenError):
            raise typed
        return VggSpec.parse(
            {
                "family": "vgg",
                "cfg": typed.cfg,
                "classifier": read_widths(hidden),
                "pool_to": pool_to,
                "in_features": in_features,
                "batch_norm": batch_norm,
                "head": head,
                "dropout": probability,
                "dropout_position": position,
                **fields,
            }
        )
    except TokenError as error:
        with below:
            if error.index >= 0:
                st.markdown(marked(text, error))
        raise


def _read(text: str) -> Typed | TokenError:
    """What the list says, or what is wrong with it: the other widgets are drawn all the same."""
    try:
        return read_text(text)
    except TokenError as error:
        return error
