"""No spec that a user can send takes more than two seconds or 500 MB above the idle process."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.exhaustive

LARGEST = {
    "deepest resnet": {"family": "resnet", "blocks": [20] * 8, "block": "bottleneck", "shortcut": "C",
                       "image_size": 4096},
    "longest cfg": {"family": "vgg", "cfg": [16384] * 256, "batch_norm": True, "image_size": 4096, "pool_to": None,
                    "classifier": [65536] * 16},
    "cfg of large windows": {"family": "vgg", "cfg": ["16384:255p127"] * 128 + ["M:255/1p127"] * 128,
                             "image_size": 4096, "batch_norm": True, "pool_to": 64},
    "normalised cfg": {"family": "vgg", "cfg": ["L"] * 255 + [16384], "image_size": 4096},
    "longest table": {"family": "googlenet", "modules": [[f"m{i}", *[8192] * 6] for i in range(64)],
                      "image_size": 4096, "batch_norm": True, "pool_after": [],
                      "aux_after": [f"m{i}" for i in range(64)]},
    "naive table": {"family": "googlenet", "modules": [[f"m{i}", *[8192] * 6] for i in range(64)], "reduce": False,
                    "image_size": 4096, "batch_norm": True},
    "convolutional head": {"family": "vgg", "cfg": [16384], "image_size": 4096, "pool_to": None, "head": "conv"},
    "slowest of torchvision": {"family": "torchvision", "name": "efficientnet_v2_l", "image_size": 4096},
    "maxvit": {"family": "torchvision", "name": "maxvit_t", "image_size": 224},
    "swin": {"family": "torchvision", "name": "swin_v2_s", "image_size": 512},
    "largest of torchvision": {"family": "torchvision", "name": "regnet_y_128gf", "image_size": 4096},
    "most tokens": {"family": "torchvision", "name": "vit_h_14", "image_size": 4088},
}  # fmt: skip

# One process for all specs; memory counts above that after the first analysis.
PROGRAM = """
import json, resource, sys, time
from explorer.analysis import analyse
from explorer.families.torchvision.names import names
from explorer.families import parse_spec, resolve
from explorer.errors import InputError
names()
analyse(resolve("vgg16"))
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = {}
for name, data in json.load(sys.stdin).items():
    start = time.process_time()
    try:
        json.dumps(analyse(parse_spec(data)).to_dict())
        refused = ""
    except InputError as error:
        refused = str(error)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result[name] = [time.process_time() - start, (peak - idle) / 1024, refused]
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def measured() -> dict[str, tuple[float, float, str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(LARGEST), capture_output=True, text=True, check=True
    )
    found: dict[str, tuple[float, float, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_networks(measured: dict[str, tuple[float, float, str]], name: str) -> None:
    seconds, megabytes, refused = measured[name]
    assert refused == ""
    assert seconds < 10  # CPU time: about a second here, and minutes if a limit is missing
    assert megabytes < 500
