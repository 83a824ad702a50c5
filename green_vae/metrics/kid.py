"""The kernel Inception distance."""

import warnings

import numpy as np

SUBSET = 1000  # features, as Binkowski et al. draw them


def kid(features_a, features_b, subsets=100, subset_size=None, seed=0):
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
        fewest = min(len(a), len(b))
        subset_size = SUBSET if fewest >= SUBSET else fewest // 2  # of all features, subsets would be one and the same
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


def squared_mmd(a, b):
    """Unbiased squared maximum mean discrepancy of two equally long sets (m, d), m > 1; its diagonals are left out."""
    m = len(a)
    within = sum((kernel.sum() - np.trace(kernel)) / (m * (m - 1)) for kernel in (_kernel(a, a), _kernel(b, b)))
    return within - 2 * _kernel(a, b).mean()


def _kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3
