"""Fidelity and diversity of generated images, from the nearest neighbours of their features."""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import pairwise_distances_chunked


class Neighbours(NamedTuple):
    """Precision, recall, density and coverage, see `neighbours`. All lie in [0, 1], but density may exceed 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbours(features, reference, k=3, k_density=5):
    """Precision and recall, density and coverage of generated features (m, d) against real ones (n, d).

    Around every feature lies a ball that reaches to its k-th nearest neighbour in its own set, itself not counted.
    Precision is the share of generated features in the ball of any real one, recall the share of real ones in the ball
    of any generated one. Source: Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative
    Models" (2019), equations 1 and 2.

    Density is the mean number of real balls that a generated feature lies in, divided by k; coverage is the share of
    real balls that hold a generated feature. A real outlier has a large ball: a generated feature that lies in no other
    one counts in full for precision, and as 1/k for density. Source: Naeem et al., "Reliable Fidelity and Diversity
    Metrics for Generative Models" (2020); as in their code, the surface of a ball is outside.

    All four depend on the number of images on both sides, so they compare only between equal numbers.

    Args:
        features, reference: of generated and of real images; of one protocol.
        k: of precision and recall, 3 in the paper. k_density: of density and coverage, 5 in the paper.

    Returns:
        `Neighbours`.

    Raises:
        ValueError: shapes do not fit, not finite, or not more features than the larger k on either side.
    """
    features, reference = (np.asarray(side) for side in (features, reference))
    if features.ndim != 2 or reference.ndim != 2 or features.shape[1] != reference.shape[1]:
        raise ValueError(
            f"features must be two arrays (n, d) of one d. Received: shapes {features.shape}, {reference.shape}"
        )
    if not (np.isfinite(features).all() and np.isfinite(reference).all()):
        raise ValueError("features must be finite. Received: NaN or infinite numbers")
    if not 1 <= min(k, k_density) <= max(k, k_density) < min(len(features), len(reference)):
        received = f"k={k}, k_density={k_density}, {len(features)} and {len(reference)} features"
        raise ValueError(f"k must be at least 1, and below the number of features on each side. Received: {received}")
    (of_features,) = _radii(features, [k])
    of_reference, of_density = _radii(reference, [k, k_density])
    precise, dense, start = [], [], 0
    recalled, covered = np.zeros((2, len(reference)), bool)
    for distances in pairwise_distances_chunked(features, reference):  # some generated ones (rows) to all real ones
        inside = distances < of_density
        own = of_features[start : start + len(distances), None]
        start += len(distances)
        precise.append((distances <= of_reference).any(axis=1))
        dense.append(inside.sum(axis=1))
        covered |= inside.any(axis=0)
        recalled |= (distances <= own).any(axis=0)
    shares = np.concatenate(precise).mean(), recalled.mean(), np.concatenate(dense).mean() / k_density, covered.mean()
    return Neighbours(*map(float, shares))


def _radii(features, ks):
    """Distances (n,) from every feature to its k-th nearest other one, for each k."""
    chunks = pairwise_distances_chunked(
        features,
        reduce_func=lambda distances, start: np.partition(distances, ks, axis=1)[:, ks],  # the nearest is itself
    )
    return np.concatenate(list(chunks)).T
