"""A run that begins removes old messages to the browser, and no response."""

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from explorer.ui import responses


@pytest.mark.parametrize("fragments", [None, ["a fragment"]])
def test_a_run_removes_no_response(fragments: list[str] | None) -> None:
    responses.install()
    queue = ForwardMsgQueue()
    element, response, finished = ForwardMsg(), ForwardMsg(), ForwardMsg()
    element.delta.new_element.text.body = "of the run before"
    element.delta.fragment_id = "a fragment"
    response.file_urls_response.response_id = "1"
    finished.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
    for message in (element, response, finished):
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=fragments)
    kept = [message.WhichOneof("type") for message in queue.flush()]
    assert sorted(map(str, kept)) == ["file_urls_response", "script_finished"]
    assert queue.is_empty()
