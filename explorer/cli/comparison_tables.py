"""Tables of a comparison as files, for the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from explorer.cli.output import print_text
from explorer.errors import InputError, shown
from explorer.i18n import _

if TYPE_CHECKING:
    from explorer.analysis.comparison import Comparison

FORMATS = ("latex", "markdown", "xlsx")


def check_table_options(name: str | None, output: Path | None, *, as_json: bool) -> None:
    """Checks the options of ``compare`` that concern files.

    Raises:
        InputError: If the format is unknown, or the options contradict each other.
    """
    if name is None:
        if output is not None:
            raise InputError(_("output: choose the format of the file with --format"))
        return
    if name not in FORMATS:
        raise InputError(_("format: {value} is not one of {known}").format(value=shown(name), known=", ".join(FORMATS)))
    if as_json or (output is None and name == "xlsx"):
        raise InputError(_("output: name the file with -o; stdout takes only text formats, and not with --json"))


def write_tables(comparison: "Comparison", name: str, output: Path | None) -> None:
    """Writes the tables of a comparison to a file or to stdout.

    Raises:
        InputError: If the file can't be written.
    """
    from explorer.analysis import SpecAnalysis
    from explorer.exports.comparison_tables import COMPARISON_FORMATS
    from explorer.exports.run import translate_errors
    from explorer.families import NamedNetwork
    from explorer.files import atomic_write
    from explorer.formatting import bytes_short
    from explorer.ui.shared.networks import full_title

    names = [
        full_title(NamedNetwork(network.spec)) if isinstance(network, SpecAnalysis) else network.name
        for network in comparison.networks
    ]
    data = COMPARISON_FORMATS[name].make(comparison, names)
    if output is None:
        click.echo(data, nl=False)
        return
    with translate_errors(output), atomic_write(output) as part:
        part.write_bytes(data)
    print_text(_("{file}: {size}").format(file=output, size=bytes_short(len(data))))
