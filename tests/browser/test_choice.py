"""What the server does when a layer is chosen, seen at the WebSocket: the browser has marked the layer already."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.tab import opened_tab

PART = 12  # most messages of a run of one part; a run of the page has about a hundred


@pytest.mark.parametrize(
    ("network", "layer", "whole"),
    [("vgg16", "features.2", False), ("resnet50", "layer3.2.conv2", True)],  # the block of the second one is closed
)
def test_only_a_choice_that_changes_the_diagram_runs_the_page(
    started: str, network: str, layer: str, *, whole: bool
) -> None:
    async def choose() -> tuple[int, bytes]:
        heard = bytearray()
        async with opened_tab(started, heard.extend) as tab:
            link = f"net={network}"
            await tab.open("architecture", link)
            before = tab.messages
            heard.clear()
            states = tab.trigger("layers", "choose", {"layer": layer, "number": 1})
            await tab.run(link, states=states, fragment=tab.fragments["layers"])
            return tab.messages - before, bytes(heard)

    with ThreadPoolExecutor(1) as thread:  # the loop of Playwright has the thread of the tests
        messages, heard = thread.submit(asyncio.run, choose()).result()
    assert (messages > PART) is whole
    assert f"layer={layer}".encode() in heard, "the link names the layer"
