"""How long a run will take, from the pace of a few of its steps (``python -m explorer.training.throughput``)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How fast a network trains on a device, all processes of the job together.

    Attributes:
        seconds_per_step: of training with a whole batch.
        seconds_per_evaluated_image: of validation and test.
        batch_size: images of that batch.
        startup: seconds from the start of a process to the end of its first step.
        device: ``cpu``, ``cuda`` or ``mps``.
        precision: ``fp32``, ``bf16`` or ``fp16``, as chosen for the device.
    """

    seconds_per_step: float
    seconds_per_evaluated_image: float
    batch_size: int
    startup: float
    device: str
    precision: str


def seconds(pace: Pace, *, epochs: int, train: int, validation: int, test: int) -> float:
    """About how long a run takes: start, epochs and the test at the end.

    Reading the data comes on top, and so does decoding where the images stay in files.

    Args:
        pace: of the run's network and recipe.
        epochs: of the run.
        train: images that the network learns from in each epoch, without those held out.
        validation: images that judge each epoch.
        test: images of the test set.
    """
    epoch = train / pace.batch_size * pace.seconds_per_step + validation * pace.seconds_per_evaluated_image
    return pace.startup + epochs * epoch + test * pace.seconds_per_evaluated_image
