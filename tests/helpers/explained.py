"""Networks to explain, an image for each, and the state that an explanation must not change."""

import torch
from torch import Tensor, nn

from explorer.families import parse_spec
from explorer.families.building import build
from explorer.prediction.networks import Network
from explorer.weights import registry
from explorer.weights.files import Card

GAP = {
    "family": "vgg", "cfg": [6], "pool_to": 1, "classifier": [], "in_channels": 1, "image_size": 8, "num_classes": 3,
}  # fmt: skip


def make_network(spec: dict[str, object], module: nn.Module | None = None) -> Network:
    """A network of a spec; its preprocessing only scales pixels to [-1, 1]."""
    network = parse_spec(spec)
    if module is None:
        torch.manual_seed(0)
        module = build(network).eval()
    card = Card(
        name="made",
        spec=network.to_dict(),
        classes=tuple(map(str, range(network.num_classes))),
        preprocessing={"size": network.image_size, "mean": [0.5], "std": [0.5]},
    )
    return Network(module, card, "made", registry.PRETRAINED / "made.safetensors")


def pixels(network: Network) -> Tensor:
    """A random image of the network's input shape, uint8, (C, H, W)."""
    spec = network.card.network_spec
    torch.manual_seed(1)
    return torch.randint(0, 256, tuple(spec.input_shape), dtype=torch.uint8)


def state(module: nn.Module) -> list[object]:
    """Parameters, buffers, modes and hooks of a module, to compare before and after an explanation."""
    return [
        [(name, one.requires_grad, one.grad, one._version, one.data_ptr()) for name, one in module.named_parameters()],
        [(name, one._version, one.tolist()) for name, one in module.named_buffers()],
        [
            (name, one.training, len(one._forward_hooks), len(one._forward_pre_hooks), len(one._backward_hooks))
            for name, one in module.named_modules()
        ],
    ]
