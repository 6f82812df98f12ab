"""From a job to everything that its training needs."""

import platform
import shlex
from dataclasses import dataclass

import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.flop_counter import FlopCounterMode

from explorer import __version__
from explorer.data.dataset import Dataset
from explorer.data.preprocessing import Preprocessing, channel_statistics
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.models import build
from explorer.models.weights import Card
from explorer.recipes.recipe import Recipe
from explorer.specs import Spec
from explorer.training.batches import Evaluation, Place, TrainingBatches
from explorer.training.devices import choose_device, make_plan
from explorer.training.faults import ChanceWatch
from explorer.training.freezing import freeze
from explorer.training.initialisation import initialise
from explorer.training.loop import Training
from explorer.training.optimizers import Schedule, make_optimizer
from explorer.training.start import start_from
from explorer.training.synced_norm import synchronise_norms

PHOTOGRAPHS = ("flip", "crop")
CHARACTERS = ("crop",)  # a mirrored digit is another one, or none


@dataclass(frozen=True)
class Prepared:
    """A training that can begin, and what its directory says about it."""

    job: Job
    dataset: Dataset
    notes: tuple[str, ...]
    card: Card
    training: Training
    place: Place
    preprocessing: Preprocessing

    def test_batches(self) -> Evaluation:
        """The test set, which is touched once, at the end."""
        return Evaluation(self.dataset.test, self.preprocessing, self.job.recipe.batch_size, self.place)


def prepare(job: Job, dataset: Dataset, rank: int = 0, world: int = 1) -> Prepared:
    """Build the network, adapt it to the data, and make optimizer, schedule and batches.

    Args:
        job: as submitted; the spec and the recipe that come back are those adapted to the data.
        dataset: the job's.
        rank: of this process.
        world: how many processes there are; their process group is up.

    Raises:
        InputError: where job, data and machine don't fit each other.
    """
    spec, dataset, notes = adapted(job.spec, dataset, keep_channels=job.recipe.weights is not None)
    dataset = dataset.hold_out(job.recipe.validation_fraction, job.recipe.seed)
    recipe, more = completed(job.recipe, dataset)
    notes += more
    device = choose_device(job.resources.device, rank)

    torch.manual_seed(recipe.seed)  # the same weights in every process
    network = build(spec)
    initialise(network, recipe.init)
    if recipe.weights is not None:
        notes += start_from(network, recipe.weights)
    frozen = freeze(network, recipe.freeze)
    plan = make_plan(network, device, recipe.precision, forward_macs(spec) * recipe.batch_size)
    network = network.to(device, memory_format=plan.memory_format)  # type: ignore[call-overload]
    if world > 1:
        network = synchronise_norms(network, device)

    assert recipe.mean is not None  # noqa: S101  completed
    assert recipe.std is not None  # noqa: S101
    permutation = recipe.seed if "permute_pixels" in (recipe.augment or ()) else None
    preprocessing = Preprocessing(spec.image_size, recipe.mean, recipe.std, permutation)
    place = Place(device, plan.memory_format, rank, world)
    moves = [name for name in recipe.augment or () if name != "permute_pixels"]
    held = dataset.validation
    batches = TrainingBatches(dataset.train, preprocessing, moves, recipe.batch_size, recipe.seed, place)
    optimizer = make_optimizer(recipe, network.parameters())
    average = None
    if recipe.ema is not None:
        mean = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
        average = AveragedModel(network, multi_avg_fn=mean, use_buffers=True)
    training = Training(
        recipe=recipe,
        classes=len(dataset.classes),
        plan=plan,
        network=network,
        model=_spread(network, device, world, compiled=recipe.compile),
        average=average,
        frozen=frozen,
        optimizer=optimizer,
        schedule=Schedule(recipe, optimizer, batches.steps),
        scaler=plan.scaler(),
        batches=batches,
        validation=None if held is None else Evaluation(held, preprocessing, recipe.batch_size, place),
        chance=ChanceWatch(dataset.train.labels, len(dataset.classes)),
        sums=torch.zeros(3, device=device),
    )
    # Dropout differs between processes, as it does between the images of one.
    torch.manual_seed(recipe.seed + rank)
    adapted_job = Job(job.id, job.name, spec, job.dataset, recipe, job.resources)
    card = make_card(adapted_job, dataset, preprocessing, device)
    return Prepared(adapted_job, dataset, tuple(notes), card, training, place, preprocessing)


def adapted(spec: Spec, dataset: Dataset, *, keep_channels: bool) -> tuple[Spec, Dataset, list[str]]:
    """Spec and data that fit each other, and what was changed for that, in words.

    Args:
        spec: of the job.
        dataset: of the job.
        keep_channels: turn the images to grey or colour instead of changing the network's first layer.

    Raises:
        InputError: where the network can't have that many classes.
    """
    notes = list(dataset.notes)
    classes = len(dataset.classes)
    if spec.num_classes != classes:
        notes.append(
            _("The network has {classes} classes, as the data; the spec had {former}.").format(
                classes=classes, former=spec.num_classes
            )
        )
        spec = spec.changed(num_classes=classes)
    if spec.in_channels == dataset.channels:
        return spec, dataset, notes
    if keep_channels or spec.family == "torchvision":
        notes.append(
            _("The images are given to the network with {channels} channels; the data has {former}.").format(
                channels=spec.in_channels, former=dataset.channels
            )
        )
        return spec, dataset.recoloured(spec.in_channels), notes
    notes.append(
        _("The network takes images of {channels} channels, as the data; the spec had {former}.").format(
            channels=dataset.channels, former=spec.in_channels
        )
    )
    return spec.changed(in_channels=dataset.channels), dataset, notes


def completed(recipe: Recipe, dataset: Dataset) -> tuple[Recipe, list[str]]:
    """The recipe with what it leaves to the data, and what was chosen, in words."""
    notes = []
    if recipe.augment is None:
        augment = PHOTOGRAPHS if dataset.mirrored else CHARACTERS
        recipe = recipe.changed(augment=augment)
        notes.append(_("Augmentation that suits the data: {names}.").format(names=", ".join(augment)))
    if recipe.mean is not None and len(recipe.mean) not in (1, dataset.channels):
        notes.append(
            _("The recipe's mean and std are for {count} channels: those of the data are used.").format(
                count=len(recipe.mean)
            )
        )
        recipe = recipe.changed(mean=None, std=None)
    if recipe.mean is None or recipe.std is None:
        mean, std = channel_statistics(dataset.train)
        return recipe.changed(mean=mean, std=std), notes
    each = dataset.channels // len(recipe.mean)
    return recipe.changed(mean=recipe.mean * each, std=recipe.std * each), notes


def forward_macs(spec: Spec) -> int:
    """Multiply-accumulates of one image, forward."""
    network = build(spec, "meta").eval()
    image = torch.empty(1, spec.in_channels, spec.image_size, spec.image_size, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    return int(counter.get_total_flops()) // 2


def make_card(job: Job, dataset: Dataset, preprocessing: Preprocessing, device: torch.device) -> Card:
    """What is known of the weights before they are trained."""
    held = len(dataset.validation) if dataset.validation is not None else 0
    arguments = ["train", job.spec.to_json(), "--dataset", job.dataset, "--recipe", recipe_text(job.recipe)]
    return Card(
        name=job.name,
        spec=job.spec.to_dict(),
        classes=dataset.classes,
        preprocessing=preprocessing.to_dict(),
        data={
            "name": dataset.name,
            "train_images": len(dataset.train),
            "validation_images": held,
            "test_images": len(dataset.test),
        },
        recipe=job.recipe.to_dict(),
        made_by={
            "command": shlex.join(["python", "-m", "explorer", *arguments]),
            "job": job.id,
            "version": __version__,
            "hardware": hardware(device),
        },
    )


def recipe_text(recipe: Recipe) -> str:
    """The recipe as the command line takes it."""
    return recipe.model_dump_json()


def hardware(device: torch.device) -> str:
    """The device in a few words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {device.type}, {torch.get_num_threads()} threads"


def _spread(network: nn.Module, device: torch.device, world: int, *, compiled: bool) -> nn.Module:
    model = network
    if world > 1:
        model = DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)
    if compiled:
        model = torch.compile(model)  # type: ignore[assignment]
    return model
