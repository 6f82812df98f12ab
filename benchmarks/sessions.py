"""The time of edits when several sessions edit at once, driven over the WebSocket without browsers.

    python -m benchmarks.sessions [--sessions 10] [--seconds 30]

Each session opens the Architecture page as a browser does, and then edits its network, with pauses of 1 to 5 s. No two
sessions make the same network, so that each edit is analysed. An edit takes from the message of the browser to the
first message with the new number of parameters. Run it alone on the machine.
"""

import argparse
import asyncio
import random
import statistics
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from benchmarks.page import served

EDITED = {"net=vgg16": "edit.num_classes", "net=resnet50": "edit.num_classes", "net=googlenet": "edit.num_classes"}
PATIENCE = 60  # seconds
LIMIT = 500  # ms


class Session:
    """A session on the Architecture page.

    Attributes:
        messages: Messages of the server so far.
        size: Their bytes.
    """

    def __init__(self, socket: ClientConnection, link: str) -> None:
        self.socket, self.link = socket, link
        self.messages = self.size = 0
        self.widget = ""  # id of the number field that is edited
        self.page = ""  # hash of the page

    async def run(self, value: float | None = None) -> float:
        """Starts a run of the page, and returns the milliseconds until the new number of parameters has arrived.

        Raises:
            TimeoutError: If it does not arrive.
        """
        state = ClientState(query_string=self.link, page_name="" if self.page else "architecture")
        state.page_script_hash = self.page
        if value is not None:
            state.widget_states.widgets.append(WidgetState(id=self.widget, double_value=value))
        start = time.perf_counter()
        await self.socket.send(BackMsg(rerun_script=state).SerializeToString())
        shown = 0.0
        async with asyncio.timeout(PATIENCE):
            while True:
                content = await self.socket.recv()
                assert isinstance(content, bytes)
                message = ForwardMsg.FromString(content)
                self.messages, self.size = self.messages + 1, self.size + len(content)
                kind = message.WhichOneof("type")
                if kind == "new_session":
                    self.page = message.new_session.page_script_hash
                elif kind == "delta":
                    element = message.delta.new_element
                    if element.WhichOneof("type") == "number_input" and EDITED[self.link] in element.number_input.id:
                        self.widget = element.number_input.id
                    if element.WhichOneof("type") == "metric" and element.metric.label == "Parameters":
                        shown = 1000 * (time.perf_counter() - start)
                elif kind == "script_finished" and shown:
                    return shown


async def work(
    address: str, number: int, seconds: float, chance: random.Random, opened: asyncio.Barrier
) -> list[float]:
    """Edits for some time after all sessions have opened, and returns the milliseconds of each edit."""
    link = list(EDITED)[number % len(EDITED)]
    times = []
    uri = address.replace("http", "ws") + "/_stcore/stream"
    async with connect(uri, subprotocols=[Subprotocol("streamlit")], origin=Origin(address), max_size=None) as socket:
        session = Session(socket, link)
        await session.run()
        await opened.wait()
        end = time.monotonic() + seconds
        classes = 20 + 50 * (number // len(EDITED))
        while time.monotonic() < end:
            await asyncio.sleep(chance.uniform(1, 5))
            classes += 1
            times.append(await session.run(classes))
    return times


async def main(sessions: int, seconds: float) -> None:
    """Prints the median and the 95th percentile of all edits."""
    chance = random.Random(0)  # noqa: S311  pauses between edits, no secrets
    with served("streamlit_app.py") as address:
        for _attempt in range(PATIENCE):
            try:
                await work(address, 0, 0, chance, asyncio.Barrier(1))  # the first page loads PyTorch
                break
            except OSError:  # the server is still starting
                await asyncio.sleep(1)
        opened = asyncio.Barrier(sessions)
        done = await asyncio.gather(*(work(address, number, seconds, chance, opened) for number in range(sessions)))
    times = sorted(sample for samples in done for sample in samples)
    slow = times[min(len(times) - 1, int(0.95 * len(times)))]
    print(
        f"{sessions} sessions, {len(times)} edits in {seconds:g} s: p50 {statistics.median(times):.0f} ms, "
        f"p95 {slow:.0f} ms, most {times[-1]:.0f} ms; p95 is to stay below {LIMIT} ms on two cores"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    asyncio.run(main(given.sessions, given.seconds))
