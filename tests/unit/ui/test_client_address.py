"""The address of a client behind a proxy: every client counts for itself, and nobody counts as another."""

import asyncio

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from explorer.ui.upload_limit import client_address

PROXY, STUDENT, FORGED = "127.0.0.1", "10.0.0.5", "192.0.2.1"


@pytest.mark.parametrize(
    ("connected_from", "forwarded", "counts_as"),
    [
        pytest.param(STUDENT, [FORGED], STUDENT, id="no proxy"),
        pytest.param(PROXY, [STUDENT], STUDENT, id="proxy"),
        pytest.param(PROXY, [FORGED, STUDENT], STUDENT, id="proxy that adds a line"),
        pytest.param(PROXY, [f"{FORGED}, {STUDENT}"], STUDENT, id="proxy that adds to the line"),
        pytest.param(PROXY, [f"{PROXY}, {STUDENT}"], STUDENT, id="as if from the proxy"),
        pytest.param(PROXY, [], PROXY, id="proxy that names nobody"),
    ],
)
def test_a_client_is_named_by_the_proxy_alone(
    connected_from: str, forwarded: list[str], counts_as: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    counted = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        counted.append(client_address(scope))

    config = uvicorn.Config(app, log_config=None)  # Streamlit leaves these settings as they are
    config.load()
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    scope = {"type": "http", "scheme": "http", "client": (connected_from, 1), "headers": headers}
    asyncio.run(config.loaded_app(scope, None, None))
    assert counted == [counts_as]
