"""Makes sure that the browser gets the response to each request.

Before an upload, the browser asks the server for an address. When a run begins, Streamlit removes the messages of the
previous run that are still in the queue. If the response is among them, the file is never uploaded, without a
message. This happens on a busy server, when an upload follows another action. With this module, responses stay in the
queue.
"""

from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

RESPONSES = frozenset(["file_urls_response", "backend_operation_response"])


def install() -> None:
    """Change Streamlit in this process so that a run removes no response. Further calls change nothing."""
    if ForwardMsgQueue.clear.__module__ == __name__:
        return
    remove = ForwardMsgQueue.clear

    def clear(self: Any, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None) -> None:
        responses = [message for message in self._queue if _is_response(message)] if retain_lifecycle_msgs else []
        remove(self, retain_lifecycle_msgs, fragment_ids_this_run)
        self._queue += [message for message in responses if not any(message is one for one in self._queue)]

    ForwardMsgQueue.clear = clear  # type: ignore[method-assign]


def _is_response(message: ForwardMsg) -> bool:
    return message.WhichOneof("type") in RESPONSES
