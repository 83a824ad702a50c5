"""The Frechet distance against closed forms, SciPy's matrix root, and its own properties."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.metrics import (
    Moments,
    frechet,
    frechet_distance,
    frechet_error,
    frechet_from_features,
    frechet_from_moments,
)
from green_vae.metrics.fid import error_of_moments
from green_vae.metrics.frechet import frechet_to_gaussian

SETTINGS = settings(max_examples=25, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def gaussian(rng, d, rank=None):
    """A mean and a covariance of a given rank."""
    factor = rng.standard_normal((d, rank or d))
    return rng.standard_normal(d), factor @ factor.T


def by_matrix_root(mean_a, a, mean_b, b):
    root = scipy.linalg.sqrtm(a @ b)
    assert np.abs(np.imag(root)).max() < 1e-6
    return np.sum((mean_a - mean_b) ** 2) + np.trace(a) + np.trace(b) - 2 * np.trace(np.real(root))


def test_golden_identity_covariances_at_full_size():
    eye = np.eye(2048)
    assert frechet_distance(np.zeros(2048), eye, np.ones(2048), eye) == 2048


def test_closed_form_of_diagonal_covariances():
    a, b = np.array([4.0, 9.0, 0.0]), np.array([1.0, 16.0, 25.0])
    expected = np.sum((np.sqrt(a) - np.sqrt(b)) ** 2) + 3 * 0.25
    assert frechet_distance(np.zeros(3), np.diag(a), np.full(3, 0.5), np.diag(b)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 7, 40])
def test_agrees_with_the_matrix_root(d):
    rng = np.random.default_rng(d)
    pair = *gaussian(rng, d), *gaussian(rng, d)
    assert frechet_distance(*pair) == pytest.approx(by_matrix_root(*pair), rel=1e-8)


@given(SEEDS, st.integers(1, 12), st.integers(1, 12), st.integers(1, 12))
@SETTINGS
def test_symmetric_nonnegative_and_zero_on_itself(seed, d, rank_a, rank_b):
    rng = np.random.default_rng(seed)
    a, b = gaussian(rng, d, rank_a), gaussian(rng, d, rank_b)
    scale = np.trace(a[1]) + np.trace(b[1])
    forth, back = frechet_distance(*a, *b), frechet_distance(*b, *a)
    assert forth >= 0 and abs(forth - back) <= 1e-6 * scale
    assert frechet_distance(*a, *a) <= 1e-6 * scale


@given(SEEDS, st.integers(1, 10))
@SETTINGS
def test_rotation_changes_nothing_and_a_shift_adds_its_square(seed, d):
    rng = np.random.default_rng(seed)
    (mean_a, a), (mean_b, b) = gaussian(rng, d), gaussian(rng, d)
    value = frechet_distance(mean_a, a, mean_b, b)
    q, _ = np.linalg.qr(rng.standard_normal((d, d)))
    rotated = frechet_distance(q @ mean_a, q @ a @ q.T, q @ mean_b, q @ b @ q.T)
    assert rotated == pytest.approx(value, rel=1e-6, abs=1e-7)
    shift = rng.standard_normal(d)
    centred = frechet_distance(mean_a, a, mean_a, b)
    assert frechet_distance(mean_a, a, mean_a + shift, b) == pytest.approx(centred + shift @ shift, rel=1e-9)


@pytest.mark.parametrize("n_a, n_b", [(5, 9), (9, 60), (60, 5), (60, 70)])
def test_from_features_is_the_same_distance(n_a, n_b):
    """Also with fewer images than dimensions, where the covariances have no full rank."""
    rng = np.random.default_rng(n_a)
    a, b = rng.standard_normal((n_a, 20)), 1 + 2 * rng.standard_normal((n_b, 20))
    value = frechet_from_moments(Moments(20).update(a), Moments(20).update(b))
    # where only the second covariance is singular, roots of eigenvalues that are rounding add 1e-8 each
    assert frechet_from_features(a, b) == pytest.approx(value, rel=1e-7)
    assert frechet_from_features(a, a) <= 1e-9
    assert frechet_to_gaussian(a, b.mean(0), np.cov(b, rowvar=False)) == pytest.approx(value, rel=1e-6)


def by_the_product(a, b):
    """From features, by the definition: eigenvalues of the product of the covariances, which is not symmetric."""
    means = [x.sum(0) / len(x) for x in (a, b)]
    first, second = ((x.T @ x - len(x) * np.outer(m, m)) / (len(x) - 1) for x, m in zip((a, b), means, strict=True))
    root = np.sqrt(np.linalg.eigvals(first @ second).astype(complex)).real.sum()
    return np.sum((means[0] - means[1]) ** 2) + np.trace(first) + np.trace(second) - 2 * root


@pytest.mark.parametrize("rank", [64, 20])
def test_ten_thousand_features(rank):
    """Against another algorithm; also where all features lie in a space of few dimensions."""
    rng = np.random.default_rng(rank)
    a, b = (rng.standard_normal((10_000, rank)) @ rng.standard_normal((rank, 64)) + shift for shift in (0, 0.3))
    expected = by_the_product(a, b)
    moments = [Moments(64).update(x) for x in (a, b)]
    assert frechet_from_moments(*moments) == pytest.approx(expected, rel=1e-6)
    assert frechet_from_features(a, b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n", [57, 60, 61, 62])
def test_nearly_singular_covariances(n):
    """Of about as many images as dimensions, where rounding decides whether a Cholesky factor exists."""
    rng = np.random.default_rng(n)
    a, b = rng.standard_normal((n, 60)), 1 + rng.standard_normal((300, 60))
    pair = a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False)
    expected = frechet_from_features(a, b)
    assert frechet_distance(*pair) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(*pair[2:], *pair[:2]) == pytest.approx(expected, rel=1e-6)


@given(SEEDS, st.integers(1, 12), st.floats(0, 9))
@SETTINGS
def test_closed_form_of_covariances_that_share_their_axes(seed, d, decades):
    """Also where their eigenvalues spread over many powers of ten."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((d, d)))
    a, b = 10 ** rng.uniform(-decades, 0, (2, d))
    value = frechet_distance(np.zeros(d), (q * a) @ q.T, np.zeros(d), (q * b) @ q.T)
    assert value == pytest.approx(np.sum((np.sqrt(a) - np.sqrt(b)) ** 2), rel=1e-6, abs=1e-7)


def test_rank_deficient_pair_has_its_closed_form():
    """Two planes that share one axis; a naive root of the singular product gives NaN or a complex number."""
    a, b = np.diag([1.0, 4.0, 0.0]), np.diag([0.0, 9.0, 1.0])
    assert frechet_distance(np.zeros(3), a, np.zeros(3), b) == pytest.approx(1 + 1 + (3 - 2) ** 2, rel=1e-12)
    assert frechet_distance(np.zeros(3), a, np.zeros(3), np.zeros((3, 3))) == 5


@pytest.mark.parametrize("position", [1, 3])
def test_really_negative_eigenvalues_are_an_error_and_rounding_is_not(position):
    arguments = [np.zeros(2), np.eye(2), np.zeros(2), np.eye(2)]
    arguments[position] = np.diag([1.0, -1e-12])
    assert frechet_distance(*arguments) == pytest.approx(1, abs=1e-5)
    arguments[position] = np.diag([1.0, -1e-3])
    with pytest.raises(ValueError, match="negative eigenvalue. Received: -0.001"):
        frechet_distance(*arguments)


@pytest.mark.parametrize(
    "matrix, message",
    [
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "finite"),
        (np.eye(2) + 1e-3j, "real"),
        (np.eye(3), r"\(2, 2\)"),
    ],
)
def test_unusable_covariances_are_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(2), matrix)
    with pytest.raises(ValueError, match=message):
        frechet_distance(np.zeros(2), matrix, np.zeros(2), np.eye(2))


def test_unusable_means_and_features_are_refused():
    with pytest.raises(ValueError, match="one length"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))
    with pytest.raises(ValueError, match="at least two.*n=1"):
        frechet_from_features(np.zeros((1, 4)), np.zeros((5, 4)))
    with pytest.raises(ValueError, match="of one d"):
        frechet_from_features(np.zeros((3, 4)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="finite"):
        frechet_from_features(np.full((3, 4), np.nan), np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"must be \(n, 2\). Received: shape \(5, 3\)"):
        frechet_to_gaussian(np.zeros((5, 3)), np.zeros(2), np.eye(2))


@pytest.mark.parametrize("condition", [1e1, 1e6, 1e10, 1e14])
def test_both_factors_of_a_covariance_give_the_same_distance(condition, monkeypatch):
    """Commuting covariances: the trace of the root is the sum of the roots of products of eigenvalues."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((50, 50)))[0]
    a, b = np.geomspace(1, 1 / condition, 50), rng.uniform(0.5, 2, 50)
    covariances = [(axes * values) @ axes.T for values in (a, b)]
    expected = a.sum() + b.sum() - 2 * np.sqrt(a * b).sum()
    means = np.zeros(50)
    for limit in (frechet._SMALL_PIVOT, np.inf):  # the second one never takes the Cholesky factor
        monkeypatch.setattr(frechet, "_SMALL_PIVOT", limit)
        distance = frechet.frechet_distance(means, covariances[0], means, covariances[1])
        assert distance == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("d", "n"), [(4, 400), (16, 48)])
def test_the_standard_error_is_the_deviation_of_distances_of_other_images(d, n):
    """300 sets of images that are not Gaussian, from far off the reference, so that the distance is no mere bias."""
    rng = np.random.default_rng(0)
    factor, (_, reference) = rng.standard_normal((d, d)), gaussian(rng, d)
    distances, errors = [], []
    for _ in range(300):
        x = np.abs(rng.standard_normal((n, d))) ** 1.3 @ factor
        own = x.mean(0), np.cov(x, rowvar=False)
        distances.append(frechet_distance(*own, np.zeros(d), reference))
        errors.append(frechet_error(x, *own, np.zeros(d), reference, n))
    assert np.mean(errors) == pytest.approx(np.std(distances), rel=0.15)


def test_the_standard_error_in_one_dimension_is_that_of_mean_and_deviation():
    """The distance is (m1 - m2)^2 + (s1 - s2)^2 there, and the delta method can be written down."""
    x = np.random.default_rng(1).gamma(2.0, size=(500, 1))
    mean, deviation = x.mean(), x.std(ddof=1)
    shares = 2 * (mean - 5) * (x - mean) + (1 - 3 / deviation) * (x - mean) ** 2
    expected = shares.std(ddof=1) / np.sqrt(500)
    found = frechet_error(x, np.array([mean]), [[deviation**2]], np.array([5.0]), [[9.0]], 500)
    assert found == pytest.approx(expected, rel=1e-9)


def test_directions_without_variance_have_no_part_in_the_standard_error():
    rng = np.random.default_rng(2)
    x, (mean, reference) = rng.standard_normal((90, 3)), gaussian(rng, 3)
    expected = frechet_error(x, x.mean(0), np.cov(x, rowvar=False), mean, reference, 90)
    padded = np.hstack([x, np.ones((90, 2))])
    own = padded.mean(0), np.cov(padded, rowvar=False)
    wide = np.zeros((5, 5))
    wide[:3, :3] = reference
    assert frechet_error(padded, *own, np.append(mean, [1, 1]), wide, 90) == pytest.approx(expected, rel=1e-6)


def test_too_few_images_or_none_kept_have_no_standard_error():
    rng = np.random.default_rng(3)
    many = Moments(4, keep=50).update(rng.standard_normal((60, 4)))
    few, unkept = Moments(4, keep=9).update(many.features[:4]), Moments(4).update(many.features)
    assert error_of_moments(many, unkept) > 0
    assert [error_of_moments(*pair) for pair in ((unkept, many), (few, many), (many, few))] == [None] * 3
