"""People who use a server with sign-in, for tests below the pages."""

from collections.abc import Callable, Iterator

import pytest

from explorer import access
from explorer.access import Actor

ANN, BOB, ADMIN = "ann@school.edu", "bob@school.edu", "root@school.edu"

Act = Callable[[Actor], None]


@pytest.fixture
def act_as() -> Iterator[Act]:
    """``act_as(access.signed_in(ANN))``: what follows happens for Ann."""
    former = access._identify
    yield lambda actor: access.identify_with(lambda: actor)
    access.identify_with(former)
