"""A tab of a browser as the server sees it: a WebSocket that asks Streamlit for runs of a page, without a browser."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

PATIENCE = 60  # seconds
KEPT_RUNS = 2  # of the page, in which a browser keeps a large message that does not come again

Shown = Callable[[str, Any], bool]  # whether an element, given by its type and message, is the awaited one


class PageError(Exception):
    """The page shows an exception."""


class Tab:
    """An open tab.

    Attributes:
        page: Name of the page, as in its address.
        messages: Messages of the server so far.
        size: Their bytes.
        ids: Ids of the page's elements, by the keys that the page gives them.
        fragments: Ids of the fragments that contain elements, by the elements' keys.
        reruns: Seconds between the runs of the fragments that run by themselves, by the fragments' ids.
    """

    def __init__(self, socket: ClientConnection, hear: Callable[[bytes], object]) -> None:
        self._socket = socket
        self._hear = hear
        self._lock = asyncio.Lock()
        self._hash = ""
        self._kept: dict[str, int] = {}  # hashes of large messages, and how many runs ago they came
        self.page = ""
        self.messages = self.size = 0
        self.ids: dict[str, str] = {}
        self.fragments: dict[str, str] = {}
        self.reruns: dict[str, float] = {}

    async def open(self, page: str, link: str, shown: Shown | None = None) -> float:
        """Opens a page, and returns the milliseconds until :meth:`run` says so."""
        self.page, self._hash = page, ""
        return await self.run(link, shown=shown)

    async def run(
        self,
        link: str,
        *,
        states: Iterable[WidgetState] = (),
        fragment: str = "",
        polls: bool = False,
        shown: Shown | None = None,
    ) -> float:
        """Asks for a run of the page, as an edit does.

        Args:
            link: Parameters of the page.
            states: Changed states of widgets.
            fragment: Id of the fragment that alone is to run. Empty for the whole page.
            polls: Whether the fragment runs by itself.
            shown: Tells the element whose arrival stops the clock. By default the end of the run stops it.

        Returns:
            Milliseconds.

        Raises:
            TimeoutError: If the element or the end of the run doesn't arrive.
            PageError: If the page shows an exception.
        """
        state = ClientState(query_string=link, page_name="" if self._hash else self.page, fragment_id=fragment)
        state.page_script_hash, state.is_auto_rerun = self._hash, polls
        state.widget_states.widgets.extend(states)
        state.cached_message_hashes.extend(self._kept)  # the server only names these messages, as for a browser
        async with self._lock, asyncio.timeout(PATIENCE):
            start = time.perf_counter()
            await self.send(BackMsg(rerun_script=state).SerializeToString())
            stopped = 0.0
            while True:
                message = await self._receive()
                match message.WhichOneof("type"):
                    case "new_session" if not fragment:
                        self._hash = message.new_session.page_script_hash
                        self.reruns.clear()
                        self._kept = {name: age + 1 for name, age in self._kept.items() if age < KEPT_RUNS}
                    case "ref_hash":
                        self._kept[message.ref_hash] = 0
                    case "auto_rerun":
                        self.reruns[message.auto_rerun.fragment_id] = message.auto_rerun.interval
                    case "delta":
                        if message.metadata.cacheable:
                            self._kept[message.hash] = 0
                        if self._note(message, shown) and not stopped:
                            stopped = 1000 * (time.perf_counter() - start)
                    case "script_finished" if _is_last(message) and (stopped or not shown):
                        return stopped or 1000 * (time.perf_counter() - start)

    async def send(self, content: bytes) -> None:
        """Sends a message, or what is none."""
        await self._socket.send(content)

    def number(self, key: str, value: float) -> WidgetState:
        """Returns a new state of a number field."""
        return WidgetState(id=self.ids[key], double_value=value)

    def trigger(self, key: str, event: str, value: Mapping[str, object]) -> list[WidgetState]:
        """Returns what a component tells the server at once, with the component's own state."""
        events = [{"event": event, "value": value}]
        name = f"$$STREAMLIT_INTERNAL_KEY_{self.ids[key]}__events"
        own = WidgetState(id=self.ids[key], json_value="{}")
        return [own, WidgetState(id=name, json_trigger_value=json.dumps(events))]

    async def _receive(self) -> ForwardMsg:
        content = await self._socket.recv()
        assert isinstance(content, bytes)
        self._hear(content)
        self.messages, self.size = self.messages + 1, self.size + len(content)
        message = ForwardMsg()
        message.ParseFromString(content)
        return message

    def _note(self, message: ForwardMsg, shown: Shown | None) -> bool:
        kind = message.delta.new_element.WhichOneof("type")
        if kind is None:
            return False
        element = getattr(message.delta.new_element, kind)
        if kind == "exception":
            raise PageError(element.message)
        if name := getattr(element, "id", ""):
            key = name.split("-", 2)[-1]  # "$$ID-", a hash, "-" and the key
            self.ids[key], self.fragments[key] = name, message.delta.fragment_id
        return shown is not None and shown(kind, element)


def _is_last(message: ForwardMsg) -> bool:
    """Returns whether no other run follows at once."""
    return message.script_finished != ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN


@asynccontextmanager
async def opened_tab(address: str, hear: Callable[[bytes], object] = len) -> AsyncIterator[Tab]:
    """Connects to a server as a browser does. All that the server tells is given to ``hear``, message by message."""
    uri = address.replace("http", "ws", 1) + "/_stcore/stream"
    protocol, origin = Subprotocol("streamlit"), Origin(address)
    async with connect(uri, subprotocols=[protocol], origin=origin, max_size=None, max_queue=None) as socket:
        yield Tab(socket, hear)


def parameters_shown(kind: str, element: Any) -> bool:
    """Returns whether this is the number of parameters on the Architecture page."""
    return kind == "metric" and bool(element.label == "Parameters")


def percentile(sorted_times: list[float], share: float) -> float:
    """Returns the time below which a share of the sorted times is."""
    return sorted_times[min(len(sorted_times) - 1, int(share * len(sorted_times)))]
