"""How sure a Frechet distance is, and what it would be of infinitely many images."""

import dataclasses
import warnings

import numpy as np

from green_vae.metrics.frechet import frechet_distance, frechet_from_features

PARTS = 4  # subsets of all, halves, thirds and quarters of the images
SPLITS = 5  # of both sides into two random halves


@dataclasses.dataclass(frozen=True)
class Extrapolation:
    """Frechet distances of several numbers of images, and the line through them.

    Attributes:
        value: the distance where the line reaches 1 / n = 0.
        error: its standard error under other images.
        distance: of all n images a side. spread: its standard error.
        sizes: numbers of images a side, the largest first. distances: the mean distance of disjoint subsets of each.
    """

    value: float
    error: float
    distance: float
    spread: float
    sizes: tuple
    distances: tuple

    def __str__(self):
        return f"{self.value:.4f} +- {self.error:.4f} (from n = {', '.join(map(str, self.sizes))})"


def extrapolate(features_a, features_b, parts=PARTS, splits=SPLITS, seed=0):
    """The Frechet distance of infinitely many images: FID-infinity of Chong and Forsyth (2020).

    A distance of n images a side is too large by about c / n. A straight line in 1 / n through the mean distances of
    disjoint random subsets of n, n / 2, ..., n / `parts` images ends at the distance without that bias. Here both sides
    shrink together, so that the bias of either goes; Chong and Forsyth hold the reference, whose bias stays.

    Both standard errors are those of the delete-half jackknife (Shao and Wu, 1989): the standard deviation of the same
    number over random halves of the images of both sides.

    Args:
        features_a, features_b: (n, d) and (m, d), of one protocol. The longer side is cut at random to the shorter.
        parts: into how many subsets the images are cut at most; 2 or more.
        splits: how many times the images are halved at random, for the standard errors.
        seed: of all subsets.

    Returns:
        An `Extrapolation`. Warns where a subset has fewer images than features have dimensions: c / n does not hold
        there, and the line ends too high.

    Raises:
        ValueError: other shapes, not finite, fewer than 2 parts, fewer than 1 split, or too few images.
    """
    n, fewest = min(len(features_a), len(features_b)), 2 * 2 * parts  # a half, cut into subsets of two
    if parts < 2 or splits < 1 or n < fewest:
        told = f"a line needs 2 or more parts, an error 1 or more splits, and both {fewest} or more images a side"
        raise ValueError(f"{told}. Received: parts={parts}, splits={splits}, {n} images")
    rng = np.random.default_rng(seed)
    sides = [np.asarray(side, "float64")[rng.permutation(len(side))[:n]] for side in (features_a, features_b)]
    if n // parts < sides[0].shape[-1]:
        told = f"subsets of {n // parts} images are fewer than the {sides[0].shape[-1]} features, where the bias is not"
        warnings.warn(f"{told} proportional to 1 / n: the extrapolated distance is too large", stacklevel=2)
    sizes, distances, value = _line(*sides, parts)
    lines = [_line(*pair, parts) for pair in halves(sides, splits, rng)]
    error = np.std([line[2] for line in lines], ddof=1)
    spread = np.std([line[1][0] for line in lines], ddof=1)
    return Extrapolation(value, float(error), distances[0], float(spread), sizes, distances)


def extrapolate_moments(a, b, **settings):
    """`extrapolate` of the features that two `Moments` have kept; a further ValueError for different protocols."""
    a.check_comparable(b)
    return extrapolate(a.features, b.features, **settings)


def halves(sides, splits, rng):
    """Random halves of all sides: 2 tuples of arrays for each split. Over them, the standard deviation of a number is
    the delete-half jackknife's estimate of its standard error (Shao and Wu, 1989)."""
    for _ in range(splits):
        orders = [rng.permutation(len(side)) for side in sides]
        for start in (0, 1):
            yield tuple(side[order[start::2]] for side, order in zip(sides, orders, strict=True))


def distance_of(a, b):
    """Frechet distance of features: by covariances where these have full rank, which is quicker there."""
    if min(len(a), len(b)) <= a.shape[1]:
        return frechet_from_features(a, b)
    return frechet_distance(a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False))


def _line(a, b, parts):
    """(sizes, mean distances, intercept in 1 / size) of two sets of features of one length."""
    sizes = tuple(len(a) // count for count in range(1, parts + 1))
    distances = tuple(
        float(
            np.mean([distance_of(a[start : start + size], b[start : start + size]) for start in _starts(len(a), size)])
        )
        for size in sizes
    )
    _, value = np.polyfit(1 / np.array(sizes), distances, 1)
    return sizes, distances, float(value)


def _starts(n, size):
    return range(0, n - size + 1, size)
