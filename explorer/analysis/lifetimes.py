"""How long the tensors of a forward pass live, and how much memory they take at most.

Python frees a tensor with the last name that refers to it: the image when its caller lets go of it, the input of a
module when the module returns, a local variable with its function. So it is not enough to know which operator reads
a tensor last, and we watch the tensors themselves.
"""

import weakref
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from torch import Tensor


class Lifetimes:
    """The memory that tensors hold while operators run; views and in-place results share theirs.

    ``peak`` are the sizes in bytes of what was alive when it was most.
    """

    def __init__(self, died: Callable[[int, None], Any]) -> None:
        """Watch nothing yet.

        Args:
            died: is told the id of each watched tensor that has gone, which another may take.
        """
        self.peak: list[int] = []
        self._died = died
        self._numbers = count()
        self._watched: dict[int, tuple[weakref.ref[Tensor], int]] = {}  # by the id of the tensor
        self._at: dict[int, int] = {}  # the address of a memory -> its number
        self._holders: dict[int, int] = {}  # by number: the tensors in it
        self._sizes: dict[int, int] = {}  # by number: the bytes of those that count
        self._now = self._most = 0

    def watch(self, tensor: Tensor, *, new: bool) -> int:
        """The number of a tensor's memory; no other ever gets the same.

        Args:
            tensor: known already or not.
            new: whether memory that wasn't known counts: that of parameters does not.
        """
        key = id(tensor)
        if key in self._watched:
            return self._watched[key][1]
        storage = tensor.untyped_storage()
        address = storage._cdata  # unique among living memories
        number = self._at.get(address)
        if number is None:
            number = self._at[address] = next(self._numbers)
            self._holders[number] = 0
            if new:
                self._sizes[number] = storage.nbytes()
                self._now += storage.nbytes()
        self._holders[number] += 1
        self._watched[key] = weakref.ref(tensor, partial(self._gone, key, address)), number
        return number

    def weigh(self) -> None:
        """Look how much is alive; to be called after each operator."""
        if self._now > self._most:
            self._most, self.peak = self._now, list(self._sizes.values())

    def stop(self) -> None:
        """Watch no longer."""
        self._watched.clear()

    def _gone(self, key: int, address: int, _reference: weakref.ref[Tensor]) -> None:
        number = self._watched.pop(key)[1]
        self._died(key, None)
        self._holders[number] -= 1
        if not self._holders[number]:
            del self._holders[number], self._at[address]
            self._now -= self._sizes.pop(number, 0)
