"""Users' own images in class folders, in a folder or in an archive."""

import torch
from torch import Tensor

from explorer.data.branches import SHOWN
from explorer.data.dataset import Dataset, Files, Split
from explorer.data.images import Decoded, Encoded, decode_all
from explorer.data.labelled import assemble
from explorer.data.source import Source
from explorer.data.tree import arrange
from explorer.errors import InputError
from explorer.i18n import _
from explorer.workers.progress import Progress

TOLERATED = 0.1  # largest share of broken images


def load(name: str, source: Source, progress: Progress) -> Dataset:
    """A data set from class folders; broken images are left out, with a note.

    Args:
        name: Name or path, as the user gave it.
        source: Folder or archive.
        progress: Callback that receives the progress of decoding.

    Raises:
        InputError: If the data break a rule; names the place and the rule.
    """
    listing = source.listing()
    tree = arrange(source, listing.names, listing.empty)
    files = [file for split in tree.splits.values() for file in split]
    encoded = Encoded(source, tuple(file for file, _label in files))
    decoded, cache_note = decode_all(encoded, listing.state, progress)
    notes = [tree.summary, *listing.notes, *tree.notes, *_broken(source, decoded)]
    notes += [cache_note] if cache_note else []
    readable = torch.nonzero(decoded.readable).flatten()
    images: Tensor | Files = (
        Encoded(source, encoded.names, decoded.channels).take(readable.tolist())
        if decoded.images is None
        else decoded.images
    )
    everything = Split(images, torch.tensor([label for _file, label in files])[readable])
    masks = torch.split(decoded.readable, [len(part) for part in tree.splits.values()])
    indices = torch.split(torch.arange(len(readable)), [int(mask.sum()) for mask in masks])
    splits = {split: everything.take(part) for split, part in zip(tree.splits, indices, strict=True)}
    return assemble(name, tree.classes, decoded.channels, splits, notes)


def _broken(source: Source, decoded: Decoded) -> list[str]:
    if not decoded.faults:
        return []
    count, total = len(decoded.faults), len(decoded.readable)
    words = {"count": count, "total": total, "faults": "; ".join(decoded.faults[:SHOWN])}
    if count > TOLERATED * total:
        raise InputError(
            _("{place}: {count} of {total} images can't be read, more than {percent}%: {faults}").format(
                place=source.path, percent=round(100 * TOLERATED), **words
            )
        )
    return [_("Left out, as they can't be read: {count} of {total} images ({faults}).").format(**words)]
