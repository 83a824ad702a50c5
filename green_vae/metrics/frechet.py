"""The Frechet distance between two Gaussians, without a matrix square root."""

import numpy as np
import scipy.linalg

_ROUNDING = 1e-12  # of the largest eigenvalue
_SMALL_PIVOT = 1e-8  # of the largest entry, far above what rounding makes of a direction without variance
_TOLERANCE = 1e-6  # of the largest entry: asymmetry and negative eigenvalues that rounding (of float32, too) explains


def frechet_distance(mean_a, covariance_a, mean_b, covariance_b):
    """|m1 - m2|^2 + Tr C1 + Tr C2 - 2 Tr (C1 C2)^(1/2), by Dowson and Landau (1982); the FID of Heusel et al. (2017).

    Only the trace of the root is needed. With C1 = A A' it is the sum of the roots of the eigenvalues of the
    symmetric A' C2 A, which are real and not negative; rank-deficient covariances need no epsilon.

    Args:
        mean_a, mean_b: (d,).
        covariance_a, covariance_b: (d, d).

    Returns:
        A float, in squared units of the features; 0 where rounding would make it negative.

    Raises:
        ValueError: shapes do not fit; numbers not finite; a matrix not symmetric or with really negative eigenvalues.
    """
    mean_a, mean_b = np.asarray(mean_a, "float64"), np.asarray(mean_b, "float64")
    if mean_a.ndim != 1 or mean_a.shape != mean_b.shape:
        raise ValueError(f"means must be vectors of one length. Received: shapes {mean_a.shape}, {mean_b.shape}")
    covariance_a, covariance_b = (_checked(matrix, len(mean_a)) for matrix in (covariance_a, covariance_b))
    _check_positive(covariance_b)
    factor = _factor(covariance_a)  # (d, rank)
    inner = factor.T @ covariance_b @ factor
    roots = np.sqrt(np.clip(scipy.linalg.eigvalsh((inner + inner.T) / 2), 0, None)) if inner.size else np.zeros(1)
    return _distance(mean_a - mean_b, np.trace(covariance_a) + np.trace(covariance_b), roots.sum())


def frechet_from_moments(a, b):
    """`frechet_distance` of two `Moments`.

    Raises:
        ValueError: different protocols or dimensions, or fewer than two images.
    """
    a.check_comparable(b)
    return frechet_distance(a.mean, a.covariance, b.mean, b.covariance)


def frechet_error(features, mean_a, covariance_a, mean_b, covariance_b, n):
    """Standard error of `frechet_distance` if n other images of the same kind had made the first Gaussian.

    By the delta method: the distance changes with the mean by 2 (m1 - m2), and with the covariance by I - T, where
    T = C2^(1/2) (C2^(1/2) C1 C2^(1/2))^(-1/2) C2^(1/2) carries the first Gaussian to the second. An image's share in
    it is 2 (m1 - m2) (x - m1) + (x - m1)' (I - T) (x - m1), and the error is the standard deviation of this over the
    images, divided by the root of n. Two sets of one origin, whose whole distance is bias, have a smaller one.

    Args:
        features: (k, d), of some of the n images, chosen at random.
        mean_a, covariance_a: (d,) and (d, d), of all n images; they must have more images than dimensions.
        mean_b, covariance_b: of the reference, which is held as it is.

    Returns:
        A float, in squared units of the features.
    """
    rows, shift = np.asarray(features, "float64") - mean_a, np.asarray(mean_a) - mean_b
    values, vectors = scipy.linalg.eigh(covariance_b)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    values, vectors = scipy.linalg.eigh(root @ covariance_a @ root)
    found = values > _ROUNDING * values.max(initial=0)  # directions in which both vary
    half = root @ vectors[:, found] / values[found] ** 0.25
    carried = rows @ half  # its squares sum to x' T x
    shares = 2 * rows @ shift + np.sum(rows**2, 1) - np.sum(carried**2, 1)
    return float(np.std(shares, ddof=1) / np.sqrt(n))


def frechet_from_features(features_a, features_b):
    """The same distance from features (n, d) themselves: exact, and cheap where n < d.

    Tr (C1 C2)^(1/2) is the nuclear norm of the product of the centred features, which is n by n, not d by d.

    Raises:
        ValueError: other shapes, not finite, or fewer than two rows.
    """
    if np.ndim(features_a) != 2 or np.ndim(features_b) != 2 or np.shape(features_a)[1] != np.shape(features_b)[1]:
        shapes = f"{np.shape(features_a)}, {np.shape(features_b)}"
        raise ValueError(f"features must be two arrays (n, d) of one d. Received: shapes {shapes}")
    (mean_a, a), (mean_b, b) = _centred(features_a), _centred(features_b)
    root = scipy.linalg.svdvals(a @ b.T).sum()
    return _distance(mean_a - mean_b, np.sum(a**2) + np.sum(b**2), root)


def frechet_to_gaussian(features, mean, covariance):
    """The same distance from features (n, d) to a Gaussian that is known: exact, and cheap where n < d.

    Tr (C1 C2)^(1/2) is the sum of the roots of the eigenvalues of X C2 X', n by n, with C1 = X'X.

    Raises:
        ValueError: other shapes, not finite, or fewer than two rows.
    """
    mean, covariance = np.asarray(mean, "float64"), _checked(covariance, np.size(mean))
    if np.ndim(features) != 2 or np.shape(features)[1] != len(mean):
        raise ValueError(f"features must be (n, {len(mean)}). Received: shape {np.shape(features)}")
    own, rows = _centred(features)
    values = scipy.linalg.eigvalsh(rows @ covariance @ rows.T)
    return _distance(own - mean, np.sum(rows**2) + np.trace(covariance), np.sqrt(values.clip(0)).sum())


def _distance(shift, traces, root):
    """The sum; below rounding, it is zero."""
    return max(float(shift @ shift + traces - 2 * root), 0.0)


def _centred(features):
    """Mean, and rows whose products sum to the covariance; never more than d of them."""
    features = np.asarray(features, "float64")
    if len(features) < 2:
        raise ValueError(f"a covariance needs at least two images. Received: n={len(features)}")
    if not np.isfinite(features).all():
        raise ValueError(f"features must be finite. Received: {np.sum(~np.isfinite(features))} NaN or infinite")
    mean = features.mean(0)
    rows = (features - mean) / np.sqrt(len(features) - 1)
    return mean, rows if len(rows) <= rows.shape[1] else np.linalg.qr(rows, mode="r")


def _checked(matrix, dim):
    matrix = np.asarray(matrix)
    if matrix.shape != (dim, dim):
        raise ValueError(f"a covariance must be ({dim}, {dim}). Received: shape {matrix.shape}")
    if np.iscomplexobj(matrix) or not np.isfinite(matrix).all():
        raise ValueError(
            f"a covariance must be real and finite. Received: {matrix.dtype} with NaN, infinity or complex"
        )
    matrix = np.asarray(matrix, "float64")
    asymmetry = np.abs(matrix - matrix.T).max(initial=0)
    if asymmetry > _TOLERANCE * np.abs(matrix).max(initial=0):
        raise ValueError(f"a covariance must be symmetric. Received: entries that differ by {asymmetry:.3g}")
    return (matrix + matrix.T) / 2 if asymmetry else matrix


def _check_positive(matrix):
    """Cholesky succeeds if and only if no eigenvalue is below the margin; far cheaper than all eigenvalues."""
    margin = _TOLERANCE * np.abs(matrix).max(initial=0)
    try:
        scipy.linalg.cholesky(matrix + (margin + np.finfo("float64").tiny) * np.eye(len(matrix)), check_finite=False)
    except scipy.linalg.LinAlgError as error:
        smallest = scipy.linalg.eigvalsh(matrix, subset_by_index=(0, 0))[0]
        raise ValueError(f"a covariance has no negative eigenvalue. Received: {smallest:.3g}") from error


def _factor(matrix):
    """A with matrix = A A', only as many columns as the rank; directions that are rounding alone are dropped.

    Where no pivot is small it is the Cholesky factor, which takes a tenth of the time of all eigenvectors.
    """
    try:
        lower = scipy.linalg.cholesky(matrix, lower=True, check_finite=False)
        if np.square(lower.diagonal()).min(initial=np.inf) > _SMALL_PIVOT * np.abs(matrix).max(initial=0):
            return lower
    except scipy.linalg.LinAlgError:
        pass  # the eigenvalues tell whether it is rank or a matrix that is no covariance
    values, vectors = scipy.linalg.eigh(matrix, driver="evd", check_finite=False)
    if values.size and values[0] < -_TOLERANCE * np.abs(matrix).max():
        raise ValueError(f"a covariance has no negative eigenvalue. Received: {values[0]:.3g}")
    rank = values > len(values) * np.finfo("float64").eps * values.max(initial=0)
    return vectors[:, rank] * np.sqrt(values[rank])
