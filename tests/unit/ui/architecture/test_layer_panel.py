"""The panel's data of all layers, which are kept from one run of the page to the next."""

import pytest

from explorer.analysis import Precision, analyse
from explorer.families import resolve
from explorer.ui.architecture.layer_panel import panel_data


@pytest.mark.parametrize("name", ["googlenet", "torchvision:vit_b_16"])
def test_no_option_of_the_page_changes_the_data(name: str) -> None:
    spec = resolve(name)
    options = analyse(spec, batch_size=7, optimizer="adam", precision=Precision.BF16, device="cuda")
    assert panel_data(options.with_flops_of(frozenset()), dark=False) == panel_data(analyse(spec), dark=False)
