"""The diagram: every layer in one box, without overlap, and to scale."""

import re
import xml.etree.ElementTree as ElementTree
from functools import cache
from itertools import combinations, pairwise

import pytest

from explorer.analysis import Analysis, analyse
from explorer.analysis.measures import DIAGRAM_MEASURES
from explorer.drawing import heat
from explorer.drawing.appearance import Appearance, open_predicate, toggle
from explorer.drawing.captions import caption, short_name
from explorer.drawing.diagram import draw
from explorer.drawing.heads import branches
from explorer.drawing.layout import Box, Layout, lay_out
from explorer.drawing.segments import segments
from explorer.drawing.tree import Node, path_to, tree, visible
from explorer.families import PRESETS, resolve

ZOO = ("densenet121", "inception_v3", "mobilenet_v3_small", "vit_b_16", "swin_t", "shufflenet_v2_x1_0", "squeezenet1_1")
NETWORKS = (*PRESETS, *(f"torchvision:{name}" for name in ZOO))
APPEARANCES = (Appearance(), Appearance(detail="all"), Appearance(detail="stages"))


@cache
def analysis_of(name: str) -> Analysis:
    return analyse(resolve(name))


def nodes(name: str) -> dict[str, Node]:
    return {node.key: node for stage in tree(analysis_of(name)) for node in stage.walk()}


def layout(name: str, appearance: Appearance) -> Layout:
    analysis = analysis_of(name)
    stages = tree(analysis)
    return lay_out(analysis, stages, open_predicate(analysis, stages, appearance), lambda node: caption(analysis, node))


def picks(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [element.attrib["data-pick"] for element in root.iter() if "data-pick" in element.attrib]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_in_one_box_at_every_detail(name: str) -> None:
    analysis = analysis_of(name)
    stages = tree(analysis)
    keys = [(node.key, bool(node.children)) for stage in stages for node in stage.walk()]
    assert len(keys) == len(set(keys))  # a stage and a layer may both be called head
    for appearance in APPEARANCES:
        boxes = visible(stages, open_predicate(analysis, stages, appearance))
        assert sorted(layer for box in boxes for layer in box.layers) == list(range(len(analysis.layers)))


def channels_first(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a square map with its channels first; Swin's transformer has them last."""
    if len(shape) == 4 and shape[1] == shape[2] != shape[3]:
        return shape[0], shape[3], *shape[1:3]
    return shape


@pytest.mark.parametrize("name", NETWORKS)
def test_edges_are_those_of_the_network(name: str) -> None:
    for appearance in APPEARANCES:
        drawn = layout(name, appearance)
        owner = {layer: box.node.key for box in drawn.boxes for layer in box.node.layers}
        expected = {
            (owner[source], owner[target])
            for target, layer in enumerate(analysis_of(name).layers)
            for source in layer.inputs
            if owner[source] != owner[target]
        }
        edges = [(edge.source.node.key, edge.target.node.key) for edge in drawn.edges if edge.source]
        assert set(edges) == expected
        assert len(edges) == len(expected)
        for edge in drawn.edges:
            if edge.source:
                assert edge.source.right < edge.target.x
                last = edge.source.node.layers[-1]
                assert edge.shape == channels_first(analysis_of(name).layers[last].output_shape)


def overlap(one: Box, other: Box) -> bool:
    apart = one.right <= other.x or other.right <= one.x
    return not apart and one.y < other.y + other.height and other.y < one.y + one.height


@pytest.mark.parametrize("name", NETWORKS)
def test_boxes_do_not_overlap_and_are_inside_the_figure(name: str) -> None:
    for appearance in APPEARANCES:
        drawn = layout(name, appearance)
        ranks: dict[int, list[Box]] = {}
        for box in drawn.boxes:
            ranks.setdefault(box.rank, []).append(box)
            assert box.x >= 0
            assert box.top >= 0
            assert box.right <= drawn.width
            assert box.y + box.height <= drawn.height
        for rank, boxes in ranks.items():
            assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
            reach = max(box.right for box in boxes)
            assert all(reach <= box.x for box in ranks.get(rank + 1, []))


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_can_end_only_where_one_output_goes_on(name: str) -> None:
    for appearance in APPEARANCES:
        drawn = layout(name, appearance)
        parts = segments(drawn)
        place = {box.node.key: next(i for i, part in enumerate(parts) if part.holds(box)) for box in drawn.boxes}
        assert [part.right for part in parts] == [*(part.left for part in parts[1:]), drawn.width]
        for edge in drawn.edges:
            if edge.source and place[edge.source.node.key] != place[edge.target.node.key]:
                assert place[edge.target.node.key] == place[edge.source.node.key] + 1
                assert edge.source is parts[place[edge.source.node.key]].source
        for box in drawn.boxes:
            part = parts[place[box.node.key]]
            assert part.left < box.x
            assert box.right <= part.right
            assert part.top <= box.top
            assert box.y + box.height <= part.bottom


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_a_page_draws_fits_a_phone_row_by_row(name: str) -> None:
    assert all(part.right - part.left < 340 for part in segments(layout(name, Appearance())) if part.source)


@pytest.mark.parametrize("colour", ["kind", "macs"])
@pytest.mark.parametrize("name", ["resnet152", "googlenet", "torchvision:swin_t"])
def test_no_text_is_smaller_than_twelve_pixels(name: str, colour: str) -> None:
    svg = draw(analysis_of(name), name, Appearance(colour=colour))
    assert min(float(size) for size in re.findall(r"font-size[:=]\"?([0-9.]+)", svg)) >= 12


@pytest.mark.parametrize("appearance", APPEARANCES, ids=lambda appearance: appearance.detail)
@pytest.mark.parametrize("name", ["googlenet", "torchvision:inception_v3"])
def test_auxiliary_heads_are_branches_below_the_layers_that_they_read(name: str, appearance: Appearance) -> None:
    analysis, drawn = analysis_of(name), layout(name, appearance)
    found = branches(analysis, drawn, short_name)
    assert [branch.head for branch in found] == list(analysis.auxiliary)
    for branch in found:
        assert branch.head.source in branch.source.node.layers
        assert branch.fork > branch.source.right
        layers = [layer for box in branch.boxes for layer in box.node.layers]
        assert [analysis.all_layers[layer] for layer in layers] == list(branch.head.layers)
        beside = [box for box in drawn.boxes if box.x < branch.right and branch.left < box.right]
        assert all(box.y + box.height < branch.top for box in beside)
        assert all(branch.left < box.x < box.right < branch.names_left for box in branch.boxes)
    assert all(one.right < other.left for one, other in pairwise(found))


def test_volumes_are_drawn_to_scale() -> None:
    """Heights go with the root of the map's side, lengths with the root of the channels."""
    boxes = {box.node.key: box for box in layout("vgg16", Appearance()).boxes}
    first, last = boxes["features.0"], boxes["features.28"]  # 64 channels of 224, 512 of 14
    assert first.height / last.height == pytest.approx((224 / 14) ** 0.5)
    assert last.width / first.width == pytest.approx((512 / 64) ** 0.5)


def test_deep_networks_are_drawn_as_stages_and_runs_of_equal_blocks() -> None:
    """He et al. 2016, Table 1: 3, 8, 36 and 3 blocks; the first of each stage has the projection."""
    found = nodes("resnet152")
    assert [len(found[key].children) for key in ("layer2.1–7", "layer3.1–35")] == [7, 35]
    drawn = layout("resnet152", Appearance())
    assert len(drawn.boxes) < 20
    assert {"layer3.0", "layer3.1–35"} <= {box.node.key for box in drawn.boxes}


def test_an_inception_module_has_four_lanes_that_join() -> None:
    drawn = layout("googlenet", Appearance(folded=frozenset(["inception3a"])))
    boxes = {box.node.key: box for box in drawn.boxes}
    first = [box for box in drawn.boxes if box.rank == boxes["maxpool2"].rank + 1]
    assert len({box.lane for box in first}) == 4
    assert boxes["inception3a.concat"].lane == boxes["maxpool2"].lane
    heights = sorted(box.middle for box in first)
    assert sum(heights) / 4 == pytest.approx(boxes["maxpool2"].middle)


def test_shortcuts() -> None:
    """The identity runs over the block as an arc; the projection has a lane of its own above the convolutions."""
    drawn = layout("resnet18", Appearance(detail="all"))
    arcs = [(edge.source.node.key, edge.target.node.key) for edge in drawn.edges if edge.arc and edge.source]
    adds = [layer.name for layer in analysis_of("resnet18").layers if layer.kind == "Add"]
    assert len(adds) == 8
    assert [target for _source, target in arcs] == [
        add for add in adds if add[5:] not in ("2.0.add", "3.0.add", "4.0.add")
    ]
    boxes = {box.node.key: box for box in drawn.boxes}
    assert boxes["layer2.0.downsample.0"].middle < boxes["layer2.0.conv1"].middle
    assert boxes["layer2.0.conv1"].lane == boxes["layer2.0.add"].lane == boxes["layer1.1.add"].lane


def test_the_plain_network_has_no_arc() -> None:
    assert not any(edge.arc for edge in layout("plain34", Appearance(detail="all")).edges)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("colour", ["kind", *DIAGRAM_MEASURES])
def test_the_diagram_is_xml_with_a_button_for_every_layer(colour: str, dark: bool) -> None:
    name = "googlenet"
    svg = draw(analysis_of(name), name, Appearance(colour=colour, detail="all", dark=dark))
    chosen = {pick.removeprefix("layer:") for pick in picks(svg) if pick.startswith("layer:")}
    assert chosen == {layer.name for layer in analysis_of(name).all_layers}
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        if "data-pick" in element.attrib:
            assert element.attrib["role"] == "button"
            assert element.attrib["aria-label"]


def test_a_chosen_layer_is_drawn_wherever_it_is() -> None:
    name = "resnet152"
    for layer in (analysis_of(name).layers[0], analysis_of(name).layers[260]):
        svg = draw(analysis_of(name), name, Appearance(chosen=layer.name))
        assert f"layer:{layer.name}" in picks(svg)
        assert svg.count('aria-pressed="true"') == 1
    assert draw(analysis_of(name), name, Appearance(chosen="nothing")) == draw(analysis_of(name), name)


@pytest.mark.parametrize("detail", ["auto", "all", "stages"])
def test_nodes_open_and_close(detail: str) -> None:
    """Every node changes its state and back, at every detail."""
    name = "resnet50"
    analysis = analysis_of(name)
    stages = tree(analysis)
    appearance = Appearance(detail=detail)
    for key, node in nodes(name).items():
        if not node.children:
            continue
        before = open_predicate(analysis, stages, appearance)(node)
        once = toggle(analysis, appearance, key)
        assert open_predicate(analysis, stages, once)(node) is not before
        assert toggle(analysis, once, key) == appearance


def test_closing_a_block_deselects_its_layer() -> None:
    analysis = analysis_of("resnet50")
    appearance = Appearance(chosen="layer3.2.conv2")
    needed = path_to(tree(analysis), [layer.name for layer in analysis.layers].index(appearance.chosen))
    assert needed == ["14×14", "layer3.1–5", "layer3.2"]
    for key in needed:
        closed = toggle(analysis, appearance, key)
        assert closed.chosen == ""
        node = nodes("resnet50")[key]
        assert not open_predicate(analysis, tree(analysis), closed)(node)
    assert toggle(analysis, appearance, "7×7").chosen == appearance.chosen
    assert toggle(analysis, appearance, "no such part") == appearance


def test_heat_is_monotone() -> None:
    """More of a measure never has the colour of less: cividis from end to end, brighter on dark pages."""
    light = [heat.colour(value, 1, 10**9, dark=False) for value in (1, 10**3, 10**6, 10**9)]
    dark = [heat.colour(value, 1, 10**9, dark=True) for value in (1, 10**3, 10**6, 10**9)]

    def brightness(colour: str) -> int:
        return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))

    assert sorted(light, key=brightness, reverse=True) == light
    assert sorted(dark, key=brightness) == dark
    assert len(set(light)) == 4
