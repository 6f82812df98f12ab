"""The view of the Runs page, which its link contains."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from explorer.i18n import _
from explorer.jobs.store import Status
from explorer.ui.page_state import PageFields

MAX_CHOSEN = 100  # most chosen runs

_ID = re.compile(r"[a-z0-9]{0,32}")


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise PydanticCustomError("id", _("it is not an id: those are lowercase letters and digits"))
    return text


Id = Annotated[str, AfterValidator(_id)]
LogAxis = Literal["loss", "rate", "grad_norm"]
Section = Literal["curves", "sweep", "gradients", "test", "settings", "log", "files"]


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


class RunsView(PageFields):
    """Filters of the table, the chosen runs, and the open section.

    Attributes:
        job: Ids of the chosen runs.
        text: Filter: words in name, network or data of a run.
        status: Filter: statuses. Empty for all.
        sweep: Filter: id of a sweep.
        sheet: Page of the list, from 1.
        show: Open section. None for the first one.
        seeds: Whether the charts show runs that differ only in their seed as one line with a spread.
        settings: Which settings are listed.
        measure: Accuracy by which the runs of a sweep are compared.
        log: Charts with a logarithmic axis.
        run: Id of the chosen run whose confusion matrix and mistakes are shown.
    """

    job: Annotated[tuple[Id, ...], AfterValidator(_unique), Field(max_length=MAX_CHOSEN)] = ()
    text: Annotated[str, Field(max_length=100)] = ""
    status: tuple[Status, ...] = ()
    sweep: Id = ""
    sheet: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    show: Section | None = None
    seeds: Literal["apart", "together"] = "together"
    settings: Literal["different", "all"] = "different"
    measure: Literal["validation", "validation3", "test", "test3"] = "validation"
    log: Annotated[tuple[LogAxis, ...], AfterValidator(_unique)] = ("rate", "grad_norm")
    run: Id = ""
