"""The lifetimes of the tensors of a forward pass, and their peak memory.

Python frees a tensor when its last reference goes: the image when the caller drops it, the input of a module when the
module returns, a local variable when its function returns. The last operator that reads a tensor does not tell that, so
weak references watch the tensors themselves.
"""

import weakref
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from torch import Tensor


class TensorLifetimes:
    """The memory of tensors while operators run; views and in-place results share memory.

    ``peak`` are the sizes in bytes of the memories in use at the peak.
    """

    def __init__(self, on_free: Callable[[int, None], Any]) -> None:
        """Starts without tensors.

        Args:
            on_free: Function of the id of a watched tensor that has been freed; another tensor may get the same id.
        """
        self.peak: list[int] = []
        self._on_free = on_free
        self._numbers = count()
        self._watched: dict[int, tuple[weakref.ref[Tensor], int]] = {}  # by the id of the tensor
        self._number_of: dict[int, int] = {}  # by the address of the memory
        self._tensor_counts: dict[int, int] = {}  # by the number of the memory
        self._sizes: dict[int, int] = {}  # bytes by the number of the memory, parameters excluded
        self._bytes_now = self._bytes_at_peak = 0

    def watch(self, tensor: Tensor, *, new: bool) -> int:
        """Watches a tensor and returns the number of its memory, which is never used again.

        Args:
            tensor: Tensor, which may be watched already.
            new: Whether memory that is not known yet counts; the memory of parameters does not.
        """
        key = id(tensor)
        if key in self._watched:
            return self._watched[key][1]
        storage = tensor.untyped_storage()
        address = storage._cdata  # unique among the memories in use
        number = self._number_of.get(address)
        if number is None:
            number = self._number_of[address] = next(self._numbers)
            self._tensor_counts[number] = 0
            if new:
                self._sizes[number] = storage.nbytes()
                self._bytes_now += storage.nbytes()
        self._tensor_counts[number] += 1
        self._watched[key] = weakref.ref(tensor, partial(self._free, key, address)), number
        return number

    def update_peak(self) -> None:
        """Updates the peak; call it after each operator."""
        if self._bytes_now > self._bytes_at_peak:
            self._bytes_at_peak, self.peak = self._bytes_now, list(self._sizes.values())

    def stop(self) -> None:
        """Stops watching."""
        self._watched.clear()

    def _free(self, key: int, address: int, _reference: weakref.ref[Tensor]) -> None:
        number = self._watched.pop(key)[1]
        self._on_free(key, None)
        self._tensor_counts[number] -= 1
        if not self._tensor_counts[number]:
            del self._tensor_counts[number], self._number_of[address]
            self._bytes_now -= self._sizes.pop(number, 0)
