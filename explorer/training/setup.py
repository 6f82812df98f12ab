"""Builds everything that a job's training needs."""

import os
from dataclasses import dataclass

import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from explorer.data.dataset import Dataset
from explorer.data.preprocessing import Preprocessing
from explorer.families import Spec
from explorer.families.building import AUXILIARY, build
from explorer.jobs.job import Job
from explorer.recipes.recipe import Recipe
from explorer.specs.activation import activation_of
from explorer.training.augment import Strength
from explorer.training.batches import EvaluationBatches, Placement, TrainingBatches
from explorer.training.devices import choose_device, make_plan, threads
from explorer.training.dry_run import forward_macs
from explorer.training.faults import ChanceWatch
from explorer.training.fitting import fit_job, preprocessing_of
from explorer.training.freezing import freeze
from explorer.training.initialisation import initialise
from explorer.training.loop import SUMS, Training
from explorer.training.optimizers import Schedule, make_optimizer
from explorer.training.provenance import make_card
from explorer.training.start import load_starting_weights
from explorer.training.synced_norm import synchronise_norms
from explorer.weights.files import Card


@dataclass(frozen=True)
class PreparedTraining:
    """A training run that is ready to start, with the facts for its directory."""

    job: Job
    dataset: Dataset
    notes: tuple[str, ...]
    card: Card
    training: Training
    placement: Placement
    preprocessing: Preprocessing

    def test_batches(self) -> EvaluationBatches:
        """Returns the batches of the test set, which is used once, at the end."""
        return EvaluationBatches(self.dataset.test, self.preprocessing, self.job.recipe.batch_size, self.placement)


def prepare(job: Job, dataset: Dataset, rank: int = 0, world: int = 1) -> PreparedTraining:
    """Builds network, optimizer, schedule and batches.

    Args:
        job: Job as submitted. The result holds the job adapted to the data.
        dataset: Data of the job.
        rank: Rank of this process.
        world: Number of processes. Their process group has to be initialised.

    Raises:
        InputError: If job, data and machine don't fit each other.
    """
    job, dataset, notes = fit_job(job, dataset)
    spec, recipe, preprocessing = job.spec, job.recipe, preprocessing_of(job)
    network, frozen, weight_notes = make_network(spec, recipe)
    device = choose_device(job.resources.device, int(os.environ.get("LOCAL_RANK", rank)))
    macs = forward_macs(spec) * recipe.batch_size
    torch.set_num_threads(threads(job.resources, device, macs // world))
    plan = make_plan(network, device, recipe.precision, macs)
    network = network.to(device, memory_format=plan.memory_format)  # type: ignore[call-overload]
    if world > 1:
        network = synchronise_norms(network, device)
    placement = Placement(device, plan.memory_format, rank, world)
    augment = [name for name in recipe.augment or () if name != "permute_pixels"]
    strength = Strength(recipe.rotation_degrees, recipe.noise_std)
    batches = TrainingBatches(
        dataset.train, preprocessing, augment, recipe.batch_size, recipe.seed, placement, strength
    )
    held_out = dataset.validation
    auxiliary = sum(bool(AUXILIARY.fullmatch(name)) for name, _head in network.named_children())
    optimizer = make_optimizer(recipe, network.parameters())
    training = Training(
        recipe=recipe,
        classes=len(dataset.classes),
        plan=plan,
        network=network,
        model=_wrap(network, device, world, compiled=recipe.compile),
        average=None if recipe.ema is None else _average(network, recipe.ema),
        frozen=frozen,
        optimizer=optimizer,
        schedule=Schedule(recipe, optimizer, batches.steps),
        scaler=plan.scaler(),
        batches=batches,
        validation=None
        if held_out is None
        else EvaluationBatches(held_out, preprocessing, recipe.batch_size, placement),
        chance=ChanceWatch(dataset.train.labels, len(dataset.classes), batches.steps),
        sums=torch.zeros(2, SUMS + 2 * auxiliary, device=device),
    )
    # Dropout differs between processes, as it differs between the images of one process.
    torch.manual_seed(recipe.seed + rank)
    card = make_card(job, dataset, preprocessing)
    return PreparedTraining(job, dataset, (*notes, *weight_notes), card, training, placement, preprocessing)


def make_network(spec: Spec, recipe: Recipe) -> tuple[nn.Module, list[nn.Module], list[str]]:
    """Builds the network as it starts to train, with the same weights in every process.

    Returns:
        The network, its frozen modules, and sentences about the starting weights.

    Raises:
        InputError: If the starting weights or the frozen parts don't belong to the network.
    """
    torch.manual_seed(recipe.seed)
    network = build(spec)
    initialise(network, recipe.init, activation_of(spec).gain)
    notes = [] if recipe.weights is None else load_starting_weights(network, recipe.weights)
    return network, freeze(network, recipe.freeze), notes


def _average(network: nn.Module, decay: float) -> AveragedModel:
    mean = get_ema_multi_avg_fn(decay)
    return AveragedModel(network, multi_avg_fn=mean, use_buffers=True)


def _wrap(network: nn.Module, device: torch.device, world: int, *, compiled: bool) -> nn.Module:
    model = network
    if world > 1:
        model = DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)
    if compiled:
        model = torch.compile(model)  # type: ignore[assignment]
    return model
