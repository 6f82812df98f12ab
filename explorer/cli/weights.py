"""The commands for weights, evaluation, prediction and export."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explorer.cli.importing import import_
from explorer.cli.jobs import CommandFailed, json_option
from explorer.cli.networks import analysis_of, has_spec, named_spec
from explorer.cli.output import print_json, print_text
from explorer.errors import InputError, shown
from explorer.families import PRESETS, Spec
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.specs.base import read_size

if TYPE_CHECKING:
    from explorer.analysis import Analysis
    from explorer.exports.figure import FigureOptions


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def weights(context: click.Context, *, as_json: bool) -> None:
    """List the weights that have a name: ours, imported ones, those of jobs, torchvision's.

    Without a command it lists them.
    """
    if context.invoked_subcommand is not None:
        return
    from explorer.cli.print_weights import table
    from explorer.weights.registry import entries

    found = entries()
    if as_json:
        print_json([entry.to_dict() for entry in found])
    else:
        print_text("\n".join(table(found)))


@weights.command()
@click.argument("job")
@click.argument("name")
@click.option("--half", is_flag=True, help="In half precision: half the size.")
@click.option("--license", "terms", help="License on their card.")
@json_option
def publish(*, job: str, name: str, half: bool, terms: str | None, as_json: bool) -> None:
    """Keep the best weights of JOB as NAME: they stay when the job is deleted."""
    from explorer.weights import store

    path = store.publish(job, name, half=half, terms=terms)
    _print_result({"name": name, "weights": str(path)}, _("{job} is published as {name}"), as_json=as_json, job=job)


@weights.command()
@click.argument("old")
@click.argument("name")
@json_option
def convolve(*, old: str, name: str, as_json: bool) -> None:
    """Keep OLD as NAME with its dense head converted to convolutions: the same scores, and images of any size.

    OLD is a name of the list, a job's id, or a path.
    """
    from explorer.weights import store

    path = store.convert_head(find_weights(old), name)
    _print_result(
        {"name": name, "weights": str(path)}, _("{old} with a head of convolutions is {name}"), as_json=as_json, old=old
    )


@weights.command()
@click.argument("old")
@click.argument("new")
@json_option
def rename(*, old: str, new: str, as_json: bool) -> None:
    """Give imported or published weights another name."""
    from explorer.weights import store

    path = store.rename(old, new)
    _print_result({"name": new, "weights": str(path)}, _("{old} is now {name}"), as_json=as_json, old=old)


@weights.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def delete(*, name: str, yes: bool, as_json: bool) -> None:
    """Delete imported or published weights."""
    from explorer.weights import store

    if not yes:
        if not sys.stdin.isatty():
            raise InputError(_("delete: add --yes; the weights {name} would be lost").format(name=shown(name)))
        click.confirm(_("Delete the weights {name}?").format(name=name), abort=True, err=True)
    store.delete(name)
    _print_result({"name": name, "deleted": True}, _("{name} is deleted"), as_json=as_json)


def _print_result(document: dict[str, Any], sentence: str, *, as_json: bool, **words: str) -> None:
    if as_json:
        print_json(document)
    else:
        print_text(sentence.format(name=document["name"], **words))


@click.command()
@click.argument("weights")
@click.option("--dataset", required=True, help="Name of a data set, or the path of an image folder, .zip or .npz.")
@click.option("--split", default="test", show_default=True, help="test, train, or validation where the data has one.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@json_option
def evaluate(*, weights: str, dataset: str, split: str, device: str, as_json: bool) -> None:
    """Measure how many images of a data set WEIGHTS get right: a name of the list, a job's id, or a path."""
    from explorer.cli.print_progress import as_progress, progress_line
    from explorer.cli.print_train import notes, scores
    from explorer.training.weights_evaluation import evaluate_weights

    path = find_weights(weights)
    with progress_line() as note:
        result = evaluate_weights(path, dataset, split, device, as_progress(note)).result
    if as_json:
        print_json(result)
    else:
        print_text("\n".join([scores(result), *notes({"notes": [*result["warnings"], *result["notes"]]})]))


@click.command()
@click.argument("weights")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE…", type=click.Path())
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Classes for each image.")
@click.option("--image-size", help="Pixels of the images, in place of the card's: a side, or height x width (224x160).")
@click.option("--invert", is_flag=True, help="Swap light and dark.")
@click.option(
    "--ink",
    "find_ink",
    is_flag=True,
    help="Find strokes on paper, invert them if necessary, crop and centre them like the network's own digits.",
)
@json_option
def predict(
    *,
    weights: str,
    images: Sequence[str],
    top: int,
    image_size: str | None,
    invert: bool,
    find_ink: bool,
    as_json: bool,
) -> None:
    """Classify pictures with WEIGHTS: a name of the list, a job's id, or a path."""
    from explorer.cli.print_weights import predictions
    from explorer.prediction.image_files import predict as answers
    from explorer.prediction.networks import Network
    from explorer.weights.files import load
    from explorer.weights.heads import at_size

    path = find_weights(weights)
    module, card = load(path)
    card = at_size(card, None if image_size is None else read_size(image_size))
    network = Network(module, card, card.name, path)
    results = list(answers(network, images, top, invert=invert, find_ink=find_ink))
    if as_json:
        # JSON can represent names of files that are not valid text.
        print_json([one.to_dict() for one in results])
    elif read := [one for one in results if one.error is None]:
        print_text(predictions(read))
    if failed := [one for one in results if one.error is not None]:
        raise CommandFailed("; ".join(str(one.error) for one in failed), 2)


@click.command()
@click.argument("spec", metavar="SPEC|WEIGHTS")
@click.option(
    "--format",
    "name",
    required=True,
    help="pytorch, keras, onnx, pt2, json, dot, svg, pdf, png, tikz, html, csv, latex, markdown, xlsx; of weights also "
    "safetensors, pth, hub (a zip for the Hugging Face Hub), page (a web page that runs the network offline).",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file; without it, text goes to stdout.")
@click.option("--half", is_flag=True, help="Safetensors, hub or ONNX in half precision.")
@click.option("--opset", type=int, help="Version of ONNX's operators, from 12 to 22; 18 if not given.")
@click.option(
    "--evaluate", "data", metavar="DATA", help="Measure the written weights, and put the result on their card."
)
@click.option("--license", "terms", help="License on their card.")
@click.option("--fold-batch-norm", "fold", is_flag=True, help="In ONNX, fold batch norm into the layers before it.")
@click.option("--labels", metavar="A,B", help="Labels of a figure: names, shapes, stages, legend, or none; else all.")
@click.option("--grey", "is_grey", is_flag=True, help="A figure in black, white and grey.")
@click.option(
    "--engine",
    help="What computes in a page: built-in (small networks, 30 kB) or onnxruntime (larger ones and all layers, 5 MB, "
    "downloaded at its first use).",
)
@click.option("--resolution", type=int, help="Pixels per inch of a PNG; 300 if not given.")
@json_option
def export(
    *,
    spec: str,
    name: str,
    output: Path | None,
    half: bool,
    opset: int | None,
    data: str | None,
    terms: str | None,
    fold: bool,
    labels: str | None,
    is_grey: bool,
    engine: str | None,
    resolution: int | None,
    as_json: bool,
) -> None:
    """Write a network, or weights with their card, as a file for another program.

    ONNX and pt2 of a name that weights have carry them; of any other network they have random ones. SPEC may also be
    FILE.onnx or FILE.py:CLASS, for figures and tables.
    """
    from explorer.cli.print_progress import as_progress, progress_line
    from explorer.exports import FORMATS, PAGE, WEIGHT_FORMATS, batch_norm_note, content, export_weights
    from explorer.exports import export as write
    from explorer.exports.onnx_options import OPSET, OnnxOptions
    from explorer.formatting import bytes_short
    from explorer.weights.files import read_card

    formats = list(dict.fromkeys((*FORMATS, *WEIGHT_FORMATS, PAGE)))
    if name not in formats:
        raise InputError(_("format: {value} is not one of {known}").format(value=shown(name), known=", ".join(formats)))
    carries_weights = name not in FORMATS or (FORMATS[name].has_weights and _is_weights(spec))
    source = find_weights(spec) if carries_weights else None
    if (source is None and ((half and name != "onnx") or data or terms)) or (name == PAGE and (half or data or terms)):
        raise InputError(
            _("half, evaluate and license are for weights, in the formats safetensors, pth, onnx, pt2 and hub")
        )
    if fold and name != "onnx":
        raise InputError(_("fold-batch-norm: {name} files have no folded form; it is for onnx").format(name=name))
    if opset is not None and name != "onnx":
        raise InputError(_("opset: {name} files have no operators of ONNX").format(name=name))
    if engine is not None and name != PAGE:
        raise InputError(_("engine: {name} files compute nothing; it is for page").format(name=name))
    onnx = OnnxOptions(fold, half, OPSET if opset is None else opset)
    figure = _figure_options(name, labels, resolution, is_grey=is_grey)
    if output is None:
        if as_json or source or not FORMATS[name].is_text:
            raise InputError(_("output: name the file with -o; stdout takes only text formats, and not with --json"))
        click.echo(content(_network(spec), name, figure=figure), nl=False)
        return
    with progress_line() as note:
        if source and name == PAGE:
            from explorer.prediction.home_page import BUILT_IN, write_page

            size = write_page(source, output, BUILT_IN if engine is None else engine, as_progress(note))
        elif source:
            size = export_weights(source, name, output, as_progress(note), half=half, data=data, terms=terms, onnx=onnx)
        else:
            size = write(_network(spec), name, output, note, onnx=onnx, figure=figure)
    about = ""
    if name == "onnx":
        about = batch_norm_note(read_card(source).network_spec if source else _spec(spec), fold=fold)
    if as_json:
        document = {"format": name, "file": str(output), "bytes": size} | ({"weights": str(source)} if source else {})
        document |= {"notes": [about]} if about else {}
        print_json(document)
        return
    if name in FORMATS and FORMATS[name].has_weights and source is None:
        print_text(_("{file}: {size}, with random weights").format(file=output, size=bytes_short(size)))
    else:
        print_text(_("{file}: {size}").format(file=output, size=bytes_short(size)))
    if about:
        print_text(about)


def _figure_options(name: str, labels: str | None, resolution: int | None, *, is_grey: bool) -> "FigureOptions | None":
    """Returns the options of a figure; None if there are none.

    Raises:
        InputError: If the format has no such option, or a label is unknown.
    """
    from explorer.exports.figure import RESOLUTION, FigureOptions, Label, parse_labels
    from explorer.exports.formats import FORMATS

    is_figure = name in FORMATS and FORMATS[name].draw is not None
    if (labels is not None or is_grey) and not is_figure:
        known = ", ".join(key for key, one in FORMATS.items() if one.draw)
        raise InputError(_("labels and grey are for figures, in the formats {known}").format(known=known))
    if resolution is not None and name != "png":
        raise InputError(_("resolution: only png has pixels; {name} has not").format(name=name))
    chosen = frozenset(Label) if labels is None else parse_labels(labels)
    return FigureOptions(labels=chosen, is_grey=is_grey, resolution=resolution or RESOLUTION) if is_figure else None


COMMANDS = (weights, evaluate, predict, export, import_)


def find_weights(text: str) -> Path:
    """Returns the path of weights by name, job id or path, and shows the progress of a download."""
    from explorer.cli.print_progress import as_progress, progress_line
    from explorer.weights.registry import find

    with progress_line() as note:
        return find(text, as_progress(note))


def with_weights_path(job: Job) -> Job:
    """Returns a job with the absolute path of its initial weights, because its worker runs in another folder."""
    if job.recipe.weights is None:
        return job
    return replace(job, recipe=job.recipe.changed(weights=str(find_weights(job.recipe.weights).absolute())))


def _is_weights(text: str) -> bool:
    """Whether a text names weights and not a network; torchvision's weights have ``_Weights`` in their names."""
    from explorer.weights.registry import TORCHVISION, find_local

    if text.startswith(TORCHVISION):
        return "_Weights" in text
    return find_local(text) is not None and not text.endswith(".json")


def _network(text: str) -> "Spec | Analysis":
    """Returns the spec of a network or of weights, or the analysis of another network."""
    return _spec(text) if has_spec(text) else analysis_of(text)


def _spec(text: str) -> Spec:
    """Returns the spec of a network or of weights."""
    from explorer.weights.files import read_card
    from explorer.weights.registry import find_local

    path = None if text in PRESETS or text.endswith(".json") else find_local(text)
    return named_spec(text, None) if path is None else read_card(path).network_spec
