"""Recorded results of trainings, so that readers of lessons do not wait for them.

usage: python -m explorer.lessons.recorded

trains the networks of the comparisons in ``RECORDED`` that are missing in ``recorded.json``, and adds their results.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from explorer.lessons.trainings import DATASET, RECORDED, RECORDING, Variant, variants
from explorer.training import short
from explorer.workers.progress import Progress, silent

FILE = Path(__file__).with_name("recorded.json")
COMMAND = "python -m explorer.lessons.recorded"
DIGITS = 4  # of each share


def results_of(trainings: Sequence[Variant]) -> list[dict[str, Any]] | None:
    """Returns the metrics of trainings as :mod:`explorer.training.short` gives them; None if one is not recorded."""
    found = [_results().get(_key(variant)) for variant in trainings]
    results = [one for one in found if one is not None]
    return results if len(results) == len(found) else None


def record(progress: Progress = silent) -> None:
    """Trains the missing networks, and removes results that no comparison needs any more."""
    wanted = {_key(one): one for name in RECORDED for one in variants(name, RECORDING)}
    results = {key: result for key, result in _results().items() if key in wanted}
    for number, (key, variant) in enumerate(wanted.items(), 1):
        progress(variant.name, number, len(wanted))
        if key in results:
            continue
        item = {"spec": variant.spec.to_dict(), "recipe": variant.recipe.to_dict()}
        (metrics,) = short.respond({"dataset": DATASET, "trainings": [item]})
        results[key] = {
            name: [[epoch, round(share, DIGITS)] for epoch, share in metrics[name]]
            for name in ("train/top1", "validation/top1", "test/top1")
        }
        rows = [json.dumps({"training": json.loads(key), "result": result}) for key, result in results.items()]
        FILE.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


@cache
def _results() -> dict[str, dict[str, Any]]:
    rows = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []
    return {json.dumps(row["training"], sort_keys=True): row["result"] for row in rows}


def _key(variant: Variant) -> str:
    training = {"dataset": DATASET, "spec": variant.spec.to_dict(), "recipe": variant.recipe.to_dict()}
    return json.dumps(training, sort_keys=True)


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    record(lambda name, number, count: print(f"{number} of {count}: {name}", flush=True))
