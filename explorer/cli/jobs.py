"""The queue from a terminal: ``python -m explorer jobs …``."""

import sys
from typing import Any

import click

from explorer.cli.output import say, say_json
from explorer.errors import InputError
from explorer.i18n import _

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


class Failed(Exception):  # noqa: N818  an end of the command, and no error of ours
    """A job that was waited for did not succeed."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@click.group()
def jobs() -> None:
    """Jobs that wait, train and have ended."""
    from explorer.jobs.service import keep_awake, silence

    keep_awake()
    if said := silence():
        say(said, err=True)


@jobs.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """All jobs, the last first."""
    from explorer.cli.print_train import table
    from explorer.jobs.service import describe
    from explorer.jobs.store import store

    records = store().records()[::-1]
    if as_json:
        say_json([describe(record) for record in records])
    else:
        say("\n".join(table(records)) if records else _("no jobs yet: 'python -m explorer train' makes one"))


@jobs.command()
@click.argument("job", metavar="ID")
@as_json
def show(*, job: str, as_json: bool) -> None:
    """One job."""
    tell([job], as_json=as_json, several=False)


@jobs.command("follow")
@click.argument("job", metavar="ID")
@as_json
def follow_(*, job: str, as_json: bool) -> None:
    """Show a job until it has ended; Ctrl-C leaves it to go on."""
    follow([job], as_json=as_json, several=False)


@jobs.command()
@click.argument("job", metavar="ID")
@as_json
def stop(*, job: str, as_json: bool) -> None:
    """End a job after its batch in hand, with a checkpoint."""
    from explorer.jobs import service

    service.stop(job)
    tell([job], as_json=as_json, several=False)


@jobs.command()
@click.argument("job", metavar="ID")
@as_json
def resume(*, job: str, as_json: bool) -> None:
    """Put a job that was stopped, interrupted or failed back into the queue."""
    from explorer.jobs import service

    service.resume(job)
    tell([job], as_json=as_json, several=False)


@jobs.command("delete")
@click.argument("job", metavar="ID")
@click.option("--yes", is_flag=True, help="Don't ask.")
@as_json
def delete_(*, job: str, yes: bool, as_json: bool) -> None:
    """Remove a job with its weights, log and metrics."""
    from explorer.jobs.service import delete
    from explorer.jobs.store import store

    record = store().get(job)
    if not yes:
        if not sys.stdin.isatty():
            raise InputError(_("delete: add --yes; {name} ({id}) would be lost").format(name=record.name, id=job))
        click.confirm(
            _("Delete {name} ({id}) with its weights?").format(name=record.name, id=job), abort=True, err=True
        )
    delete(job)
    if as_json:
        say_json({"id": job, "deleted": True})
    else:
        say(_("{name} ({id}) is deleted").format(name=record.name, id=job))


@jobs.command()
@click.argument("job", metavar="ID")
@as_json
def logs(*, job: str, as_json: bool) -> None:
    """What the processes of a job have printed."""
    from explorer.jobs.service import directory
    from explorer.jobs.store import store

    store().get(job)
    log = directory(job).log
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    if as_json:
        say_json({"id": job, "log": text})
    else:
        say(text.replace("\r\n", "\n").replace("\r", "\n"), nl=False)


def tell(ids: list[str], *, as_json: bool, several: bool) -> None:
    """Print jobs as they stand: a sweep as a list."""
    from explorer.cli.print_train import ending, table
    from explorer.jobs.service import describe
    from explorer.jobs.store import store

    records = [store().get(job) for job in ids]
    if as_json:
        told = [_with_metrics(describe(record)) for record in records]
        say_json(told if several else told[0])
    else:
        say("\n".join(table(records)) if several else ending(describe(records[0])))


def follow(ids: list[str], *, as_json: bool, several: bool) -> None:
    """Show jobs until they have ended, and print them.

    Raises:
        Failed: where one did not finish.
    """
    from explorer.cli import print_train
    from explorer.jobs.service import describe
    from explorer.jobs.store import ACTIVE

    ended = []
    for job in ids:
        record = print_train.follow(job)
        ended.append(describe(record))
        if record.status in ACTIVE:  # left to go on
            break
    bad = next((job for job in ended if print_train.fail_status(job)), None)
    if as_json or not bad:
        tell(ids, as_json=as_json, several=several)
    if bad:
        raise Failed(print_train.headline(bad), print_train.fail_status(bad))


def _with_metrics(described: dict[str, Any]) -> dict[str, Any]:
    from explorer.jobs.store import store

    return described | {"metrics": [row._asdict() for row in store().rows(described["id"])]}
