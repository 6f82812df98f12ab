"""Where the network looked: class activation maps and occlusion, shown over the picture."""

from functools import partial

import streamlit as st
from torch import Tensor

from explorer.i18n import _, ngettext
from explorer.prediction import reasons
from explorer.prediction.cams import Method, cam, import_library
from explorer.prediction.hooks import MapLayer
from explorer.prediction.occlusion import OcclusionResult, Patch, occlusion, patches
from explorer.ui.predict import paint, scores, state
from explorer.ui.predict.encoded import data_url
from explorer.ui.predict.picture_grid import GridItem, picture_grid
from explorer.ui.predict.reason import Case, choose_class, choose_layer, compute_once, note_shuffled_pixels
from explorer.ui.shared.select_box import select_box
from explorer.ui.shared.text import plain
from explorer.workers import semaphore

ALL = "all"  # methods side by side
SIDE = 230

_occlusion_semaphore = semaphore.FairSemaphore(1)  # one at a time; each batch lets other predictions go first


def _titles() -> dict[str, str]:
    return {
        Method.GRADCAM: "Grad-CAM",
        Method.GRADCAM_PLUS_PLUS: "Grad-CAM++",
        Method.HIRESCAM: "HiResCAM",
        Method.LAYERCAM: "LayerCAM",
        Method.EIGENCAM: "Eigen-CAM",
        ALL: _("All side by side"),
    }


def _descriptions() -> dict[str, str]:
    return {
        Method.GRADCAM: _(
            "Shows which places of the layer's map speak for the class, each channel weighed by its mean gradient; "
            "not which pixels, and not what speaks against it."
        ),
        Method.GRADCAM_PLUS_PLUS: _(
            "Weighs places with a positive gradient more, so that several objects of a class all show; made for maps "
            "behind a ReLU, and no proof that the network needs each of them."
        ),
        Method.HIRESCAM: _(
            "Multiplies map and gradient place by place, so that it shows only what the score is really computed from; "
            "exact for the last convolution before a linear layer, elsewhere an approximation."
        ),
        Method.LAYERCAM: _(
            "Weighs each place by its own positive gradient, so that early layers give fine maps; what speaks against "
            "the class is left out."
        ),
        Method.EIGENCAM: _(
            "Shows what the maps of the layer have most in common, without gradients; it is the same for every class, "
            "so it doesn't say why this one."
        ),
        ALL: _("The same picture, layer and class by each method; where they agree there is more reason to believe."),
    }


def render_cams(case: Case) -> None:
    """Render class activation maps."""
    titles, words = _titles(), _descriptions()
    method = case.view.method
    if method not in titles:
        st.warning(
            _("There is no method {name}; you see Grad-CAM instead.").format(name=plain(method)),
            icon=":material/link_off:",
        )
        method = str(Method.GRADCAM)
        state.predict_state().correct(method=method)
    if not case.map_layers:
        st.info(
            _(
                "This network has no maps: its layers mix all pixels at once, so there are no places to show. "
                "Occlusion works for any network."
            ),
            icon=":material/blur_off:",
        )
        return
    with st.container(horizontal=True):
        select_box(
            _("Method"), list(titles), method, lambda name: state.change(method=name), words=titles.__getitem__,
            key="predict.method",
        )  # fmt: skip
        index = choose_class(case)
    map_layer = choose_layer(case)
    name = case.network.card.classes[index]
    st.caption(words[method])
    opacity = _choose_opacity()
    if method == ALL:
        heats = {one: _class_map(case, map_layer, index, one) for one in Method}
        shown = [_overlaid(case, heat, opacity, titles[one], name) for one, heat in heats.items()]
        picture_grid(shown, key="predict.cams", side=SIDE)
    else:
        heat = _class_map(case, map_layer, index, Method(method))
        heats = {Method(method): heat}
        _render_views(case, heat, opacity, titles[method], name, key="predict.cam")
        if not heat.any():
            st.info(
                _("Nothing stands out: no place of {layer} speaks for {name}, or all speak alike.").format(
                    layer=plain(map_layer.layer.name), name=plain(name)
                ),
                icon=":material/blur_off:",
            )
    st.caption(_("Dark purple is the least of a map, yellow the most; each map has a scale of its own."))
    note_shuffled_pixels(case)
    scores.render(case, map_layer, index, heats, titles)


def _choose_opacity() -> float:
    return st.slider(_("Heat over the picture"), 0, 100, 50, 5, format="%d%%", key="predict.opacity", width=300) / 100


def _class_map(case: Case, map_layer: MapLayer, index: int, method: Method) -> Tensor:
    key = ("cam", map_layer.layer.name, index if method.is_class_specific else None, method)
    return compute_once(case, key, lambda: cam(case.network, map_layer, case.image, index, method), import_library)


def _overlaid(case: Case, heat: Tensor, opacity: float, title: str, name: str) -> GridItem:
    words = _("{title} for {name}, laid over the picture; {where}").format(title=title, name=name, where=_peak(heat))
    return GridItem(data_url(paint.overlay(case.network_view, heat, opacity), 640), title, words)


def _render_views(case: Case, heat: Tensor, opacity: float, title: str, name: str, *, key: str) -> None:
    big = paint.enlarged(case.network_view)
    alone = paint.heat(paint.smooth(heat, big))
    picture_grid(
        [
            _overlaid(case, heat, opacity, title, name),
            GridItem(data_url(alone, 640), _("Heat alone"), _("{title} alone").format(title=title)),
            GridItem(data_url(big, 640), _("What the network sees"), _("What the network sees")),
        ],
        key=key,
        side=SIDE,
        row=True,
    )


def _peak(heat: Tensor) -> str:
    if not heat.any():
        return _("nothing stands out")
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    return _("most in row {row} of {rows}, column {column} of {columns}").format(
        row=row, rows=heat.shape[0], column=column, columns=heat.shape[1]
    )


def render_occlusion(case: Case) -> None:
    """Render how far the probability falls under a patch."""
    size = case.network.card.inputs.sides
    titles = {4: _("Coarse"), 8: _("Medium"), 16: _("Fine")}
    choices = patches(size)
    with st.container(horizontal=True):
        index = choose_class(case)
        chosen = st.segmented_control(
            _("Patch"), list(choices), format_func=titles.__getitem__, default=8, key="predict.patch", required=True
        )
        patch = choices[chosen]
    name = case.network.card.classes[index]
    st.caption(
        _(
            "Shows where the network needs what it sees: a patch in the mean colour covers one place after the "
            "other, and the fall of the probability of {name} is measured. It misses evidence that two places "
            "both hold."
        ).format(name=plain(name))
    )
    st.caption(
        ngettext(
            "A patch of {side} × {side} pixels, moved by {step}: {count:,} picture is predicted.",
            "A patch of {side} × {side} pixels, moved by {step}: {count:,} pictures are predicted.",
            patch.positions(size),
        ).format(side=patch.side, step=patch.step, count=patch.positions(size))
    )
    requested = st.button(_("Cover and measure"), icon=":material/select_check_box:")
    result = _cached_occlusion(case, index, patch) or (_compute_occlusion(case, index, patch) if requested else None)
    if result is None:
        return
    fall, extremes = result
    opacity = _choose_opacity()
    most = float(fall.max())
    heat = (fall / most).clamp(0, 1) if most > 0 else fall.new_zeros(fall.shape)
    _render_views(case, heat, opacity, _("Occlusion"), name, key="predict.occluded")
    lowest, highest = extremes.tolist()
    st.markdown(
        _(
            "The probability of {name} is {before:.2%}; with one patch over the picture it lies between "
            "**{lowest:.2%}** and {highest:.2%}."
        ).format(name=plain(name), before=float(case.probabilities[index]), lowest=lowest, highest=highest)
    )
    st.caption(
        _("Dark purple is no fall or a rise, yellow the greatest fall; each pixel has the mean of the patches over it.")
    )
    note_shuffled_pixels(case)


def _cached_occlusion(case: Case, index: int, patch: Patch) -> OcclusionResult | None:
    fall, extremes = (
        reasons.load_cached(case.network, case.picture, ("occlusion", index, patch, part))
        for part in OcclusionResult._fields
    )
    return None if fall is None or extremes is None else OcclusionResult(fall, extremes)


def _compute_occlusion(case: Case, index: int, patch: Patch) -> OcclusionResult:
    note, bar = st.empty(), st.progress(0.0, _("Covering one place after the other"))
    done, count = 0, patch.positions(case.network.card.inputs.sides)

    def progress(now: int, _all: int) -> None:
        nonlocal done
        done = now
        bar.progress(done / count, _("{done:,} of {count:,} pictures").format(done=done, count=count))

    def wait(ahead: int) -> None:
        note.info(_("Waiting: occlusions before yours: {ahead}").format(ahead=ahead), icon=":material/hourglass_top:")

    def show_yielding(_ahead: int) -> None:
        words = _("{done:,} of {count:,} pictures; others' predictions go in between")
        bar.progress(done / count, words.format(done=done, count=count))

    try:
        with _occlusion_semaphore.slot(wait):
            note.empty()
            if (cached := _cached_occlusion(case, index, patch)) is not None:  # another session has computed it
                return cached
            slot = partial(semaphore.slot, show_yielding, yielding=True)
            result = occlusion(case.network, case.image, index, patch, progress, slot)
            for part, values in result._asdict().items():
                reasons.save_cached(case.network, case.picture, ("occlusion", index, patch, part), values)
            return result
    finally:
        note.empty()
        bar.empty()
