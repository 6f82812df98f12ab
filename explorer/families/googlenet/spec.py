"""The ``googlenet`` family: a stem and a table of Inception modules (Szegedy et al. 2015, Table 1)."""

import re
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, model_validator

from explorer.errors import SpecError, shown
from explorer.i18n import _
from explorer.specs.activation import ActivatedSpec
from explorer.specs.base import Flag, Preset, Probability
from explorer.specs.size import Size

MAX_MODULES = 64
MAX_BRANCH = 8192
AUX_WINDOW = 5
AUX_STRIDE = 3
AUX_SIDE = 4
COLUMNS = ("1x1", "3x3 reduce", "3x3", "5x5 reduce", "5x5", "pool projection")
_NAME = re.compile(r"[A-Za-z0-9]{1,12}")
RESERVED = "empty"  # stands for the empty list in a link


class Module(NamedTuple):
    """One row of the table: the channels of each branch, with the paper's names."""

    name: str
    ch1x1: int
    ch3x3red: int
    ch3x3: int
    ch5x5red: int
    ch5x5: int
    pool_proj: int


def parse_rows(raw: object) -> tuple[Module, ...]:
    """The table of modules from JSON.

    Raises:
        SpecError: If a value breaks a rule; names row, column and value.
    """
    if not isinstance(raw, list | tuple):
        raise SpecError(_("modules: {value} is not a list").format(value=shown(raw)))
    if not 1 <= len(raw) <= MAX_MODULES:
        raise SpecError(
            _("modules: {count} rows; a network has 1 to {limit}").format(count=len(raw), limit=MAX_MODULES)
        )
    rows = tuple(_row(row, index) for index, row in enumerate(raw))
    names = [row.name for row in rows]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise SpecError(
                _("modules, row {number}: the name {name} occurs twice in the table").format(
                    number=index + 1, name=shown(name)
                )
            )
    return rows


def is_name(text: str) -> bool:
    """Whether a text is allowed as the name of a module."""
    return bool(_NAME.fullmatch(text)) and text != RESERVED


def _row(raw: object, index: int) -> Module:
    if not isinstance(raw, list | tuple) or len(raw) != len(Module._fields):
        raise SpecError(
            _("modules, row {number}: {value} is not a row of a name and six channel counts").format(
                number=index + 1, value=shown(raw)
            )
        )
    name, *channels = raw
    if not isinstance(name, str) or not is_name(name):
        raise SpecError(
            _(
                "modules, row {number}: the name {name} is not 1 to 12 letters and digits, or is the word empty, "
                "which is reserved"
            ).format(number=index + 1, name=shown(name))
        )
    for column, value in zip(COLUMNS, channels, strict=True):
        if value is None:
            raise SpecError(
                _("modules, row {number} ({name}), {column}: empty; give a number of channels up to {limit:,}").format(
                    number=index + 1, name=name, column=column, limit=MAX_BRANCH
                )
            )
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_BRANCH:
            raise SpecError(
                _("modules, row {number} ({name}), {column}: {value} is not a positive integer up to {limit:,}").format(
                    number=index + 1, name=name, column=column, value=shown(value), limit=MAX_BRANCH
                )
            )
    return Module(name, *channels)


Names = Annotated[tuple[str, ...], Field(max_length=MAX_MODULES, fail_fast=True)]


class GoogLeNetSpec(ActivatedSpec):
    """Inception modules in order, the pools and auxiliary heads between them, and the stem.

    If ``reduce`` is false, modules are naive (Figure 2a of the paper) and ignore the reduce and projection columns.
    ``last_pool`` is the window of the last pool of ``pool_after``. An auxiliary head begins with the paper's 5x5
    average pool at stride 3 (``aux_pool`` average) or with torchvision's adaptive average pool to 4x4 cells (adaptive).
    """

    title: ClassVar[str] = "GoogLeNet"
    position: ClassVar[int] = 3
    epsilon: ClassVar[float] = 1e-3  # epsilon of the batch norms; torchvision's

    family: Literal["googlenet"] = "googlenet"
    modules: Annotated[tuple[Module, ...], BeforeValidator(parse_rows)]
    pool_after: Names = ("3b", "4e")
    aux_after: Names = ("4a", "4d")
    stem: Literal["imagenet", "cifar"] = "imagenet"
    batch_norm: Flag = False
    branch5x5: Literal[5, 3] = 5
    reduce: Flag = True
    last_pool: Literal[3, 2] = 3
    dropout: Probability = 0.4
    aux_dropout: Probability = 0.7  # Szegedy et al. 2015, section 5
    aux_pool: Literal["average", "adaptive"] = "average"

    @property
    def tensorflow_inputs(self) -> bool:
        return self.branch5x5 == 3 and self.batch_norm

    def uncounted(self) -> frozenset[str]:
        return frozenset(["dropout", "aux_after", "aux_dropout", "aux_pool"])

    def describe(self) -> str:
        return _("Inception network, modules {names}").format(names=", ".join(row.name for row in self.modules))

    def structure(self) -> list[object]:
        return [(row.name in self.pool_after) for row in self.modules]

    def without_auxiliary_heads(self) -> Self:
        return self.changed(aux_after=[])

    def aux_size(self, size: Size) -> Size:
        """Rows and columns of the pooled map in an auxiliary head.

        Args:
            size: Rows and columns of the map that the head reads.
        """
        return Size(AUX_SIDE, AUX_SIDE) if self.aux_pool == "adaptive" else size.through(AUX_WINDOW, AUX_STRIDE)

    def pool_kernel(self, name: str) -> int:
        """Side of the window of the pool after a module of ``pool_after``."""
        return self.last_pool if name == self.pool_after[-1] else 3

    @model_validator(mode="before")
    @classmethod
    def _defaults_that_exist(cls, data: Any) -> Any:
        # The defaults name modules of the published table; this table may lack some of them.
        if not isinstance(data, dict) or not isinstance(data.get("modules"), list | tuple):
            return data
        names = {row[0] for row in data["modules"] if isinstance(row, list | tuple) and row and isinstance(row[0], str)}
        missing = [key for key in ("pool_after", "aux_after") if key not in data]
        return {**data, **{key: tuple(n for n in cls.model_fields[key].default if n in names) for key in missing}}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [row.name for row in self.modules]
        for key, chosen in (("pool_after", self.pool_after), ("aux_after", self.aux_after)):
            for index, name in enumerate(chosen):
                if name not in names:
                    raise SpecError(
                        _("{key}, entry {number}: there is no module {name}").format(
                            key=key, number=index + 1, name=shown(name)
                        )
                    )
            if list(chosen) != sorted(set(chosen), key=names.index):
                raise SpecError(_("{key}: each module at most once, in the order of the table").format(key=key))
        self._check_maps()
        return self

    def _check_maps(self) -> None:
        size = self.sides
        pools = ["conv1", "pool1", "pool2"] if self.stem == "imagenet" else []
        for name in pools:
            size = size.through(7, 2, 3) if name == "conv1" else self._pooled(size, name, 3)
        for row in self.modules:
            if row.name in self.aux_after and min(self.aux_size(size)) < 1:
                raise SpecError(
                    _(
                        "aux_after: the head after {name} averages {window}×{window} windows, but a {size} map "
                        "arrives at image_size {image}; take {name} out of aux_after"
                    ).format(name=row.name, window=AUX_WINDOW, size=size, image=self.image_size)
                )
            if row.name in self.pool_after:
                size = self._pooled(size, row.name, self.pool_kernel(row.name))

    def _pooled(self, size: Size, name: str, kernel: int) -> Size:
        out = size.through(kernel, 2, ceil=True)
        if min(out) < 1:
            raise SpecError(
                _("image_size: {image} is too small: the {kernel}×{kernel} pool after {name} gets a {size} map").format(
                    image=self.image_size, kernel=kernel, name=name, size=size
                )
            )
        return out


_TABLE1 = (
    Module("3a", 64, 96, 128, 16, 32, 32),
    Module("3b", 128, 128, 192, 32, 96, 64),
    Module("4a", 192, 96, 208, 16, 48, 64),
    Module("4b", 160, 112, 224, 24, 64, 64),
    Module("4c", 128, 128, 256, 24, 64, 64),
    Module("4d", 112, 144, 288, 32, 64, 64),
    Module("4e", 256, 160, 320, 32, 128, 128),
    Module("5a", 256, 160, 320, 32, 128, 128),
    Module("5b", 384, 192, 384, 48, 128, 128),
)
# Channels for ten classes: a third of a million parameters.
_SMALL = (
    Module("3a", 32, 32, 48, 8, 16, 16),
    Module("4a", 48, 48, 64, 12, 24, 24),
    Module("4b", 64, 48, 96, 12, 32, 32),
    Module("5a", 96, 64, 128, 16, 48, 48),
)
_PAPER = "Szegedy et al. 2015, Table 1"

PRESETS = (
    Preset("googlenet", "GoogLeNet", _PAPER, GoogLeNetSpec(modules=_TABLE1), twin=""),
    Preset(
        "googlenet-naive",
        "GoogLeNet with naive modules",
        "Szegedy et al. 2015, Figure 2a",
        GoogLeNetSpec(modules=_TABLE1, reduce=False),
    ),
    Preset(
        "googlenet-torchvision",
        "GoogLeNet as in torchvision",
        "torchvision: batch norm, 3x3 for 5x5, 2x2 last pool, 4x4 heads",
        GoogLeNetSpec(modules=_TABLE1, batch_norm=True, branch5x5=3, last_pool=2, dropout=0.2, aux_pool="adaptive"),
        twin="googlenet",
    ),
    Preset(
        "googlenet-bn-cifar10",
        "GoogLeNet with batch norm for CIFAR-10",
        "public CIFAR-10 training repositories",
        GoogLeNetSpec(modules=_TABLE1, aux_after=(), stem="cifar", batch_norm=True, image_size=32, num_classes=10),
    ),
    Preset(
        "googlenet-small-cifar10",
        "Small GoogLeNet for CIFAR-10",
        "This project",
        GoogLeNetSpec(
            modules=_SMALL,
            pool_after=("3a", "4b"),
            aux_after=(),
            stem="cifar",
            batch_norm=True,
            image_size=32,
            num_classes=10,
        ),
    ),
)
