"""Augmentation, compared with torchvision: its functions in the same windows, and the windows it samples."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.v2 import functional as reference

from explorer.data.preprocessing import resize
from explorer.training.augment import (
    AREA,
    NUMBERS_PER_IMAGE,
    RATIO,
    Strength,
    Windows,
    compute_windows,
    cutout_mask,
    resample_windows,
    rotate,
    rotate_and_add_noise,
    sample_parameters,
)
from tests.helpers.pixels import noise

ALL = tuple(NUMBERS_PER_IMAGE)


def test_parameters_depend_only_on_seed_and_epoch() -> None:
    state = torch.get_rng_state()
    first, again = sample_parameters(ALL, 50, 3, 4), sample_parameters(ALL, 50, 3, 4)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first.order, again.order)
    assert all(torch.equal(first.uniform[name], again.uniform[name]) for name in ALL)
    assert torch.equal(first.order.sort().values, torch.arange(50))
    for seed, epoch in ((3, 5), (4, 4), (4, 3)):
        other = sample_parameters(ALL, 50, seed, epoch)
        assert not torch.equal(first.order, other.order)
        assert not any(torch.equal(first.uniform[name], other.uniform[name]) for name in ALL)


def test_the_order_of_augmentations_makes_no_difference() -> None:
    one, other = (
        sample_parameters(("crop", "flip"), 20, 0, 0),
        sample_parameters(("flip", "permute_pixels", "crop"), 20, 0, 0),
    )
    assert torch.equal(one.order, sample_parameters((), 20, 0, 0).order)
    assert one.uniform.keys() == other.uniform.keys()
    assert all(torch.equal(one.uniform[name], other.uniform[name]) for name in one.uniform)


def test_without_augmentation_images_are_unchanged() -> None:
    images = noise(3, 3, 32, 32)
    assert resample_windows(images, compute_windows(sample_parameters((), 3, 0, 0).uniform, 32, 32, 32), 32) is images
    small = noise(3, 3, 20, 24)
    assert torch.equal(resample_windows(small, Windows(), 32), resize(small, 32))


@pytest.mark.parametrize("size", [8, 28, 32])
def test_crop_and_flip_equal_torchvision(size: int) -> None:
    images, numbers = noise(64, 3, size, size), sample_parameters(("flip", "crop"), 64, 0, 0).uniform
    windows = compute_windows(numbers, size, size, size)
    assert windows.shift is not None
    assert windows.mirrored is not None
    reach = size // 8
    for image, result, (down, right), mirrored in zip(
        images, resample_windows(images, windows, size), windows.shift.tolist(), windows.mirrored, strict=True
    ):
        expected = reference.crop(reference.pad(image, [reach] * 4), reach + down, reach + right, size, size)
        assert torch.equal(result, (reference.horizontal_flip(expected) if mirrored else expected).float())


def test_crop_comes_after_the_resize() -> None:
    images, numbers = noise(16, 1, 50, 41), sample_parameters(("flip", "crop"), 16, 0, 0).uniform
    windows = compute_windows(numbers, 50, 41, 32)
    assert torch.equal(resample_windows(images, windows, 32), resample_windows(resize(images, 32).byte(), windows, 32))


@pytest.mark.parametrize(("height", "width", "size"), [(32, 32, 32), (90, 60, 32), (40, 56, 64)])
def test_random_resized_crop_equals_torchvision(height: int, width: int, size: int) -> None:
    images, numbers = noise(64, 3, height, width), sample_parameters(("flip", "random_resized_crop"), 64, 1, 2).uniform
    windows = compute_windows(numbers, height, width, size)
    assert windows.box is not None
    assert windows.mirrored is not None
    expected = torch.stack(
        [
            reference.resized_crop(image, *box, [size, size], antialias=True)
            for image, box in zip(images, windows.box.tolist(), strict=True)
        ]
    )
    expected = torch.where(windows.mirrored[:, None, None, None], expected.flip(3), expected)
    result = resample_windows(images, windows, size)
    assert (result - expected).abs().max() <= 1
    assert (result != expected).float().mean() < 0.02  # ties may be rounded up or down


@pytest.mark.parametrize("augment", [("flip", "random_resized_crop"), ("flip", "crop")])
def test_an_image_is_resampled_alone_as_in_a_batch(augment: tuple[str, ...]) -> None:
    images, windows = noise(20, 3, 120, 90), compute_windows(sample_parameters(augment, 20, 0, 0).uniform, 120, 90, 72)
    together = resample_windows(images, windows, 72)
    for index in range(20):
        alone = slice(index, index + 1)
        assert torch.equal(resample_windows(images[alone], windows.select(alone), 72), together[alone])


def test_a_box_of_the_right_size_is_exact() -> None:
    images, box = noise(2, 3, 40, 50), torch.tensor([[3, 18, 32, 32], [8, 0, 32, 32]])
    result = resample_windows(images, Windows(box), 32)
    assert torch.equal(result[0], images[0, :, 3:35, 18:50].float())
    assert torch.equal(result[1], images[1, :, 8:40, :32].float())


def distance(ours: Tensor, theirs: Tensor) -> float:
    """Largest distance between two empirical distributions (Kolmogorov and Smirnov)."""
    at = torch.cat((ours, theirs)).unique()
    shares = [torch.searchsorted(values.sort().values, at, right=True) / len(values) for values in (ours, theirs)]
    return (shares[0] - shares[1]).abs().max().item()


@pytest.mark.parametrize(("height", "width"), [(224, 224), (300, 150), (100, 400)])
def test_boxes_are_distributed_as_in_torchvision(height: int, width: int) -> None:
    count = 4000
    ours = compute_windows(sample_parameters(("random_resized_crop",), count, 0, 0).uniform, height, width, 32).box
    assert ours is not None
    image = torch.empty(1, height, width)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torch.tensor([RandomResizedCrop.get_params(image, list(AREA), list(RATIO)) for _ in range(count)])
    limit = math.sqrt(-math.log(1e-4 / 2) / count)  # one pair of samples in 10,000 is further apart by chance
    measures: tuple[Callable[[Tensor], Tensor], ...] = (
        lambda box: box[:, 0] / (height - box[:, 2]).clamp(min=1),
        lambda box: box[:, 1] / (width - box[:, 3]).clamp(min=1),
        lambda box: box[:, 2].double(),
        lambda box: box[:, 3].double(),
        lambda box: box[:, 2] * box[:, 3] / (height * width),
        lambda box: box[:, 2] / box[:, 3],
    )
    for measure in measures:
        assert distance(measure(ours), measure(theirs)) < limit


@pytest.mark.parametrize(("height", "width"), [(1, 100), (3, 200), (100, 1), (200, 3)])
def test_without_a_fitting_box_the_middle_is_used_as_in_torchvision(height: int, width: int) -> None:
    expected = RandomResizedCrop.get_params(torch.empty(1, height, width), list(AREA), list(RATIO))
    box = compute_windows(sample_parameters(("random_resized_crop",), 100, 0, 0).uniform, height, width, 32).box
    assert box is not None
    assert box.unique(dim=0).tolist() == [list(expected)]


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 1000))
def test_boxes_lie_in_the_image(height: int, width: int, seed: int) -> None:
    box = compute_windows(sample_parameters(("random_resized_crop",), 20, seed, 0).uniform, height, width, 32).box
    assert box is not None
    assert (box[:, :2] >= 0).all()
    assert (box[:, 2:] >= 1).all()
    assert (box[:, :2] + box[:, 2:] <= torch.tensor((height, width))).all()


def test_the_largest_number_keeps_boxes_in_the_image() -> None:
    numbers = {name: torch.full((1, count), 1 - 2.0**-24) for name, count in NUMBERS_PER_IMAGE.items()}
    for size in range(1, 300):
        windows = compute_windows(numbers, size, size, size)
        assert windows.box is not None
        assert windows.shift is not None
        assert (windows.box[0, :2] + windows.box[0, 2:] <= size).all()
        assert (windows.shift == size // 8).all()


def test_shifts_and_flips_are_uniform() -> None:
    windows = compute_windows(sample_parameters(("flip", "crop"), 81_000, 0, 0).uniform, 32, 32, 32)
    assert windows.shift is not None
    assert windows.mirrored is not None
    counts = torch.bincount(((windows.shift + 4) * torch.tensor([9, 1])).sum(1), minlength=81)
    assert len(counts) == 81
    assert ((counts - 1000) ** 2 / 1000).sum() < 140  # chi square of 80 degrees of freedom: 1 in 20,000 is above
    assert abs(windows.mirrored.float().mean() - 0.5) < 4 * 0.5 / math.sqrt(81_000)


@pytest.mark.parametrize("size", [8, 28, 33])
def test_rotation_equals_torchvision(size: int) -> None:
    images = resize(noise(12, 3, 6, 6), size).byte()  # smooth, so that a rounded position has a similar value
    degrees = torch.linspace(-180, 180, 12, dtype=torch.float64)
    found = rotate(images, degrees)
    for image, angle, result in zip(images, degrees.tolist(), found, strict=True):
        expected = reference.rotate(image, angle, reference.InterpolationMode.BILINEAR)
        inside = reference.rotate(torch.ones(1, size, size), angle, reference.InterpolationMode.BILINEAR) > 0.999
        apart = (result - expected.int()).abs()[inside.expand(3, -1, -1)]
        assert apart.max() <= 2
        assert ((result == 0) | inside | (expected > 0)).all()  # free corners are black


def test_rotations_by_right_angles_are_exact() -> None:
    images = noise(3, 3, 9, 9)
    for quarters in range(-2, 3):
        assert torch.equal(rotate(images, torch.full((3,), 90.0 * quarters)), images.rot90(quarters, (2, 3)).int())


def test_angles_are_uniform_up_to_the_limit() -> None:
    parameters = sample_parameters(("rotation",), 3000, 0, 0)
    images = noise(1, 1, 16, 16).expand(3000, 1, 16, 16)
    small, large = (
        rotate_and_add_noise(images, parameters, Strength(degrees=degrees)).float() for degrees in (1e-4, 45.0)
    )
    assert torch.equal(small, images.float())
    angles = 45 * (2 * parameters.uniform["rotation"][:, 0] - 1)
    assert torch.equal(large[7], rotate(images[7:8], angles[7:8].double())[0].float())
    assert distance(angles, torch.linspace(-45, 45, 3000)) < math.sqrt(-math.log(1e-4 / 2) / 3000)


def test_noise_is_normal_and_differs_between_images() -> None:
    parameters, images = sample_parameters(("noise",), 40, 3, 1), torch.full((40, 3, 32, 32), 128, dtype=torch.uint8)
    assert parameters.normal is not None
    found = rotate_and_add_noise(images, parameters, Strength(noise=0.05)) - 128
    std, count = 255 * 0.05, found.numel()
    assert abs(found.mean()) < 5 * std / count**0.5
    assert abs(found.std() / std - 1) < 5 / (2 * count) ** 0.5
    assert abs((found / std).pow(4).mean() - 3) < 5 * (96 / count) ** 0.5
    assert len({tuple(image[:8].tolist()) for image in found.flatten(1)}) == 40
    loud = rotate_and_add_noise(images, parameters, Strength(noise=1.0))
    assert (int(loud.min()), int(loud.max())) == (0, 255)
    wide = torch.zeros(1, 1, 1100, 1100, dtype=torch.uint8)  # more pixels than there are numbers
    assert (
        rotate_and_add_noise(wide, parameters.select(slice(0, 1), torch.device("cpu")), Strength()).shape == wide.shape
    )


@pytest.mark.parametrize("size", [1, 7, 8, 28, 30, 32])
def test_cutout_hides_half_the_side_around_a_pixel(size: int) -> None:
    numbers = sample_parameters(("cutout",), 200, 0, 0).uniform["cutout"]
    half = size // 2
    for mask, (y, x) in zip(cutout_mask(numbers, size), (numbers * size).long().tolist(), strict=True):
        expected = torch.zeros(1, size, size, dtype=torch.bool)
        top, left = y - half // 2, x - half // 2
        expected[:, max(top, 0) : top + half, max(left, 0) : left + half] = True
        assert torch.equal(mask, expected)


def test_cutout_is_centred_anywhere() -> None:
    masks = cutout_mask(sample_parameters(("cutout",), 20_000, 0, 0).uniform["cutout"], 32)
    sizes = masks.flatten(1).sum(1)
    assert sizes.max() == 16 * 16
    assert sizes.min() == 8 * 8  # around a corner
    # A pixel in the middle is hidden from 16 x 16 of the 32 x 32 centres; one in the corner from 8 x 9 or so.
    assert masks[:, 0, 16, 16].float().mean() == pytest.approx(0.25, abs=0.015)
    assert masks[:, 0, 0, 0].float().mean() == pytest.approx(9 * 9 / 32**2, abs=0.01)
    assert masks[:, 0, 31, 31].float().mean() == pytest.approx(8 * 8 / 32**2, abs=0.01)
