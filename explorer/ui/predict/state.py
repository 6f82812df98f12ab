"""The state of the Predict page: from the link to the widgets and back."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from explorer.errors import ExplorerError
from explorer.prediction.pictures import Picture
from explorer.ui.page_state import FieldsState, Link
from explorer.ui.predict.view import PredictView

VIEW_PREFIX = "predict.view."  # of the keys of the view's widgets
NETWORK_FIELDS = ("cls", "layer", "unit")  # fields whose values are valid for one network only


@dataclass(frozen=True)
class PictureAdjustment:
    """Adjustment of a picture before a network sees it: inverted light and dark, or only its strokes."""

    invert: bool = False
    ink: bool = False


@dataclass(frozen=True)
class Action:
    """A change to the list of weights that the user has requested.

    Attributes:
        work: Function that does it, and returns notes for the user. It receives a callback for the number of sessions
            ahead in the queue.
        weights: Name of the weights to select afterwards.
        message: Message after success.
        cleanup: Function that closes the menu or form of the request. It may be called twice.
    """

    work: Callable[[Callable[[int], None]], Sequence[str]]
    weights: str
    message: str
    cleanup: Callable[[], None]


@dataclass(frozen=True)
class Notice:
    """The result of an action as a message."""

    succeeded: bool
    message: str
    notes: Sequence[str] = ()


@dataclass
class PredictState(FieldsState[PredictView]):
    """The Predict page's state.

    Attributes:
        selected: Key of the picture that is shown in detail, if there are several.
        adjustments: Adjustments of pictures, by their keys.
        switched: Key of the picture to which the view's ``invert`` and ``ink`` belong. None after a link was opened.
        uploads: Keys of the files that the last run had.
        drawing: File of the user's drawing. None if nothing is drawn.
        action: Requested action. The next run does it when it renders the list of weights, which may take a minute.
        notice: Result of the last action.
        cleanup: Cleanup of the last action, until it is done.
    """

    NAME: ClassVar[str] = "predicting"
    PAGE: ClassVar[str] = "predict"
    PREFIX: ClassVar[str] = VIEW_PREFIX
    PREFIXES: ClassVar[tuple[str, ...]] = (VIEW_PREFIX,)
    PARAMETERS: ClassVar[frozenset[str]] = frozenset(PredictView.model_fields)
    EMPTY_LINK: ClassVar[bool] = True
    WIDGETS: ClassVar[tuple[str, ...]] = ("show", "invert", "ink", "size", "top", "why", "order")

    view: PredictView = field(default_factory=PredictView, kw_only=True)
    selected: Hashable = None
    adjustments: dict[Hashable, PictureAdjustment] = field(default_factory=dict)
    switched: Hashable = None
    uploads: frozenset[Hashable] = frozenset()
    drawing: bytes | None = None
    action: Action | None = None
    notice: Notice | None = None
    cleanup: Callable[[], None] | None = None

    def begin(self) -> None:
        """Follow the link or read the widgets. The switches adjust the picture that they belong to."""
        super().begin()
        if self.switched is not None:
            self._store_adjustment(self.switched)

    def adjust(self, pictures: Sequence[Picture], *, shared: bool) -> list[Picture]:
        """Invert pictures as the user has chosen.

        Args:
            pictures: Original pictures.
            shared: Whether a link names the pictures. Then its ``invert`` and ``ink`` apply to all of them. They never
                apply to the user's own pictures.
        """
        if self.switched is None and shared:
            for picture in pictures:
                self._store_adjustment(picture.key)
        return [replace(one, inverted=self.adjustment(one).invert) for one in pictures]

    def adjustment(self, picture: Picture) -> PictureAdjustment:
        """Return the adjustment of a picture."""
        return self.adjustments.get(picture.origin.key, PictureAdjustment())

    def connect_switches(self, picture: Picture) -> None:
        """Connect the switches with a picture, before they are rendered."""
        adjustment, self.switched = self.adjustment(picture), picture.origin.key
        self.correct(invert=adjustment.invert, ink=adjustment.ink)

    def select_new_upload(self, pictures: Sequence[Picture]) -> None:
        """Select the first new file if there were files before."""
        keys = [picture.key for picture in pictures]
        new = [key for key in keys if key not in self.uploads]
        if new and self.uploads:
            self.selected = new[0]
        self.uploads = frozenset(keys)

    def _store_adjustment(self, key: Hashable) -> None:
        adjustment = PictureAdjustment(self.view.invert, self.view.ink)
        if adjustment == PictureAdjustment():
            self.adjustments.pop(key, None)
        else:
            self.adjustments[key] = adjustment

    def open_link(self, link: Link) -> list[str]:
        """Read the link. Its ``invert`` and ``ink`` do not belong to a picture yet."""
        self.switched = None
        return super().open_link(link)

    def run_action(self, on_wait: Callable[[int], None]) -> None:
        """Do the requested action.

        If the user does something else meanwhile, Streamlit ends the run at its next call, also at a call for the
        session's state. So nothing here calls Streamlit, except while the action waits. The next run finds the result.
        """
        if self.action is None:
            return
        action = self.action
        try:
            notes = action.work(on_wait)
        except ExplorerError as error:
            self.notice = Notice(succeeded=False, message=str(error))
        except Exception:
            self.action = None
            raise
        else:
            self.set_view(self.view.model_copy(update={"weights": action.weights}))
            self.notice = Notice(succeeded=True, message=action.message, notes=notes)
            self.cleanup = action.cleanup
        self.action = None  # an action that is interrupted while it waits stays for the next run

    def set_view(self, view: PredictView) -> None:
        """Show another view. The user has read the notice by then."""
        if view != self.view:
            self.notice = None
        if view.explained != self.view.explained:
            defaults = {name: PredictView.model_fields[name].get_default() for name in NETWORK_FIELDS}
            view = view.model_copy(update=defaults)
        if view.weights != self.view.weights:
            view = view.model_copy(update={"size": None})
        super().set_view(view)


def predict_state() -> PredictState:
    """Return the session's state."""
    return PredictState.of_session()


def mark_user_action() -> None:
    """Callback for a user's action that changes no field of the view."""
    predict_state().mark_user_action()


def change(**fields: object) -> None:
    """Change the view for the user, in a callback."""
    predict_state().change(**fields)
