"""torchvision's published figures about its own models."""

from collections.abc import Iterator

from explorer.families.claims import Claim, torchvision_claims
from explorer.families.torchvision.network import metadata
from explorer.families.torchvision.spec import ZooSpec
from explorer.i18n import _

GIGA = 10**9


def claims(spec: ZooSpec) -> Iterator[Claim]:
    """Figures of torchvision's metadata about a model, at the image size that they hold for."""
    from torchvision import models  # not at the top; already imported, because the network was built

    for weights in models.get_model_weights(spec.name):
        if weights.transforms().crop_size[0] == spec.image_size and spec.num_classes == 1000 and spec.head == "own":
            yield from torchvision_claims(
                f"{weights.meta['num_params']:,}",
                f"{weights.meta['_ops']} G",
                why_params=_(
                    "torchvision's metadata counts the auxiliary head of this model, which stands apart here."
                ),
            )
            return


def landmarks() -> Iterator[tuple[str, int, int]]:
    """Name, parameters and MACs of each model in torchvision's metadata.

    The metadata rounds MACs to millions, uses the image size of the best weights, and counts inception_v3 with its
    auxiliary head.
    """
    for name, facts in metadata().items():
        yield name, facts["num_params"], round(facts["_ops"] * GIGA)
