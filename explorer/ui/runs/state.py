"""The state of the Runs page: from the link to the widgets and back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from explorer.jobs.store import Record, Status
from explorer.ui.page_state import FieldsState
from explorer.ui.runs.view import MOST, RunsView

VIEW = "runs.view."  # of the widgets' keys
TABLE = "runs.table"


@dataclass
class RunsState(FieldsState[RunsView]):
    """The Runs page's state.

    Attributes:
        order: The ids in the rows of the table, as the browser has them.
        statuses: The statuses of all runs when the page was last drawn as a whole.
        asking: What the user is asked before it is done, and for which runs.
        said: Why what was clicked last could not be done.
        picked: Whether runs were chosen in the table, and the rest of the page is not drawn for them yet.
    """

    NAME: ClassVar[str] = "watching"
    PAGE: ClassVar[str] = "runs"
    PREFIX: ClassVar[str] = VIEW
    PREFIXES: ClassVar[tuple[str, ...]] = (VIEW,)
    PARAMETERS: ClassVar[frozenset[str]] = frozenset(RunsView.model_fields)
    EMPTY_LINK: ClassVar[bool] = True
    WIDGETS: ClassVar[tuple[str, ...]] = ("text", "status", "seeds", "settings", "measure", "log")

    view: RunsView = field(default_factory=RunsView, kw_only=True)
    order: list[str] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)
    asking: tuple[str, tuple[str, ...]] = ("", ())
    said: str = ""
    picked: bool = False


def watching() -> RunsState:
    """The session's state."""
    return RunsState.of_session()


def change(**fields: object) -> None:
    """The user changes the view: in a callback."""
    watching().change(**fields)


def choose(jobs: Sequence[str], **view: object) -> None:
    """The user chooses runs, and what else of the view is given: in a callback."""
    change(job=tuple(jobs[:MOST]), **view)


def matching(records: Sequence[Record], view: RunsView, words: dict[str, str]) -> list[Record]:
    """The runs that the filters let through.

    Args:
        records: all of them.
        view: with the filters.
        words: what the text is looked for in, by id.
    """
    wanted = view.text.strip().casefold().split()
    return [
        record
        for record in records
        if (not view.status or record.status in view.status)
        and (not view.sweep or record.sweep == view.sweep)
        and all(word in words[record.id] for word in wanted)
    ]
