"""The state of the Predict page: from the link to the widgets and back."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from explorer.errors import ExplorerError
from explorer.prediction.pictures import Picture
from explorer.ui.page_state import FieldsState, Link
from explorer.ui.predict.view import PredictView

VIEW = "predict.view."  # of the widgets' keys
OF_THE_NETWORK = ("cls", "layer", "unit")  # fields that mean nothing to another network


@dataclass(frozen=True)
class Turned:
    """How a picture is looked at: its light and dark inverted, its strokes alone, or as it is."""

    invert: bool = False
    ink: bool = False


@dataclass(frozen=True)
class Action:
    """A change to the list of weights that the user has asked for.

    Attributes:
        work: does it, and says what is to be noted; whom it is given it tells how many are before it.
        weights: that are chosen then.
        said: in the end.
        tidy: closes what the user has asked by; it may be called twice.
    """

    work: Callable[[Callable[[int], None]], Sequence[str]]
    weights: str
    said: str
    tidy: Callable[[], None]


@dataclass(frozen=True)
class Told:
    """What came of a deed, in words."""

    worked: bool
    sentence: str
    notes: Sequence[str] = ()


@dataclass
class PredictState(FieldsState[PredictView]):
    """The Predict page's state.

    Attributes:
        opened: Key of the one of several pictures that is shown close up.
        turned: How pictures are looked at that are not looked at as they are, by their keys.
        seen: Key of the picture that the view's ``invert`` and ``ink`` are about; none where a link says them.
        brought: Keys of the files that were there when the page was drawn last.
        deed: What is to be done when the list of weights is drawn next, as it may take a minute.
        told: What came of the last one.
        tidy: What it has left to be done.
    """

    NAME: ClassVar[str] = "asking"
    PAGE: ClassVar[str] = "predict"
    PREFIX: ClassVar[str] = VIEW
    PREFIXES: ClassVar[tuple[str, ...]] = (VIEW,)
    PARAMETERS: ClassVar[frozenset[str]] = frozenset(PredictView.model_fields)
    EMPTY_LINK: ClassVar[bool] = True
    WIDGETS: ClassVar[tuple[str, ...]] = ("show", "invert", "ink", "size", "top", "why", "order")

    view: PredictView = field(default_factory=PredictView, kw_only=True)
    opened: Hashable = None
    turned: dict[Hashable, Turned] = field(default_factory=dict)
    seen: Hashable = None
    brought: frozenset[Hashable] = frozenset()
    deed: Action | None = None
    told: Told | None = None
    tidy: Callable[[], None] | None = None

    def begin(self) -> None:
        """Follow the link, and see what the widgets say: what is switched holds for the picture that is open."""
        super().begin()
        if self.seen is not None:
            self._turn(self.seen)

    def turn(self, pictures: Sequence[Picture], *, shared: bool) -> list[Picture]:
        """The pictures as each is to be looked at.

        Args:
            pictures: as they are.
            shared: whether a link names them: what it says holds for all of them then, and for no photograph else.
        """
        if self.seen is None and shared:
            for picture in pictures:
                self._turn(picture.key)
        return [replace(one, inverted=self.how(one).invert) for one in pictures]

    def how(self, picture: Picture) -> Turned:
        """How a picture is looked at."""
        return self.turned.get(picture.origin.key, Turned())

    def open(self, picture: Picture) -> None:
        """From now on the switches are those of this picture; before they are drawn."""
        how, self.seen = self.how(picture), picture.origin.key
        self.correct(invert=how.invert, ink=how.ink)

    def bring(self, pictures: Sequence[Picture]) -> None:
        """Show a file that was not there before: the first of them, where there were others."""
        keys = [picture.key for picture in pictures]
        new = [key for key in keys if key not in self.brought]
        if new and self.brought:
            self.opened = new[0]
        self.brought = frozenset(keys)

    def _turn(self, key: Hashable) -> None:
        how = Turned(self.view.invert, self.view.ink)
        if how == Turned():
            self.turned.pop(key, None)
        else:
            self.turned[key] = how

    def open_link(self, link: Link) -> list[str]:
        """Take the link over; its ``invert`` and ``ink`` are about no picture yet."""
        self.seen = None
        return super().open_link(link)

    def act(self, on_wait: Callable[[int], None]) -> None:
        """Do what the user has asked for.

        Streamlit ends a run of the script wherever it is called, also for the session's state, as soon as the user
        has done something else. So nothing here calls it, but a wait: the next run finds what came of this.
        """
        if self.deed is None:
            return
        deed = self.deed
        try:
            notes = deed.work(on_wait)
        except ExplorerError as error:
            self.told = Told(worked=False, sentence=str(error))
        except Exception:
            self.deed = None
            raise
        else:
            self.show(self.view.model_copy(update={"weights": deed.weights}))
            self.told, self.tidy = Told(worked=True, sentence=deed.said, notes=notes), deed.tidy
        self.deed = None  # what has been interrupted in its wait is done by the next run

    def show(self, view: PredictView) -> None:
        """Show something else: what came of a deed has been read then."""
        if view != self.view:
            self.told = None
        if view.explained != self.view.explained:
            own = {name: PredictView.model_fields[name].get_default() for name in OF_THE_NETWORK}
            view = view.model_copy(update=own)
        if view.weights != self.view.weights:
            view = view.model_copy(update={"size": None})
        super().show(view)


def asking() -> PredictState:
    """The session's state."""
    return PredictState.of_session()


def acted() -> None:
    """Callback of what the user does that changes no field of the view."""
    asking().acted()


def change(**fields: object) -> None:
    """The user changes the view: in a callback."""
    asking().change(**fields)
