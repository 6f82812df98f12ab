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


def only_if_long(values: Iterable[Any], is_long: Callable[[Any], bool] = DEEP.__contains__) -> list[ParameterSet]:
    """Parameters of a test, of which the long ones are skipped unless they are asked for."""
    skipped = pytest.mark.skipif(not LONG, reason="takes long: set EXPLORER_LONG_TESTS=1")
    return [pytest.param(value, marks=[skipped] if is_long(value) else []) for value in values]
