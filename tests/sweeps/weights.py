"""Recognises torchvision's classifiers by the names and shapes of their tensors, under published and changed names.

usage: python -m tests.sweeps.weights [MODEL …]

Without models: all of torchvision's, and those of timm in ``TIMM`` that are the same networks. Each is read as it is
published, with the names of older files (``norm.1`` of DenseNet, ``linear_1`` of vision transformers), without the
counters of batch norm, with another head of one layer, behind the prefix of a wrapper, and sorted by name as in
safetensors. It prints a table in Markdown; the exit status is 1 if a network is not recognised as itself.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping

import timm
import torch
import torchvision
from torch import nn

from explorer.families import nearest, resolve
from explorer.families.building import build
from explorer.families.recognition.search import recognise
from explorer.weights.importing.mismatch import explain_unknown
from tests.helpers.foreign_networks import Shapes, shapes_of

CLASSES = 5
# Names of timm's models, with torchvision's.
TIMM = {
    "vgg11": "vgg11", "vgg13_bn": "vgg13_bn", "vgg16": "vgg16", "vgg19_bn": "vgg19_bn", "resnet18": "resnet18",
    "resnet34": "resnet34", "resnet50": "resnet50", "resnet101": "resnet101", "resnet152": "resnet152",
    "resnext50_32x4d": "resnext50_32x4d", "resnext101_32x8d": "resnext101_32x8d",
    "resnext101_64x4d": "resnext101_64x4d", "wide_resnet50_2": "wide_resnet50_2",
    "wide_resnet101_2": "wide_resnet101_2", "densenet121": "densenet121", "densenet161": "densenet161",
    "densenet169": "densenet169", "densenet201": "densenet201", "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_large_100": "mobilenet_v3_large", "mobilenetv3_small_100": "mobilenet_v3_small",
    "mnasnet_050": "mnasnet0_5", "mnasnet_100": "mnasnet1_0", "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b1": "efficientnet_b1", "efficientnet_b2": "efficientnet_b2", "efficientnet_b3": "efficientnet_b3",
    "efficientnet_b4": "efficientnet_b4", "efficientnet_b5": "efficientnet_b5", "efficientnet_b6": "efficientnet_b6",
    "efficientnet_b7": "efficientnet_b7", "efficientnetv2_s": "efficientnet_v2_s",
    "efficientnetv2_m": "efficientnet_v2_m", "efficientnetv2_l": "efficientnet_v2_l",
    "regnetx_004_tv": "regnet_x_400mf", "regnetx_008": "regnet_x_800mf", "regnetx_016": "regnet_x_1_6gf",
    "regnetx_032": "regnet_x_3_2gf", "regnetx_080": "regnet_x_8gf", "regnetx_160": "regnet_x_16gf",
    "regnetx_320": "regnet_x_32gf", "regnety_004": "regnet_y_400mf", "regnety_008_tv": "regnet_y_800mf",
    "regnety_016": "regnet_y_1_6gf", "regnety_032": "regnet_y_3_2gf", "regnety_080_tv": "regnet_y_8gf",
    "regnety_160": "regnet_y_16gf", "regnety_320": "regnet_y_32gf", "regnety_1280": "regnet_y_128gf",
    "convnext_tiny": "convnext_tiny", "convnext_small": "convnext_small", "convnext_base": "convnext_base",
    "convnext_large": "convnext_large",
}  # fmt: skip


def old(name: str) -> str:
    """Returns the name of a tensor in torchvision's files of DenseNet and of its first vision transformers."""
    name = re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", name)
    return re.sub(r"(encoder_layer_\d+\.mlp)\.([03])", lambda m: f"{m[1]}.linear_{1 if m[2] == '0' else 2}", name)


def other_head(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Returns the tensors with a last layer of other classes."""
    last = [name for name in shapes if name.endswith(".weight") and shapes[name][0] == 1000 and len(shapes[name]) > 1]
    heads = {name.rpartition(".")[0] for name in last}
    return {n: (CLASSES, *s[1:]) if n.rpartition(".")[0] in heads else s for n, s in shapes.items()}


FORMS: dict[str, Callable[[Shapes], Mapping[str, tuple[int, ...]]]] = {
    "published": dict,
    "old names": lambda shapes: {old(name): shape for name, shape in shapes.items()},
    "no counters": lambda shapes: {n: s for n, s in shapes.items() if not n.endswith("num_batches_tracked")},
    "other head": other_head,
    "wrapped": lambda shapes: {f"module.net.{name}": shape for name, shape in shapes.items()},
    "sorted": lambda shapes: dict(sorted(shapes.items())),
}


def made(name: str) -> Shapes:
    """Returns the shapes of the tensors of a model of torchvision, or of timm (``timm/NAME``)."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    if name.startswith("regnet"):  # they read numbers while they are made, so torchvision's builder alone can't do it
        return shapes_of(build(resolve(f"torchvision:{name}"), "meta").state_dict())
    with torch.device("meta"):
        if name.startswith("timm/"):
            network: nn.Module = timm.create_model(name.removeprefix("timm/"))
        else:
            network = torchvision.models.get_model(name, weights=None, **options)
    return shapes_of(network.state_dict())


def answer(shapes: Mapping[str, tuple[int, ...]], expected: str, *, ordered: bool) -> str:
    """Returns "yes" if the tensors are recognised as the network; otherwise what they are taken for."""
    found = recognise(shapes, ordered=ordered)
    if not found:
        return explain_unknown(shapes, ordered=ordered)
    name = nearest(found[0].spec)
    accepted = (
        f"torchvision:{expected}",
        expected.replace("_bn", "-bn"),
        f"{expected}-torchvision",
        f"{expected}-conv",
    )
    return "yes" if name in accepted else name


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser()
    ours = torchvision.models.list_models(module=torchvision.models)
    parser.add_argument("models", nargs="*", default=[*ours, *(f"timm/{name}" for name in TIMM)])
    arguments = parser.parse_args()
    wrong = 0
    print(f"| model | {' | '.join(FORMS)} |\n|---|{'---|' * len(FORMS)}")
    for name in arguments.models:
        shapes = made(name)
        expected = TIMM[name.removeprefix("timm/")] if name.startswith("timm/") else name
        answers = [answer(form(shapes), expected, ordered=key != "sorted") for key, form in FORMS.items()]
        wrong += any(one != "yes" for one in answers)
        print(f"| {name} | {' | '.join(answers)} |", flush=True)
    print(f"\n{len(arguments.models)} models, {wrong} not recognised in each form")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
