"""Causes for the early end of a run, as sentences with a remedy."""

import errno
import math

import torch
from torch import Tensor

from explorer.errors import ExplorerError, InputError
from explorer.i18n import _

PATIENCE = 10  # epochs at chance before a run ends
PATIENCE_STEPS = 500  # minimum steps before it ends: an epoch may be short, and the warm-up may still be under way
TOLERANCE = 3.0  # standard deviations that still count as chance
# Messages for the host's memory: of torch's allocator, of DataLoader workers without shared memory, and of C++.
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "shared memory", "bad_alloc")
UNLEARNT = 0.995  # share of the guessing loss above which nothing has been learnt


class Fault(ExplorerError):  # noqa: N818  the word of the field
    """A run that can't continue.

    Attributes:
        code: Short name of the cause, for programs.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def not_finite(epoch: int, rate: float) -> Fault:
    """Returns the fault for a loss that is infinite or not a number."""
    return Fault(
        "not_finite",
        _(
            "the loss is not finite in epoch {epoch}: the steps are too large. Lower lr (it stood at {rate:g}), "
            "set clip_norm to 1, or train in fp32; the last good checkpoint is kept"
        ).format(epoch=epoch, rate=rate),
    )


class ChanceWatch:
    """Counts the consecutive epochs in which a network was no better than guessing."""

    def __init__(self, labels: Tensor, classes: int, steps: int) -> None:
        """Computes accuracy and loss of guessing.

        Args:
            labels: Labels of the training images, (N,).
            classes: Number of classes.
            steps: Steps of an epoch.
        """
        shares = torch.bincount(labels, minlength=classes).double() / len(labels)
        self.images = len(labels)
        self.chance = shares.max().item()
        self.guessing_loss = torch.special.entr(shares).sum().item()  # if each class's probability is its share
        self.patience = max(PATIENCE, math.ceil(PATIENCE_STEPS / steps))
        self.epochs = 0

    def after_epoch(self, top1: float, loss: float) -> None:
        """Counts an epoch, by its accuracy and mean loss on the training images.

        Raises:
            Fault: If the network has not learnt anything for too many epochs.
        """
        spread = math.sqrt(self.chance * (1 - self.chance) / self.images)
        learnt = top1 > self.chance + TOLERANCE * spread or loss < UNLEARNT * self.guessing_loss
        self.epochs = 0 if learnt else self.epochs + 1
        if self.epochs >= self.patience:
            raise Fault(
                "at_chance",
                _(
                    "for {count} epochs the accuracy stayed at {top1:.1%}, as good as always guessing the most "
                    "frequent class. Try a lower lr, init he, batch norm, or a network that is less deep"
                ).format(count=self.epochs, top1=top1),
            )


def to_fault(error: BaseException, batch_size: int) -> Fault:
    """Converts any exception to a fault with cause and remedy."""
    match error:
        case Fault():
            return error
        case torch.OutOfMemoryError():
            return _device_memory(batch_size)
        case RuntimeError() if (fault := _cuda_fault(str(error), batch_size)) is not None:
            return fault
        case MemoryError():
            return _host_memory(batch_size)
        case OSError() if error.errno == errno.ENOMEM:  # fork failed
            return _host_memory(batch_size)
        case RuntimeError() if any(sign in str(error) for sign in OUT_OF_MEMORY):
            return _host_memory(batch_size)
        case RuntimeError() if "can't start new thread" in str(error):  # Python's own words
            return Fault(
                "out_of_memory",
                _(
                    "no thread could be started: either memory has run out with batches of {batch}: use a smaller "
                    "batch_size or image_size, or close other programs; or the user may start no more threads and "
                    "processes (ulimit -u)"
                ).format(batch=batch_size),
            )
        # "by peer" is gloo's message.
        case RuntimeError() if "by peer" in str(error) or str(error).startswith("DataLoader worker"):
            return Fault(
                "process_lost",
                _(
                    "another process of the run ended without a word: the system may have been short of memory (use a "
                    "smaller batch_size or fewer processes), or somebody ended it. Resume goes on from the last "
                    "checkpoint"
                ),
            )
        case RuntimeError() if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            return Fault(
                "compile",
                _(
                    "torch.compile failed, and the log says where: install a C++ compiler such as g++, or set compile "
                    "to false"
                ),
            )
        case ValueError() if "more than 1 value per channel" in str(error):
            return Fault("input", _("batch norm can't train on a single value per channel: raise batch_size"))
        case OSError() if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return Fault(
                "disk_full",
                _(
                    "the disk is full ({file}): free some space, for example by deleting old runs, and resume; the "
                    "last good checkpoint is kept"
                ).format(file=error.filename or error.strerror),
            )
        case FileNotFoundError():
            return Fault("vanished", _("{file} is gone: put it back and resume").format(file=error.filename))
        case InputError():
            return Fault("input", str(error))
        case _:
            return Fault(
                "internal",
                _("the training failed for a reason that the explorer doesn't know ({kind}); its log has it").format(
                    kind=type(error).__name__
                ),
            )


def _cuda_fault(reason: str, batch_size: int) -> Fault | None:
    """Returns the fault for an error of CUDA, its libraries or the driver, by its message. None for other errors."""
    low = reason.lower()
    if not any(sign in low for sign in ("cuda", "cublas", "cudnn", "nccl", "nvidia")):
        return None
    if "out of memory" in low or "cublas_status_alloc_failed" in low:
        return _device_memory(batch_size)
    if "driver" in low and any(sign in low for sign in ("too old", "insufficient", "version")):
        return Fault(
            "driver",
            _(
                "the NVIDIA driver is older than this PyTorch needs (CUDA {cuda}): update the driver, install a "
                "PyTorch for an older CUDA, or set device to cpu"
            ).format(cuda=torch.version.cuda or _("none")),
        )
    if "no kernel image" in low or "not compatible with the current pytorch" in low:
        return Fault(
            "cuda",
            _(
                "this PyTorch (CUDA {cuda}) has no code for this GPU, which is older or newer than those it was built "
                "for: install another PyTorch, or set device to cpu"
            ).format(cuda=torch.version.cuda or _("none")),
        )
    if "device-side assert" in low:
        return Fault(
            "cuda",
            _(
                "the GPU refused a number, most often a label that is not a class of the network: run once with "
                "device cpu, which says where"
            ),
        )
    if "nccl" in low:
        return Fault(
            "process_lost",
            _(
                "the processes lost touch with one another (NCCL): another one ended, or the GPUs can't reach each "
                "other. Resume goes on from the last checkpoint; with processes 1 nothing has to be exchanged"
            ),
        )
    if "cublas" in low or "cudnn" in low:
        return Fault(
            "cuda",
            _(
                "CUDA's libraries failed in a computation: most often they are of another version than PyTorch's own "
                "CUDA {cuda}, or the GPU's memory is full. Take other CUDA folders out of LD_LIBRARY_PATH, use a "
                "smaller batch_size, or set device to cpu; its log has the details"
            ).format(cuda=torch.version.cuda or _("none")),
        )
    return Fault(
        "cuda",
        _(
            "the GPU failed in a computation: resume goes on from the last checkpoint, or set device to cpu; its log "
            "has the details"
        ),
    )


def _device_memory(batch_size: int) -> Fault:
    return Fault(
        "out_of_memory",
        _(
            "the device has run out of memory with batches of {batch}: use a smaller batch_size or image_size, or "
            "precision bf16"
        ).format(batch=batch_size),
    )


def _host_memory(batch_size: int) -> Fault:
    return Fault(
        "out_of_memory",
        _(
            "the machine has run out of memory with batches of {batch}: use a smaller batch_size or image_size, or "
            "close other programs"
        ).format(batch=batch_size),
    )
