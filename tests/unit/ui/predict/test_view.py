"""The link of the Predict page: writing and reading."""

from hypothesis import given
from hypothesis import strategies as some

from explorer.errors import InputError
from explorer.ui.predict.view import PredictView

NAMES = some.text("abcxyz-:_ é", max_size=20)
VIEWS = some.builds(
    PredictView,
    show=some.sampled_from(["predict", "test", "weights"]),
    weights=NAMES,
    beside=NAMES,
    source=some.sampled_from([None, "gallery", "upload", "draw", "camera", "data"]),
    image=some.lists(some.text("abc-3", min_size=1, max_size=9), max_size=5, unique=True).map(tuple),
    index=some.lists(some.integers(0, 2**31 - 1), max_size=5, unique=True).map(tuple),
    invert=some.booleans(),
    top=some.integers(1, 10),
    cls=some.none() | some.integers(0, 2**31 - 1),
    unit=some.sampled_from(["", "0.0.0", "63.7.12"]),
)


@given(VIEWS)
def test_a_link_restores_the_view(view: PredictView) -> None:
    assert PredictView.parse(dict(view.to_link())) == view


@given(
    some.dictionaries(
        some.sampled_from(sorted(PredictView.model_fields)) | some.text(max_size=5), some.text(max_size=40)
    )
)
def test_any_text_is_read_or_refused_in_one_line(link: dict[str, str]) -> None:
    try:
        view = PredictView.parse(dict(link))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert PredictView.parse(dict(view.to_link())) == view
