"""The commands ``python -m explorer jobs …``."""

import sys
from typing import Any

import click

from explorer.cli.output import print_json, print_text
from explorer.errors import InputError
from explorer.i18n import _

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


class CommandFailed(Exception):  # noqa: N818  the result of a command, not an error of the program
    """A command with an exit status because a job or a prediction failed."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@click.group()
def jobs() -> None:
    """List, follow, stop, resume and delete jobs."""
    from explorer.jobs.service import check_runner, runner_problem

    check_runner()
    if message := runner_problem():
        print_text(message, err=True)


@jobs.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List all jobs, newest first."""
    from explorer.cli.print_train import table
    from explorer.jobs.service import describe
    from explorer.jobs.store import store

    records = store().records()[::-1]
    if as_json:
        print_json([describe(record) for record in records])
    else:
        print_text("\n".join(table(records)) if records else _("no jobs yet: 'python -m explorer train' makes one"))


@jobs.command()
@click.argument("job", metavar="ID")
@json_option
def show(*, job: str, as_json: bool) -> None:
    """Show one job."""
    print_jobs([job], as_json=as_json, several=False)


@jobs.command("follow")
@click.argument("job", metavar="ID")
@json_option
def follow_(*, job: str, as_json: bool) -> None:
    """Show a job until it has ended; Ctrl-C stops only the display, not the job."""
    follow([job], as_json=as_json, several=False)


@jobs.command()
@click.argument("job", metavar="ID")
@json_option
def stop(*, job: str, as_json: bool) -> None:
    """Stop a job after the current batch, with a checkpoint."""
    from explorer.jobs import service

    service.stop(job)
    print_jobs([job], as_json=as_json, several=False)


@jobs.command()
@click.argument("job", metavar="ID")
@json_option
def resume(*, job: str, as_json: bool) -> None:
    """Put a job that was stopped, interrupted or failed back into the queue."""
    from explorer.jobs import service

    service.resume(job)
    print_jobs([job], as_json=as_json, several=False)


@jobs.command("delete")
@click.argument("job", metavar="ID")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
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
        print_json({"id": job, "deleted": True})
    else:
        print_text(_("{name} ({id}) is deleted").format(name=record.name, id=job))


@jobs.command()
@click.argument("job", metavar="ID")
@json_option
def logs(*, job: str, as_json: bool) -> None:
    """Show what the processes of a job have printed."""
    from explorer.jobs.service import directory
    from explorer.jobs.store import store

    store().get(job)
    log = directory(job).log
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    if as_json:
        print_json({"id": job, "log": text})
    else:
        print_text(text.replace("\r\n", "\n").replace("\r", "\n"), nl=False)


def print_jobs(ids: list[str], *, as_json: bool, several: bool) -> None:
    """Prints the state of jobs; ``several`` prints them as a list."""
    from explorer.cli.print_train import summary, table
    from explorer.jobs.service import describe
    from explorer.jobs.store import store

    records = [store().get(job) for job in ids]
    if as_json:
        documents = [_with_metrics(describe(record)) for record in records]
        print_json(documents if several else documents[0])
    else:
        print_text("\n".join(table(records)) if several else summary(describe(records[0])))


def follow(ids: list[str], *, as_json: bool, several: bool) -> None:
    """Shows jobs until they have ended, and prints them.

    Raises:
        CommandFailed: If a job failed or was interrupted.
    """
    from explorer.cli import print_train
    from explorer.jobs.service import describe
    from explorer.jobs.store import ACTIVE

    ended = []
    for job in ids:
        record = print_train.follow(job)
        ended.append(describe(record))
        if record.status in ACTIVE:  # the user pressed Ctrl-C
            break
    failed = next((job for job in ended if print_train.exit_status(job)), None)
    if as_json or not failed:
        print_jobs(ids, as_json=as_json, several=several)
    if failed:
        raise CommandFailed(print_train.headline(failed), print_train.exit_status(failed))


def _with_metrics(described: dict[str, Any]) -> dict[str, Any]:
    from explorer.jobs.store import store

    return described | {"metrics": [row._asdict() for row in store().rows(described["id"])]}
