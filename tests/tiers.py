"""What ``make quick`` leaves out of tests over all networks."""

from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet

# One or two of each kind.
COVERING = frozenset(
    {"alexnet", "vgg11-lrn", "vgg16-c", "vgg11-bn-cifar10", "mnist-fc", "digits-cnn"}
    | {"resnet18", "resnet50", "resnet20", "plain20", "googlenet-small-cifar10", "densenet-40-12"}
)


def mostly_exhaustive(names: Iterable[Any]) -> list[ParameterSet]:
    """Names of networks as parameters, all but the covering ones marked ``exhaustive``."""
    return [pytest.param(name, marks=[] if name in COVERING else [pytest.mark.exhaustive]) for name in names]
