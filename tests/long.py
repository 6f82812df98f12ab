"""What takes longest and has a shorter one of its kind runs on request alone: ``EXPLORER_LONG_TESTS=1 make test``."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet

LONG = "EXPLORER_LONG_TESTS" in os.environ
# They differ from others in nothing but counts.
DEEP = frozenset(
    {"resnet56", "resnet110", "plain44", "plain56", "plain110", "cifar-resnet101", "cifar-resnet152"}
    | {"resnet34", "resnet101", "resnet152", "plain32", "plain34", "resnet32", "resnet44", "cifar-resnet34"}
    | {"vgg13", "vgg13-bn", "vgg16-bn", "vgg19", "vgg19-bn", "googlenet-naive"}
)


# One or two of each kind, for ``make quick``.
COVERING = frozenset(
    {"alexnet", "vgg11-lrn", "vgg16-c", "vgg11-bn-cifar10", "mnist-fc", "digits-cnn"}
    | {"resnet18", "resnet50", "resnet20", "plain20", "googlenet-small-cifar10"}
)


def only_if_long(values: Iterable[Any], is_long: Callable[[Any], bool] = DEEP.__contains__) -> list[ParameterSet]:
    """Parameters of a test: long ones are skipped unless asked for, and ``make quick`` has the covering ones alone."""
    skipped = pytest.mark.skipif(not LONG, reason="takes long: set EXPLORER_LONG_TESTS=1")
    found = []
    for value in values:
        name = value[0] if isinstance(value, tuple) else value
        marks = [] if name in COVERING else [pytest.mark.exhaustive]
        found.append(pytest.param(value, marks=[*marks, skipped] if is_long(value) else marks))
    return found
