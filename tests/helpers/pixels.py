"""Images for tests."""

from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.errors import InputError


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Random pixels, the hardest images for a comparison of resampling."""
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


class Decoded:
    """Images of any sizes in place of files; None is a broken file."""

    def __init__(self, images: Sequence[Tensor | None]) -> None:
        self.images = images
        self.names = [f"{index}.png" for index in range(len(images))]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        image = self.images[index]
        if image is None:
            raise InputError(f"{self.names[index]}: is broken")
        return image

    def take(self, indices: Sequence[int]) -> "Decoded":
        return Decoded([self.images[index] for index in indices])
