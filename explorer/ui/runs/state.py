"""The state of the Runs page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from explorer.jobs.store import Record, Status
from explorer.ui.page_state import FieldsState
from explorer.ui.runs.view import MAX_CHOSEN, RunsView

VIEW = "runs.view."  # prefix of the widgets' keys
TABLE = "runs.table"


@dataclass
class RunsState(FieldsState[RunsView]):
    """The Runs page's state.

    Attributes:
        row_ids: Ids in the rows of the table, as the browser shows them.
        statuses: Statuses of all runs at the last run of the whole page.
        dialog: Name of the open dialog, and the ids of its runs. The name is empty if none is open.
        error: Error of the last action.
        selection_changed: Whether the selection in the table has changed since the last run of the whole page.
    """

    NAME: ClassVar[str] = "watching"
    PAGE: ClassVar[str] = "runs"
    PREFIX: ClassVar[str] = VIEW
    PREFIXES: ClassVar[tuple[str, ...]] = (VIEW,)
    PARAMETERS: ClassVar[frozenset[str]] = frozenset(RunsView.model_fields)
    EMPTY_LINK: ClassVar[bool] = True
    WIDGETS: ClassVar[tuple[str, ...]] = ("text", "status", "seeds", "settings", "measure", "log")

    view: RunsView = field(default_factory=RunsView, kw_only=True)
    row_ids: list[str] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)
    dialog: tuple[str, tuple[str, ...]] = ("", ())
    error: str = ""
    selection_changed: bool = False


def change(**fields: object) -> None:
    """Changes fields of the view. For callbacks."""
    RunsState.of_session().change(**fields)


def choose(jobs: Sequence[str], **view: object) -> None:
    """Chooses runs, and changes other fields of the view. For callbacks."""
    change(job=tuple(jobs[:MAX_CHOSEN]), **view)


def matching(records: Sequence[Record], view: RunsView, texts: dict[str, str]) -> list[Record]:
    """Returns the runs that match the filters.

    Args:
        records: Records of all runs.
        view: View with the filters.
        texts: Text of each run to search in, by id.
    """
    wanted = view.text.strip().casefold().split()
    return [
        record
        for record in records
        if (not view.status or record.status in view.status)
        and (not view.sweep or record.sweep == view.sweep)
        and all(word in texts[record.id] for word in wanted)
    ]
