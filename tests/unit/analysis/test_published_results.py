"""Published results: the papers' tables, typed in a second time, and the networks to which they belong."""

import pytest

from explorer.analysis.publications import trainings
from explorer.analysis.published import published
from explorer.analysis.published_results import ERRORS
from explorer.families import Spec, resolve
from explorer.families.claims import TRAINED, Metric

# Top-1 and top-5 errors in percent: Simonyan and Zisserman 2015, Table 3 (one test scale), trained at 256, at 384 and
# at 256 to 512.
VGG = {
    "vgg11": [("29.6", "10.4")],
    "vgg11-lrn": [("29.7", "10.5")],
    "vgg13": [("28.7", "9.9")],
    "vgg16-c": [("28.1", "9.4"), ("28.1", "9.3"), ("27.3", "8.8")],
    "vgg16": [("27.0", "8.8"), ("26.8", "8.7"), ("25.6", "8.1")],
    "vgg19": [("27.3", "9.0"), ("26.9", "8.7"), ("25.5", "8.0")],
}


def printed(spec: Spec, metric: Metric, source: str) -> list[str]:
    return [one.printed for one in published(spec) if one.metric is metric and one.source.startswith(source)]


@pytest.mark.parametrize("name", VGG)
def test_vgg_errors(name: str) -> None:
    spec = resolve(name)
    assert printed(spec, Metric.TOP1_ERROR, "Simonyan") == [f"{top1}%" for top1, _top5 in VGG[name]]
    assert printed(spec, Metric.TOP5_ERROR, "Simonyan") == [f"{top5}%" for _top1, top5 in VGG[name]]


# He et al. 2016, Tables 2 and 3 (10 crops).
@pytest.mark.parametrize(
    ("name", "top1", "top5"),
    [
        ("plain18", ["27.94"], []),
        ("plain34", ["28.54"], ["10.02"]),
        ("resnet18", ["27.88"], []),
        ("resnet34", ["25.03", "24.52", "24.19"], ["7.76", "7.46", "7.40"]),  # options A, B and C
        ("resnet50", ["22.85"], ["6.71"]),
        ("torchvision:resnet101", ["21.75"], ["6.05"]),
        ("resnet152", ["21.43"], ["5.71"]),
        ("vgg16", ["28.07"], ["9.33"]),
    ],
)
def test_errors_of_ten_crops_in_the_resnet_paper(name: str, top1: list[str], top5: list[str]) -> None:
    found = [one for one in published(resolve(name)) if "He et al." in one.source and "10 crops" in one.part]
    assert [one.printed for one in found if one.metric is Metric.TOP1_ERROR] == [f"{error}%" for error in top1]
    assert [one.printed for one in found if one.metric is Metric.TOP5_ERROR] == [f"{error}%" for error in top5]
    assert all((one.computed, one.agreement) == (None, None) for one in found)
    assert all("stride on the 1×1" in one.part for one in found) == (name[-2:] in ("50", "01", "52"))


def test_errors_of_all_shortcut_options_are_listed() -> None:
    found = [one for one in published(resolve("resnet34")) if one.metric is Metric.TOP1_ERROR and "crops" in one.part]
    assert [one.part[-1] for one in found] == ["A", "B", "C"]


def test_googlenets_errors_and_what_average_pooling_gained() -> None:
    spec = resolve("googlenet")  # Szegedy et al. 2015, Table 3 and section 5
    assert printed(spec, Metric.TOP5_ERROR, "Szegedy") == ["10.07%", "9.15%", "7.89%", "6.67%"]
    assert printed(spec, Metric.GAIN, "Szegedy") == ["0.6%"]


def test_unpublished_networks_have_no_errors() -> None:
    for spec in (resolve("vgg16-bn"), resolve("vgg16").changed(num_classes=10), resolve("digits-cnn")):
        assert not [one for one in published(spec) if one.metric in TRAINED]


def test_every_row_belongs_to_a_preset() -> None:
    assert all(any(one.source == row.source for one in published(resolve(row.network))) for row in ERRORS)


@pytest.mark.parametrize("data", ["cifar10", "/uploads/cifar10-0123abcdef.zip", "CIFAR-10-jpeg.npz", "cifar_10"])
def test_curve_of_the_vgg_notes(data: str) -> None:
    [notes] = trainings(resolve("vgg16-cifar10").changed(dropout=0.2), data)
    # Epochs 1, 10, 20, 30, 40 and 50: top-1 and top-3 in percent.
    assert dict(notes.curves["validation/top1"]) == {1: 0.26, 10: 0.535, 20: 0.645, 30: 0.699, 40: 0.723, 50: 0.755}
    assert dict(notes.curves["validation/top3"]) == {1: 0.644, 10: 0.84, 20: 0.893, 30: 0.911, 40: 0.92, 50: 0.932}
    assert (notes.final, "Adam" in notes.conditions) == ({"top1": 0.755, "top3": 0.932}, True)


@pytest.mark.parametrize("data", ["cifar100", "cifar100-0123abcdef.zip", "digits", "flowers"])
def test_other_data_have_no_published_curve(data: str) -> None:
    assert trainings(resolve("vgg16-cifar10"), data) == []


def test_class_accuracies_of_the_resnet_notes() -> None:
    notes = trainings(resolve("cifar-resnet18"), "cifar10")[0]
    assert notes.per_class == {
        "airplane": 0.90, "automobile": 1.00, "bird": 0.81, "cat": 0.72, "deer": 0.89, "dog": 0.87, "frog": 0.94,
        "horse": 0.93, "ship": 0.95, "truck": 0.96,
    }  # fmt: skip
    assert notes.final == {"top1": 0.9}
