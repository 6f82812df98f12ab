"""How the Compare page shows the networks: what stands in the link beside them."""

from typing import Literal

from explorer.ui.link_settings import LinkSettings


class View(LinkSettings):
    """Which number the stages show and how, which layers are listed, and those of which network beside the first's."""

    measure: Literal["params", "macs", "activation_bytes", "receptive_field"] = "params"
    draw: Literal["stage", "depth"] = "stage"
    layers: Literal["differences", "all"] = "differences"
    against: Literal["b", "c", "d"] = "b"


VIEW_FIELDS = frozenset(View.model_fields)
