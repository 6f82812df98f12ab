"""What the Runs page shows: all of it stands in the link."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from explorer.i18n import _
from explorer.jobs.store import Status
from explorer.ui.page_state import PageFields

MOST = 100  # runs close up: as many as a sweep has

_ID = re.compile(r"[a-z0-9]{0,32}")


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise PydanticCustomError("id", _("it is no id: those are lowercase letters and digits"))
    return text


Id = Annotated[str, AfterValidator(_id)]
LogAxis = Literal["loss", "rate", "grad_norm"]
Section = Literal["curves", "sweep", "test", "settings", "log", "files"]


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


class RunsView(PageFields):
    """Which runs are listed, which are chosen, and what is shown of these.

    Attributes:
        job: ids of the runs chosen.
        text: that the name, network or data of a run listed has.
        status: of the runs listed; none is any.
        sweep: id of the sweep that the runs listed belong to.
        show: of the runs chosen; none is what says most of them.
        seeds: whether runs that differ in their seed alone are drawn as one, with their spread.
        settings: which of the settings are listed.
        measure: what the sweep is judged by.
        log: the charts whose axis is logarithmic.
        run: the one of several chosen whose confusion and mistakes are shown.
    """

    job: Annotated[tuple[Id, ...], AfterValidator(_once), Field(max_length=MOST)] = ()
    text: Annotated[str, Field(max_length=100)] = ""
    status: tuple[Status, ...] = ()
    sweep: Id = ""
    show: Section | None = None
    seeds: Literal["apart", "together"] = "together"
    settings: Literal["different", "all"] = "different"
    measure: Literal["validation", "validation3", "test", "test3"] = "validation"
    log: Annotated[tuple[LogAxis, ...], AfterValidator(_once)] = ("rate", "grad_norm")
    run: Id = ""
