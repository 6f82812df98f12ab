"""Pages of a server that is read-only, and pages of a server with sign-in, in the session of a user."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from explorer import access
from explorer.jobs import service
from explorer.jobs.store import Status, Store
from explorer.settings import settings
from explorer.ui import sign_in
from tests.helpers import made_runs
from tests.helpers.actors import ANN, BOB
from tests.pages.helpers import open_page, problem

Configure = Callable[..., None]


@pytest.fixture
def configure(server: Store, monkeypatch: pytest.MonkeyPatch) -> Configure:
    def change(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"EXPLORER_{name.upper()}", value)
        settings.cache_clear()

    return change


def keys(app: object) -> set[str]:
    return {button.key for button in app.button if not button.disabled}  # type: ignore[attr-defined]


def test_a_read_only_server_says_so_and_offers_no_change(server: Store, configure: Configure) -> None:
    finished = made_runs.add(server, "done", Status.FINISHED)
    made_runs.write_weights(finished)
    configure(read_only="true")
    train = open_page("train", net="digits-cnn", dataset="digits")
    assert "This server is read-only" in train.caption[0].value.replace("\\", "")
    assert "train-submit" not in keys(train)
    assert {metric.label: metric.value for metric in train.metric}["Time"] == "–"  # a process would take memory
    runs = open_page("runs", job=finished)
    assert not keys(runs) & {"runs.delete", "runs.disk", "runs.stop", "runs.resume"}
    weights = open_page("predict", show="weights", weights=finished)
    assert not [popover for popover in weights.get("popover") if popover.proto.popover.label in {"Publish", "Rename"}]
    assert problem(weights) == ""


def test_users_change_only_what_belongs_to_them(
    server: Store, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(sign_in="true")
    claims: dict[str, object] = {"is_logged_in": True, "email": ANN}
    monkeypatch.setattr(sign_in, "get_script_run_ctx", lambda **_options: SimpleNamespace(user_info=claims))
    access.identify_with(sign_in.current_actor)
    [job] = made_runs.jobs("hers")
    service.submit([job])
    hers = open_page("runs", job=job.id)
    assert {"runs.stop", "runs.delete"} <= keys(hers)
    stop = hers.button(key="runs.stop")
    claims["email"] = BOB  # as if Bob had the same buttons in his page
    stop.click().run()
    assert f"This belongs to {ANN}" in problem(hers)
    assert server.get(job.id).status is Status.QUEUED
    his = open_page("runs", job=job.id)
    assert not keys(his) & {"runs.stop", "runs.delete"}
    assert any(ANN in caption.value.replace("\\", "") for caption in his.caption)
    claims.clear()
    gate = open_page("runs", job=job.id)
    assert [button.key for button in gate.button] in (["sign-in.button"], [])
    assert not any("runs-table" in part.proto.id for part in gate.get("bidi_component"))
    claims |= {"is_logged_in": True, "email": ANN}
    hers.run().button(key="runs.stop").click().run()
    assert server.get(job.id).status is Status.STOPPED
