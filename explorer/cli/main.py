"""The command line: ``python -m explorer …``.

With ``--json``, stdout has one document and nothing else. The exit status is 0 for success, 2 for an error of the input
and 1 for any other error; an error is one line on stderr.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from pydantic import ValidationError

from explorer import __version__, logs
from explorer.cli import jobs, weights
from explorer.cli.comparison_tables import check_table_options, write_tables
from explorer.cli.jobs import json_option
from explorer.cli.networks import analysis_of, has_spec, named_spec
from explorer.cli.output import print_json, print_text
from explorer.errors import ExplorerError, InputError, one_line
from explorer.families import PRESETS, NamedNetwork, resolve
from explorer.families.presets import own_names
from explorer.i18n import _
from explorer.specs.base import explain


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="explorer")
def cli() -> None:
    """CNN Architecture Explorer."""


cli.add_command(jobs.jobs)
for command in weights.COMMANDS:
    cli.add_command(command)


@cli.command()
@json_option
def presets(*, as_json: bool) -> None:
    """List the networks that have a name."""
    rows: list[dict[str, Any]] = [
        {"name": p.name, "title": p.title, "source": p.source, "spec": p.spec.to_dict()} for p in PRESETS.values()
    ]
    rows += [
        {
            "name": name,
            "title": name.partition(":")[2],
            "source": name.partition(":")[0],
            "spec": resolve(name).to_dict(),
        }
        for name in own_names()
    ]
    if as_json:
        print_json(rows)
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print_text(f"{row['name']:{width}}  {row['title']} ({row['source']})")


@cli.command()
@click.argument("spec")
@click.option("--image-size", help="Pixels of the input instead of the spec's: a side, or height x width (224x160).")
@click.option("--batch-size", type=int, default=32, show_default=True, help="Images in a training batch.")
@click.option("--optimizer", default="momentum", show_default=True, help="sgd, momentum or adam, for the memory.")
@click.option("--precision", type=click.Choice(["fp32", "bf16", "fp16"]), default="fp32", show_default=True)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda or mps, for the memory of training.")
@json_option
def analyze(
    *, spec: str, image_size: str | None, batch_size: int, optimizer: str, precision: str, device: str, as_json: bool
) -> None:
    """Show every number of SPEC: a preset, torchvision:NAME, a .json file, inline JSON, FILE.onnx or FILE.py:CLASS.

    FILE.onnx is only read. FILE.py is run, with your rights.
    """
    analysis = analysis_of(
        spec, image_size, batch_size=batch_size, optimizer=optimizer, precision=precision, device=device
    )
    if as_json:
        print_json(analysis.to_dict())
        return
    from explorer.cli.print_analysis import report

    print_text(report(analysis))


@cli.command()
@click.argument("specs", nargs=-1, metavar="SPEC SPEC [SPEC [SPEC]]")
@click.option("--image-size", help="Pixels of all inputs instead of the specs' own: a side, or 224x160.")
@click.option("--format", "name", help="latex, markdown or xlsx: tables for a paper, a document or a spreadsheet.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file; without it, text goes to stdout.")
@json_option
def compare(
    *, specs: tuple[str, ...], image_size: str | None, name: str | None, output: Path | None, as_json: bool
) -> None:
    """Compare two to four networks side by side: layers aligned, numbers against the first's."""
    check_table_options(name, output, as_json=as_json)
    for spec in filter(has_spec, specs):
        named_spec(spec, image_size)  # a wrong name is reported before torch is imported
    from explorer.analysis.comparison import compare as side_by_side

    comparison = side_by_side([analysis_of(spec, image_size) for spec in specs])
    if as_json:
        print_json(comparison.to_dict())
        return
    if name is not None:
        write_tables(comparison, name, output)
        return
    from explorer.cli.print_compare import report

    print_text(report(comparison))


@cli.command()
@click.argument("spec")
@click.option("--dataset", required=True, help="Name of a data set, or the path of an image folder, .zip or .npz.")
@click.option("--recipe", default="default", show_default=True, help="Name, .json file or inline JSON.")
@click.option("--epochs", type=int, help="Epochs, instead of the recipe's.")
@click.option("--name", default="", help="Name of the job.")
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="Changes a field of the recipe, or with spec.KEY of the spec.",
)
@click.option(
    "--sweep",
    "varied",
    multiple=True,
    metavar="KEY=A,B",
    help="A job for each value, with 1..9 for the whole numbers from 1 to 9; with several, for each combination.",
)
@click.option(
    "--row", "listed", multiple=True, metavar="KEY=A,KEY=B", help="A job with these values, for rows that form no grid."
)
@click.option(
    "--rows",
    "table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The same as a .csv or .json file, one job per row.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--processes", type=int, default=1, show_default=True, help="Processes of data-parallel training.")
@click.option("--threads", type=int, help="CPU threads of each process, instead of an equal share of the cores.")
@click.option("--follow", is_flag=True, help="Show the training until its end; Ctrl-C stops only the display.")
@json_option
def train(
    *,
    spec: str,
    dataset: str,
    recipe: str,
    epochs: int | None,
    name: str,
    pairs: tuple[str, ...],
    varied: tuple[str, ...],
    listed: tuple[str, ...],
    table: Path | None,
    device: str,
    processes: int,
    threads: int | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Put SPEC into the queue; its training goes on after this command ends."""
    from explorer.data import describe, locate
    from explorer.jobs import service
    from explorer.jobs.job import Resources
    from explorer.jobs.make import make_jobs
    from explorer.recipes import parse_assignments, parse_row, read_rows
    from explorer.recipes import resolve as resolve_recipe
    from explorer.training.devices import choose_device
    from explorer.training.dry_run import forward_macs
    from explorer.training.start import check as check_start

    recipe_fields, spec_fields = parse_assignments(pairs)
    if epochs is not None:
        recipe_fields["epochs"] = epochs
    chosen = resolve_recipe(recipe).changed(**recipe_fields)
    network = NamedNetwork.resolved(spec).changed(**spec_fields)
    resources = Resources.parse({"device": device, "processes": processes, "threads": threads})
    rows = [*map(parse_row, listed), *(read_rows(table) if table else [])]
    made = make_jobs(network, locate(dataset), chosen, resources, name=name, varied=varied, rows=rows)
    made = [weights.with_weights_path(job) for job in made]
    # Check now, because an error after the data has been read would come late.
    choose_device(resources.device)
    for one in {job.spec for job in made}:
        forward_macs(one)
    for job in made:
        check_start(job.spec, job.recipe)
    for sentence in describe(made[0].dataset):
        print_text(_("data: {sentence}").format(sentence=sentence), err=True)
    submitted = [record.id for record in service.submit(made)]
    show = jobs.follow if follow else jobs.print_jobs
    show(submitted, as_json=as_json, several=bool(varied or rows))


def main() -> None:
    """Runs a command and exits with its status."""
    _open_streams()
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        logs.configure("command", text="%(levelname)s %(name)s: %(message)s", events=False)
        cli.main(standalone_mode=False)
    except click.Abort:
        _exit_with_error(_("stopped"), 1)
    except click.exceptions.NoArgsIsHelpError as error:
        print_text(error.format_message(), err=True)
        sys.exit(2)
    except ValidationError as error:  # of the settings; specs raise errors of their own
        fault = error.errors()[0]
        variable = tuple(f"EXPLORER_{name}".upper() for name in fault["loc"])  # as it was typed
        _exit_with_error(_("setting {fault}").format(fault=explain({**fault, "loc": variable})), 2)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        place = error.filename if isinstance(error.filename, str) else ""
        _exit_with_error(_("{file}: {reason}").format(file=place, reason=reason) if place else reason, 1)
    except click.ClickException as error:
        _exit_with_error(error.format_message(), 2)
    except InputError as error:
        _exit_with_error(str(error), 2)
    except jobs.CommandFailed as error:
        _exit_with_error(str(error), error.status)
    except ExplorerError as error:
        _exit_with_error(str(error), 1)
    else:
        sys.exit(0)


def _open_streams() -> None:
    """Opens the null device for streams that the caller has closed.

    Python sets a closed stream to None, on which ``isatty`` fails. And the next opened file would get the number of the
    closed stream, so output could go into that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  open until the process ends


def _exit_on_signal(number: int, _frame: object) -> NoReturn:
    """Exits normally on a signal, so that child processes end and temporary files are removed."""
    sys.exit(128 + number)


def _exit_with_error(message: str, status: int) -> NoReturn:
    print_text(_("error: {message}").format(message=one_line(message)), err=True)
    sys.exit(status)
