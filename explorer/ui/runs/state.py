"""The state of the Runs page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import ClassVar

from explorer.jobs.listing import Filter
from explorer.jobs.store import Status
from explorer.ui.page_state import FieldsState
from explorer.ui.runs.shared import Query, RunList
from explorer.ui.runs.view import MAX_CHOSEN, RunsView

VIEW = "runs.view."  # prefix of the widgets' keys
TABLE = "runs-table"


@dataclass
class RunsState(FieldsState[RunsView]):
    """The Runs page's state.

    Attributes:
        row_ids: Ids in the rows of the table, as the browser shows them.
        statuses: Statuses of the listed and chosen runs at the last run of the whole page.
        counts: Number of runs in each status at the last run of the whole page.
        dialog: Name of the open dialog, and the ids of its runs. The name is empty if none is open.
        error: Error of the last action.
        selection_changed: Whether the selection in the table has changed since the last run of the whole page.
        choice_number: Number of the last choice in the table that the browser has reported.
        token: Name of the session for the browser, which counts the choices of a session.
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
    counts: dict[Status, int] = field(default_factory=dict)
    dialog: tuple[str, tuple[str, ...]] = ("", ())
    error: str = ""
    selection_changed: bool = False
    choice_number: int = 0
    token: str = field(default_factory=lambda: token_hex(4))

    def read_widgets(self) -> RunsView:
        """Set the fields from the widgets. Other filters begin with the first page."""
        before, view = self.view, super().read_widgets()
        if (view.text, view.status) != (before.text, before.status):
            self.set_view(view.changed(sheet=1))
        return self.view

    def note(self, listed: RunList) -> None:
        """Notes the statuses that the page shows."""
        self.statuses = {record.id: record.status for record in [*listed.records, *listed.chosen]}
        self.counts = listed.overview.statuses

    def notes_changes(self, listed: RunList) -> bool:
        """Returns whether runs have changed their status, were added or were removed since the page was shown."""
        found = {record.id: record.status for record in [*listed.records, *listed.chosen]}
        return found != self.statuses or listed.overview.statuses != self.counts


def change(**fields: object) -> None:
    """Changes fields of the view. For callbacks."""
    RunsState.of_session().change(**fields)


def choose(jobs: Sequence[str], **view: object) -> None:
    """Chooses runs, and changes other fields of the view. For callbacks."""
    change(job=tuple(jobs[:MAX_CHOSEN]), **view)


def query() -> Query:
    """Returns what the page lists."""
    view = RunsState.of_session().view
    return Query(Filter(tuple(view.text.split()), view.status, view.sweep), view.sheet - 1, view.job)
