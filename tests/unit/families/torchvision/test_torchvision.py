"""Every classification model of torchvision against its own metadata."""

import subprocess
import sys
from typing import Any

import pytest
from torchvision import models

from explorer.analysis import analyse
from explorer.errors import SpecError
from explorer.families import resolve
from explorer.families.torchvision.names import names
from explorer.families.torchvision.spec import ZooSpec

pytestmark = pytest.mark.exhaustive

WEIGHTS = [weights for name in names() for weights in models.get_model_weights(name)]

# torchvision's metadata counts the auxiliary head of inception_v3 (not that of googlenet); ours stands apart.
COUNTS_AUXILIARY = {"inception_v3"}
# Their `_ops`, 0.057 and 0.04, are rounded to the third digit, which is more than half a percent of them.
ROUNDED = {"mobilenet_v3_small", "shufflenet_v2_x0_5"}


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_metadata(weights: models.WeightsEnum) -> None:
    name = next(n for n in names() if weights in models.get_model_weights(n))
    spec = ZooSpec(name=name, image_size=weights.transforms().crop_size[0], num_classes=1000)
    analysis = analyse(spec)
    totals = analysis.totals
    counted = totals.params + (totals.aux_params if name in COUNTS_AUXILIARY else 0)
    assert counted == weights.meta["num_params"]
    tolerance: dict[str, Any] = {"abs": 0.0006} if name in ROUNDED else {"rel": 0.005, "abs": 0}
    assert totals.macs / 1e9 == pytest.approx(weights.meta["_ops"], **tolerance)
    assert sum(layer.params for layer in analysis.layers) == totals.params
    assert "not-counted" not in {warned.code for warned in analysis.warnings}
    assert analysis.training is not None


def test_every_classification_model_has_weights_to_check_against() -> None:
    assert {name for name in names() if not list(models.get_model_weights(name))} == set()
    assert len(names()) >= 80


@pytest.mark.parametrize("name", names())
def test_default_sizes_are_torchvisions(name: str) -> None:
    sizes = [weights.transforms().crop_size[0] for weights in models.get_model_weights(name)]
    # Two models have fine-tuned weights only, at 384 or 518 first; like torchvision's builders, ours start at 224.
    assert resolve(f"torchvision:{name}").image_size == (224 if name in ("vit_h_14", "regnet_y_128gf") else sizes[0])


def test_names_are_those_that_torchvision_lists_without_its_import() -> None:
    assert list(names()) == models.list_models(module=models)
    code = (
        "import sys\nfrom explorer.cli.networks import named_spec\nfrom explorer.errors import SpecError\n"
        "for name in ('vgg61', 'torchvision:resnet81'):\n"
        "    try: named_spec(name, None)\n"
        "    except SpecError: pass\n"
        "    else: sys.exit(2)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_names_are_refused_with_close_ones() -> None:
    with pytest.raises(SpecError, match=r"no classification model 'resnet51'.*resnet50"):
        analyse(ZooSpec(name="resnet51"))


@pytest.mark.parametrize(("name", "size"), [("inception_v3", 32), ("vit_b_16", 100), ("maxvit_t", 100)])
def test_sizes_that_a_model_cannot_take_are_refused_in_words(name: str, size: int) -> None:
    with pytest.raises(SpecError, match=f"image_size {size}|{size}×{size}"):
        analyse(ZooSpec(name=name, image_size=size))
