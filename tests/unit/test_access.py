"""Who may change what, below the pages: every function that changes something refuses those who may not."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from explorer import access
from explorer.access import VISITOR, Actor, Role
from explorer.cli.main import cli
from explorer.data import downloads, uploads
from explorer.data.catalogue import NAMES
from explorer.errors import AccessError, InputError
from explorer.families import saved
from explorer.jobs import quota, retention, service
from explorer.jobs.retention import Rule
from explorer.jobs.store import Status, Store, store
from explorer.settings import Settings, settings
from explorer.ui import sign_in
from explorer.weights import store as weights
from explorer.weights import torchvision
from explorer.weights.importing.drafts import Draft
from tests.helpers import made_runs
from tests.helpers.actors import ADMIN, ANN, BOB, Act, act_as

__all__ = ["act_as"]

Configure = Callable[..., None]
SPEC = made_runs.digits_cnn()


@pytest.fixture
def configure(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """``configure(read_only=True)`` changes settings; all folders are the test's own."""

    def change(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"EXPLORER_{name.upper()}", str(value))
        settings.cache_clear()

    change(**{f"{name}_dir": tmp_path / name for name in ("data", "saved", "weights")}, admins=f" {ADMIN.upper()} ")
    return change


def owned_by(email: str) -> dict[str, Any]:
    """What a user has made: runs by their status, and names of weights, an architecture and an upload."""
    [job] = made_runs.jobs("first")
    made: dict[str, Any] = {"queued": service.submit([job])[0].id}
    for status in (Status.FINISHED, Status.STOPPED, Status.FAILED):
        [job] = made_runs.jobs(f"{status}")
        service.submit([job])
        made[status] = made_runs.set_status(store(), job, status)
    made_runs.write_weights(made["finished"])
    for name in ("hers", "others"):
        weights.publish(made["finished"], name)
    saved.save("net", SPEC)
    made["upload"] = uploads.save("data.npz", io.BytesIO(b"123"), 3)
    assert store().get(made["queued"]).owner == email
    return made


def clear(rule: Rule) -> None:
    """Clear what a plan of everything would contain, as if a page had planned it for somebody else."""
    records = store().records()
    planned = [retention._plan_deletion(one) for one in records if one.status is Status.FAILED]
    retention.clear(planned if rule is Rule.FAILED else [replace(one, deletes_run=False) for one in planned])


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "stop": lambda made: service.stop(made["queued"]),
    "resume": lambda made: service.resume(made["stopped"]),
    "rename a run": lambda made: service.rename(made["finished"], "new"),
    "clear runs": lambda _made: clear(Rule.FAILED),
    "delete a run": lambda made: service.delete(made["stopped"]),
    "rename weights": lambda _made: weights.rename("hers", "renamed"),
    "delete weights": lambda _made: weights.delete("others"),
    "replace an architecture": lambda _made: saved.save("net", SPEC, replace=True),
    "delete an architecture": lambda _made: saved.delete("net"),
    "remove an upload": lambda made: uploads.remove(made["upload"]),
}  # what the owner and administrators may do, in an order in which all succeed
ADDITIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "submit": lambda _made: service.submit(made_runs.jobs("more")),
    "publish": lambda made: weights.publish(made["finished"], "more"),
    "save": lambda _made: saved.save("more", SPEC),
    "upload": lambda _made: uploads.save("more.npz", io.BytesIO(b"456"), 3),
    "import": lambda _made: Draft("more.pth", io.BytesIO(b"789"), 3).close(),
}  # what everybody may do who has signed in


def test_only_the_owner_and_administrators_change_what_has_an_owner(configure: Configure, act_as: Act) -> None:
    act_as(access.signed_in("Ann@School.edu"))
    made = owned_by(ANN)
    folders = {path: path.read_bytes() for path in sorted(settings().runs_dir.parent.rglob("*")) if path.is_file()}
    for actor, words in ((access.signed_in(BOB), ANN), (VISITOR, "Sign in first")):
        act_as(actor)
        for name, change in CHANGES.items():
            with pytest.raises(AccessError, match=words):
                pytest.fail(f"{actor} may {name}: {change(made)}")
        assert retention.plan(store().records(), Rule.FAILED) == []
    for name, add in ADDITIONS.items():
        with pytest.raises(AccessError, match="Sign in first"):
            pytest.fail(f"a visitor may {name}: {add(made)}")
    ours = {path: content for path, content in folders.items() if "store.db" not in path.name}
    assert {path: path.read_bytes() for path in ours} == ours


@pytest.mark.parametrize("actor", [Actor(Role.ADMINISTRATOR), Actor(Role.USER, ANN), Actor(Role.ADMINISTRATOR, ADMIN)])
def test_the_owner_and_administrators_may(configure: Configure, act_as: Act, actor: Actor) -> None:
    act_as(access.signed_in(ANN))
    made = owned_by(ANN)
    act_as(actor)
    for change in (*ADDITIONS.values(), *CHANGES.values()):
        change(made)
    assert access.owner_of(settings().weights_dir / "more.safetensors") == actor.email
    assert access.owner_of(settings().saved_dir / "net.json") == ""
    assert {record.owner for record in store().records()} == {ANN, actor.email}


def test_what_belongs_to_nobody_may_be_changed_by_everybody_who_has_signed_in(
    configure: Configure, act_as: Act
) -> None:
    made = owned_by("")
    act_as(access.signed_in(BOB))
    for change in CHANGES.values():
        change(made)


def test_a_read_only_server_refuses_every_change_of_everybody(
    configure: Configure, act_as: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = owned_by("")
    configure(read_only=True)
    for change in (*CHANGES.values(), *ADDITIONS.values()):
        with pytest.raises(AccessError, match="read-only"):
            change(made)
    with pytest.raises(AccessError, match="read-only"):
        downloads._downloaded(None, Path(), NAMES["mnist"], lambda *_progress: None)
    monkeypatch.setenv("TORCH_HOME", str(settings().data_dir))
    with pytest.raises(AccessError, match="read-only"):
        torchvision.fetch("torchvision:resnet18", lambda *_progress: None)
    for command in (
        ["train", "digits-cnn", "--dataset", "digits"],
        ["jobs", "stop", made["queued"]],
        ["jobs", "delete", made["finished"], "--yes"],
        ["weights", "delete", "hers", "--yes"],
        ["weights", "publish", made["finished"], "more"],
    ):
        result = CliRunner().invoke(cli, command)
        assert isinstance(result.exception, AccessError), (command, result)
    assert len(store().records()) == 4


def test_limits_of_a_user_name_the_limit_and_the_number(configure: Configure, act_as: Act) -> None:
    act_as(access.signed_in(ANN))
    configure(user_jobs=2, user_bytes=100_000)
    service.submit(made_runs.jobs("one"))
    with pytest.raises(InputError, match="you would have 3 jobs in the queue, and 2 are allowed"):
        service.submit(made_runs.jobs("two", sweep=["lr=0.1,0.2"]))
    assert len(list(settings().runs_dir.glob("*/job.json"))) == 1
    [job] = made_runs.jobs("two")
    service.submit([job])
    made_runs.set_status(store(), job, Status.STOPPED)
    service.submit(made_runs.jobs("three"))
    with pytest.raises(InputError, match="you would have 3 jobs in the queue, and 2 are allowed"):
        service.resume(job.id)
    uploads.save("small.npz", io.BytesIO(bytes(40_000)), 40_000)
    used = quota.used_bytes(ANN)
    assert used > 45_000
    with pytest.raises(InputError, match=r"would take 1\d\d,?\d* ?.*, and 100.00 kB are allowed"):
        uploads.save("large.npz", io.BytesIO(bytes(60_000)), 60_000)
    act_as(access.signed_in(BOB))
    uploads.save("large.npz", io.BytesIO(bytes(60_000)), 60_000)
    act_as(access.signed_in(ADMIN))
    service.submit(made_runs.jobs("many", sweep=["lr=0.1,0.2,0.3"]))
    assert quota.used_bytes(ANN) == used


def test_an_owner_moves_with_the_name_and_goes_with_the_file(configure: Configure, act_as: Act) -> None:
    act_as(access.signed_in(ANN))
    saved.save("net", SPEC)
    path = settings().saved_dir / "net.json"
    path.unlink()  # by hand
    act_as(access.signed_in(BOB))
    with pytest.raises(AccessError, match=ANN):
        saved.save("net", SPEC)
    act_as(access.ADMINISTRATOR)
    saved.save("net", SPEC)
    assert access.owner_of(path) == ""
    access.take(path)
    (path.parent / access.OWNERS / path.name).write_bytes(b"\xff")
    with pytest.raises(AccessError, match="can't be read"):
        access.check_file(path)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"is_logged_in": True, "email": "Ann@School.edu"}, Actor(Role.USER, ANN)),
        ({"is_logged_in": True, "email": ADMIN, "email_verified": True}, Actor(Role.ADMINISTRATOR, ADMIN)),
        ({"is_logged_in": True, "email": ADMIN, "email_verified": False}, VISITOR),
        ({"is_logged_in": True, "email": ADMIN, "email_verified": "false"}, VISITOR),
        ({"is_logged_in": True, "sub": "7"}, VISITOR),
        ({"is_logged_in": True, "email": None}, VISITOR),
        ({"is_logged_in": False, "email": ADMIN}, VISITOR),
        ({"email": ADMIN}, VISITOR),
        ({}, VISITOR),
    ],
)
def test_only_a_proved_address_counts(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, claims: dict[str, object], expected: Actor
) -> None:
    monkeypatch.setattr(sign_in, "get_script_run_ctx", lambda **_options: SimpleNamespace(user_info=claims))
    assert sign_in.current_actor() == access.ADMINISTRATOR  # without sign-in
    configure(sign_in=True)
    assert sign_in.current_actor() == expected


def test_a_thread_without_a_session_changes_nothing(configure: Configure) -> None:
    configure(sign_in=True)
    assert sign_in.current_actor() == VISITOR


def test_wrong_addresses_of_administrators_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_ADMINS", "ann@school.edu,bob")
    with pytest.raises(ValueError, match="'bob' is not an address"):
        Settings()
