"""Spec as JSON, table and graph, read by the parsers of other programs."""

import io
import json
import re
import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pydot
import pyparsing
import pytest

from explorer.analysis import Analysis, analyse
from explorer.drawing.kinds import LIGHT, group_of
from explorer.exports import FORMATS
from explorer.exports.dot import IMAGE, _quoted
from explorer.families import PRESETS, resolve
from explorer.formatting import shape

pytestmark = pytest.mark.exhaustive

NETWORKS = ("mnist-fc", "vgg11-lrn", "resnet50", "googlenet", "torchvision:swin_t", "torchvision:shufflenet_v2_x0_5")


@cache
def analysis_of(network: str) -> Analysis:
    return analyse(resolve(network))


@cache
def text(name: str, network: str) -> str:
    return FORMATS[name].make(resolve(network)).decode()


def test_specs_are_read_back_from_json(tmp_path: Path) -> None:
    for preset in PRESETS.values():
        written = FORMATS["json"].make(preset.spec).decode()
        assert resolve(written) == preset.spec
        assert len(written.splitlines()) == len(preset.spec.to_dict()) + 2
    (tmp_path / "net.json").write_text(text("json", "torchvision:swin_t"))
    assert resolve(str(tmp_path / "net.json")) == resolve("torchvision:swin_t")


@pytest.mark.parametrize("network", NETWORKS)
def test_sums_of_the_table_are_the_totals(network: str) -> None:
    written = text("csv", network)
    table = pd.read_csv(io.StringIO(written, newline=""), keep_default_na=False, na_values=[""])
    analysis = analysis_of(network)
    totals = analysis.totals
    heads = [layer for head in analysis.auxiliary for layer in head.layers]
    assert written.count("\r\n") == len(table) + 1 == len(analysis.layers) + len(heads) + 1  # RFC 4180, section 2.1
    auxiliary, table = table[table["auxiliary"] == 1], table[table["auxiliary"] == 0]
    assert list(auxiliary["name"]) == [layer.name for layer in heads]
    assert int(auxiliary["parameters"].sum()) == totals.aux_params
    sums = {
        "parameters": totals.params,
        "trainable_parameters": totals.trainable_params,
        "macs": totals.macs,
        "flops": totals.flops,
        "activation_bytes": totals.activation_bytes,
    }
    assert {column: int(table[column].sum()) for column in sums} == sums
    assert list(table["name"]) == [layer.name for layer in analysis.layers]


def test_the_table_of_vgg16() -> None:
    table = pd.read_csv(io.StringIO(text("csv", "vgg16"))).set_index("name")
    first, last = table.loc["features.0"], table.loc["classifier.6"]
    assert (first["kind"], first["kernel"], first["stride"], first["padding"]) == ("Conv2d", "3x3", "1x1", "1x1")
    assert (first["input_shape"], first["output_shape"]) == ("1x3x224x224", "1x64x224x224")
    assert (first["parameters"], first["macs"]) == ((3 * 3 * 3 + 1) * 64, 3 * 3 * 3 * 64 * 224**2)
    assert (last["parameters"], last["inputs"], last["sees_whole_image"]) == (4_097_000, "classifier.5", 1)
    fields = table.loc["features.30", [f"receptive_field_{part}" for part in ("size", "stride", "padding")]]
    assert list(fields) == [212, 32, 90]


def parsed(dot: str) -> pydot.Dot:
    # The parser looks for a comment before each token, which takes most of its time.
    assert not re.search(r"^\s*(#|//|/\*)", dot, re.MULTILINE)
    no_comments = patch.object(pyparsing.ParserElement, "_skipIgnorables", lambda _self, _text, place: place)
    with warnings.catch_warnings(), no_comments:
        warnings.simplefilter("ignore", DeprecationWarning)  # pydot calls pyparsing by its old names
        graphs = pydot.graph_from_dot_data(dot)
    assert graphs
    (graph,) = graphs
    return graph


def ends(edge: pydot.Edge) -> tuple[str, str]:
    """Names of the nodes that an edge joins."""
    source, destination = (str(end).strip('"') for end in (edge.get_source(), edge.get_destination()))
    return source, destination


def graph_of(network: str) -> tuple[dict[str, pydot.Node], list[pydot.Edge], list[pydot.Subgraph]]:
    graph = parsed(text("dot", network))
    clusters = graph.get_subgraphs()
    nodes = [node for part in (graph, *clusters) for node in part.get_nodes()]
    named = {
        node.get_name().strip('"'): node
        for node in nodes
        if node.get_name().strip('"') not in ("node", "edge", "graph")
    }
    return named, graph.get_edges(), clusters


@pytest.mark.parametrize("network", NETWORKS)
def test_the_graph_is_the_analysis(network: str) -> None:
    nodes, edges, clusters = graph_of(network)
    analysis = analysis_of(network)
    layers = analysis.all_layers
    assert nodes.keys() == {IMAGE, *(layer.name for layer in layers)}
    found = {ends(edge) for edge in edges}
    between = {(layers[source].name, layer.name) for layer in layers for source in layer.inputs}
    assert {(before, after) for before, after in found if before != IMAGE} == between
    assert (IMAGE, layers[0].name) in found
    assert len(found) == len(edges)
    targets = {after for _before, after in found}
    assert [layer.name for layer in layers if layer.input_shape and layer.name not in targets] == []
    for layer in layers:
        label = nodes[layer.name].get("label").strip('"').split(r"\n")
        window = f" {layer.window}" if layer.window else ""
        assert label == [layer.name, f"{layer.kind}{window}", shape(layer.output_shape)]
        assert nodes[layer.name].get("color").strip('"') == LIGHT[group_of(layer.kind)]
    titles = {head.name: f"{head.name}, in training only: {head.params:,} parameters" for head in analysis.auxiliary}
    assert {str(cluster.get("label")).strip('"') for cluster in clusters} == {
        titles.get(layer.stage, layer.stage) for layer in layers
    }
    into_heads = {f"{head.name}.pool" for head in analysis.auxiliary}
    dashed = {ends(edge)[1] for edge in edges if edge.get("style")}
    assert into_heads <= dashed
    assert all(name.partition(".")[0] in titles for name in dashed)


def test_edges_of_the_graph_have_shapes() -> None:
    _nodes, edges, _clusters = graph_of("resnet18")
    label = {ends(edge): edge.get("label") for edge in edges}
    assert label[IMAGE, "conv1"] == '"3×224×224"'
    assert label["layer1.1.relu", "layer2.0.downsample.0"] == '"64×56×56"'


def test_words_of_the_graph_are_escaped() -> None:
    assert _quoted('a "b"', r"\N") == r'"a \"b\"\n\\N"'
    (edge,) = parsed(f"digraph {{ {_quoted('a b')} -> {_quoted('c;d')} }}").get_edges()
    assert (edge.get_source(), edge.get_destination()) == ('"a b"', '"c;d"')


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_draws_the_graph() -> None:
    for network in NETWORKS[:4]:
        done = subprocess.run(["dot", "-Tjson0"], input=text("dot", network), capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        drawn = [node for node in json.loads(done.stdout)["objects"] if "nodes" not in node]
        assert len(drawn) == len(analysis_of(network).layers) + 1


@pytest.mark.parametrize("network", ["mnist-fc", "resnet50", "googlenet", "torchvision:shufflenet_v2_x0_5"])
def test_torchinfo_counts_the_same_parameters(network: str) -> None:
    params = analysis_of(network).totals.params
    assert f"Total params: {params:,}" in text("torchinfo", network)
