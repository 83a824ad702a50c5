"""Two sets of images compared by all distances at once, from one pass of features over each."""

import dataclasses

import numpy as np

from green_vae.metrics.extrapolation import Extrapolation, extrapolate_moments
from green_vae.metrics.fid import FID, fid_of_moments, measured
from green_vae.metrics.kid import KID, kid_of_moments
from green_vae.metrics.neighbours import Neighbours, neighbours

KEPT = 50_000  # features of a side, at most; 400 MB of 2048 numbers each
COMPARED = 10_000  # features of a side whose distances to all others are computed


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found of images beside a reference.

    Attributes:
        fid: of all images.
        kid, neighbours: of the features that were kept; None if there are too few, as in moments that kept none.
        compared: how many images of either side `neighbours` is of: (images, reference).
        missing: why there is no `kid` or `neighbours`; "" if there are both.
        extrapolated: the FID of infinitely many images, of the features that were kept; None if it was not asked for.
    """

    fid: FID
    kid: KID | None
    neighbours: Neighbours | None
    compared: tuple
    missing: str = ""
    extrapolated: Extrapolation | None = None


def evaluate(images, reference, layer="avg_pool", seed=0, extrapolated=False, **settings):
    """FID, KID, precision and recall, density and coverage of images beside a reference, in one pass of either.

    Args:
        images: what is judged, say generated images: an array, or an iterable of batches; see `FIDEvaluator.moments`.
        reference: what it is judged by, real images.
        layer: of the features; the 2048 of the FID by default.
        seed: of random subsets.
        extrapolated: whether to extrapolate the FID to infinitely many images, too; a minute or two for 10,000.
        settings: of `FIDEvaluator`.

    Returns:
        `Evaluation`.

    Raises:
        ValueError: unusable images or settings, or fewer than two images.
        WeightsNotFoundError: no weights.
    """
    return compare(*measured(images, reference, layer, keep=KEPT, **settings), seed=seed, extrapolated=extrapolated)


def compare(moments, reference, seed=0, extrapolated=False):
    """The same of two `Moments` at one layer, with as many features as each has kept.

    Raises:
        ValueError: different protocols, fewer than two images, or too few features to extrapolate from.
    """
    distance, kept = fid_of_moments(moments, reference), [moments.features, reference.features]
    fewest = min(map(len, kept))
    rng = np.random.default_rng(seed)
    kept_few = [_some(features, rng) for features in kept]
    kid = kid_of_moments(moments, reference, seed=seed) if fewest >= 4 else None
    near = neighbours(*kept_few) if fewest > 5 else None
    sides = f"{len(kept[0]):,} and {len(kept[1]):,} features were kept"
    missing = "" if near else f"no precision, recall, density and coverage{'' if kid else ', and no KID'}: {sides}"
    line = extrapolate_moments(moments, reference, seed=seed) if extrapolated else None
    return Evaluation(distance, kid, near, tuple(map(len, kept_few)), missing, line)


def _some(features, rng):
    """At most `COMPARED` of the features: a random part, since images of a class often stand together."""
    return features if len(features) <= COMPARED else features[rng.choice(len(features), COMPARED, replace=False)]
