"""The command ``python -m explorer import …``."""

import shlex
import sys
from pathlib import Path

import click

from explorer.cli.jobs import json_option
from explorer.cli.output import print_json, print_text
from explorer.families import resolve
from explorer.specs.base import read_size


@click.command("import")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The new .safetensors file.")
@click.option("--spec", help="The network, instead of the recognised one, in the form that analyze takes.")
@click.option("--mean", help="Subtracted from the pixels (0 to 1): one number, or one for each channel.")
@click.option("--std", help="Divisor of the pixels after that: one number, or one for each channel.")
@click.option("--resize", help="Pixels of the shorter side before the centre crop; none: straight to the square.")
@click.option("--classes", help="Names in the order of the outputs: a,b,c, or a file of lines or JSON.")
@click.option("--image-size", help="Pixels of the images: a side, or height x width (224x160).")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Changes a setting of the recognised network.")
@json_option
def import_(
    *,
    checkpoint: Path,
    output: Path,
    spec: str | None,
    mean: str | None,
    std: str | None,
    resize: str | None,
    classes: str | None,
    image_size: str | None,
    pairs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make weights of CHECKPOINT: a .safetensors, .pth, .pt, .th or .ckpt file from any training.

    On a terminal it asks for what the file doesn't say; elsewhere it takes the likely answer and prints it.
    """
    from explorer.cli.print_import import ask, report
    from explorer.recipes import parse_spec_assignments
    from explorer.weights.importing.importing import import_checkpoint
    from explorer.weights.importing.questions import PARSERS

    options = {"mean": mean, "std": std, "resize": resize, "classes": classes}
    texts = {key: text for key, text in options.items() if text is not None}
    for key, _equals, text in (pair.partition("=") for pair in pairs):
        if key in PARSERS:
            texts.setdefault(key, text)
    answers = parse_spec_assignments(pairs)
    answers |= {key: PARSERS[key](text) for key, text in texts.items()}
    spec_pairs = [pair for pair in pairs if pair.partition("=")[0] not in PARSERS]
    # The card contains only the last part of paths.
    command = ["import", checkpoint.name, "-o", output.name, *(word for pair in spec_pairs for word in ("--set", pair))]
    for key, text in (texts | ({} if spec is None else {"spec": spec})).items():
        command += [f"--{key}", text if key != "classes" or "," in text else Path(text).name]
    if image_size is not None:
        answers["image_size"] = read_size(image_size)
        command += ["--image-size", image_size]
    is_interactive = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    imported = import_checkpoint(
        checkpoint,
        output,
        name=checkpoint.name,
        answers=answers,
        spec=None if spec is None else resolve(spec),
        command=shlex.join(["python", "-m", "explorer", *command]),
        ask=ask if is_interactive else None,
    )
    if as_json:
        print_json(imported.to_dict())
    else:
        print_text(report(imported))
