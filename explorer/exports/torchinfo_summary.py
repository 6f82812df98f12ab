"""The summary of a network as torchinfo prints it, which many people know from their notebooks."""

import torch
import torchinfo

from explorer.families import Spec
from explorer.families.building import build, detach_auxiliary

COLUMNS = ("input_size", "output_size", "kernel_size", "num_params", "mult_adds")
MAX_DEPTH = 20  # of modules in modules; torchinfo shows three unless it is told more


def torchinfo_summary(spec: Spec) -> str:
    """Returns torchinfo's table for one image, without the auxiliary heads, which do not run in evaluation.

    torchinfo runs the network on the meta device, so this takes no memory for weights or maps.

    Raises:
        SpecError: If torchvision can't build the model.
    """
    network = build(spec, "meta").eval()
    detach_auxiliary(network)
    image = torch.empty(1, *spec.input_shape, device="meta")
    found = torchinfo.summary(
        network, input_data=image, depth=MAX_DEPTH, col_names=COLUMNS, row_settings=("var_names",), verbose=0
    )
    return f"{found}\n"
