"""Estimate of a run's duration, from the throughput of a few steps (``python -m explorer.training.throughput``)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Throughput:
    """Throughput of training on a device, over all processes of a job.

    Attributes:
        seconds_per_step: Seconds for a training step with a whole batch.
        seconds_per_evaluated_image: Seconds for an image of validation or test.
        batch_size: Images in that batch.
        startup: Seconds from the start of a process to the end of its first step.
        ready_startup: The same seconds without those in which the process imports PyTorch.
        device: ``cpu``, ``cuda`` or ``mps``.
        precision: ``fp32``, ``bf16`` or ``fp16``, as chosen for the device.
    """

    seconds_per_step: float
    seconds_per_evaluated_image: float
    batch_size: int
    startup: float
    ready_startup: float
    device: str
    precision: str


def estimate_seconds(
    throughput: Throughput, *, epochs: int, train: int, validation: int, test: int, is_ready: bool = False
) -> float:
    """Estimates the seconds of a run: start, epochs, and the test at the end.

    Not included: reading the data, and decoding images that stay in files.

    Args:
        throughput: Throughput of the run's network and recipe.
        epochs: Epochs of the run.
        train: Training images, without those held out for validation.
        validation: Validation images.
        test: Test images.
        is_ready: Whether a process that has imported PyTorch waits for the job.
    """
    training = train / throughput.batch_size * throughput.seconds_per_step
    epoch = training + validation * throughput.seconds_per_evaluated_image
    startup = throughput.ready_startup if is_ready else throughput.startup
    return startup + epochs * epoch + test * throughput.seconds_per_evaluated_image
