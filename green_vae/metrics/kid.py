"""The kernel Inception distance."""

import dataclasses
import math
import sys
import warnings

import numpy as np

from green_vae.metrics.fid import measured
from green_vae.metrics.protocol import Protocol

SUBSET = 1000  # features, as Binkowski et al. draw them


@dataclasses.dataclass(frozen=True)
class KID:
    """A kernel distance, how sure it is, and all that it depends on.

    Attributes:
        value: mean of the unbiased squared MMD over random subsets.
        error: standard error of `value`, see `standard_error`; NaN where a subset is all there is.
        n_a, n_b: images. protocol: of the features.
    """

    value: float
    error: float
    n_a: int
    n_b: int
    protocol: Protocol

    @property
    def label(self):
        """What the number may be called, such as "KID" or "KID@1280"."""
        return self.protocol.label.replace("FID", "KID")

    def __float__(self):
        return self.value

    def __str__(self):
        return f"{self.label} = {self.value:.5f} +- {self.error:.5f} (n = {self.n_a} and {self.n_b})"


def kid(images_a, images_b, layer=None, subsets=100, subset_size=None, seed=0, **settings):
    """The kernel Inception distance between two sets of images, as a `KID`; `float` of it is the number.

    Args:
        images_a, images_b: arrays, or iterables of batches, as for `fid`; features go to `kid_from_features`.
        layer, settings: as for `fid`.
        subsets, subset_size, seed: as for `kid_from_features`.

    Raises:
        ValueError: unusable images or settings, or too few images.
        WeightsNotFoundError: no weights.
    """
    moments = measured(images_a, images_b, layer, keep=sys.maxsize, **settings)
    return kid_of_moments(*moments, subsets=subsets, subset_size=subset_size, seed=seed)


def kid_of_moments(a, b, subsets=100, subset_size=None, seed=0):
    """The `KID` of the features kept in two `Moments`; arguments and errors as for `kid_from_features`."""
    a.check_comparable(b)
    features = a.features, b.features
    mean, deviation = kid_from_features(*features, subsets, subset_size, seed)
    fewest = min(map(len, features))
    error = standard_error(deviation, subsets, subset_size or _subset_size(fewest), fewest)
    return KID(mean, error, *map(len, features), a.protocol)


def kid_from_features(features_a, features_b, subsets=100, subset_size=None, seed=0):
    """Kernel Inception distance: mean and standard deviation over random subsets of the unbiased squared MMD.

    Kernel k(x, y) = (x . y / d + 1)^3. Source: Binkowski et al., "Demystifying MMD GANs" (2018), equation 4.

    Args:
        features_a, features_b: (n, d) and (m, d); of one protocol, see `Moments.features`.
        subsets: how many subsets.
        subset_size: features drawn, without putting back, from each side; None for 1000, or for half of what
            there is on the shorter side if that is less than 1000, with a warning.
        seed: of the drawing.

    Returns:
        (mean, standard deviation), floats; the mean of equal distributions is 0, and may be negative.

    Raises:
        ValueError: shapes do not fit, not finite, or fewer features than a subset.
    """
    a, b = np.asarray(features_a, "float64"), np.asarray(features_b, "float64")
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features must be two arrays (n, d) of one d. Received: shapes {a.shape}, {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("features must be finite. Received: NaN or infinite numbers")
    if subset_size is None:
        subset_size = _subset_size(min(len(a), len(b)))
        if subset_size < SUBSET:
            told = f"a KID of subsets of {subset_size} features, not {SUBSET}: more noise, no bias"
            warnings.warn(f"{told}. Received: {len(a)} and {len(b)} features", stacklevel=2)
    if subsets < 1 or not 2 <= subset_size <= min(len(a), len(b)):
        received = f"subsets={subsets}, subset_size={subset_size}, {len(a)} and {len(b)} features"
        raise ValueError(
            f"subsets must be at least 1, of 2 or more features and no more than there are. Received: {received}"
        )
    rng = np.random.default_rng(seed)
    draws = [[rng.choice(len(x), subset_size, replace=False) for x in (a, b)] for _ in range(subsets)]
    values = [squared_mmd(a[i], b[j]) for i, j in draws]
    return float(np.mean(values)), float(np.std(values))


def standard_error(deviation, subsets, subset_size, n):
    """How far a mean over random subsets is likely to lie from the mean over new images; in units of `deviation`.

    Subsets of one set of n features overlap, so that deviation / sqrt(subsets) says only how well these n are known.
    The delete-d jackknife says what other images would change: its variance is m / (n - m) deviation^2, for subsets of
    m. Both are added. Where both sides have one distribution it is too large: the distance is surer than that.
    Source: Shao and Wu, "A General Theory for Jackknife Variance Estimation" (1989).

    Args:
        deviation: standard deviation over the subsets. subsets: how many. subset_size: m.
        n: features on the shorter side.

    Returns:
        A float; NaN for subsets of all n, or for a single one.
    """
    if subset_size >= n or subsets < 2:
        return math.nan
    return deviation * math.sqrt(subset_size / (n - subset_size) + 1 / subsets)


def squared_mmd(a, b):
    """Unbiased squared maximum mean discrepancy of two equally long sets (m, d), m > 1; its diagonals are left out."""
    m = len(a)
    within = sum((kernel.sum() - np.trace(kernel)) / (m * (m - 1)) for kernel in (_kernel(a, a), _kernel(b, b)))
    return within - 2 * _kernel(a, b).mean()


def _subset_size(fewest):
    """Of all features, subsets would be one and the same."""
    return SUBSET if fewest >= SUBSET else fewest // 2


def _kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3
