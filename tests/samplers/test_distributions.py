"""Whether the samples follow the distribution that was fitted. Seeds are fixed; bounds are 5 standard errors."""

import numpy as np
import pytest
from scipy import stats

from green_vae.samplers import GaussianMixture, Neighbourhood, Prior, ScalarGaussian

N = 20_000


def two_clusters(n=600, seed=0):
    """Two correlated clusters in 2-d, far apart, with weights 1/3 and 2/3."""
    rng = np.random.default_rng(seed)
    left = rng.multivariate_normal([-10, 0], [[1, 0.6], [0.6, 2]], n // 3)
    right = rng.multivariate_normal([10, 5], [[2, -0.5], [-0.5, 1]], 2 * n // 3)
    return np.concatenate([left, right])


def test_the_prior_is_standard_normal_whatever_it_was_fitted_to():
    z = Prior().fit(np.full((2, 4), 7.0)).sample(N)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=5 / np.sqrt(N))
    np.testing.assert_allclose(np.cov(z.T), np.eye(4), atol=5 * np.sqrt(2 / N))
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3


def test_scalar_gaussian_learns_one_mean_and_one_width_over_all_entries():
    sampler = ScalarGaussian().fit([[1.0, 3.0], [5.0, 7.0]])
    assert (sampler.mean_, sampler.std_) == (4.0, np.sqrt(5.0))
    z = sampler.sample(N)
    assert stats.kstest(z.ravel(), "norm", (4.0, np.sqrt(5.0))).pvalue > 1e-3
    assert abs(np.corrcoef(z.T)[0, 1]) < 5 / np.sqrt(N)


def test_scalar_gaussian_needs_two_rows():
    with pytest.raises(ValueError, match="at least 2 encodings.*Received: 1"):
        ScalarGaussian().fit(np.zeros((1, 3)))


def test_one_component_is_the_closed_form_gaussian():
    z = two_clusters()
    fitted = GaussianMixture(1).fit(z)
    np.testing.assert_allclose(fitted.means_[0], z.mean(axis=0))
    np.testing.assert_allclose(fitted.covariances_[0], np.cov(z.T, bias=True) + 1e-6 * np.eye(2))
    expected = stats.multivariate_normal(fitted.means_[0], fitted.covariances_[0]).logpdf(z)
    np.testing.assert_allclose(fitted.log_density(z), expected)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_mixture_samples_have_the_moments_of_the_mixture(covariance_type):
    """Mean = sum of w m; covariance = sum of w (C + m m^T) - mean mean^T."""
    fitted = GaussianMixture(2, covariance_type).fit(two_clusters())
    weights, means = fitted.weights_, fitted.means_
    covariances = {
        "full": fitted.covariances_,
        "tied": np.broadcast_to(fitted.covariances_, (2, 2, 2)),
        "diag": [np.diag(row) for row in np.reshape(fitted.covariances_, (2, -1))],
        "spherical": [value * np.eye(2) for value in np.reshape(fitted.covariances_, (2, -1))[:, 0]],
    }[covariance_type]
    mean = weights @ means
    second = sum(w * (c + np.outer(m, m)) for w, c, m in zip(weights, covariances, means, strict=True))
    z = fitted.sample(N)
    covariance = second - np.outer(mean, mean)
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=5 * np.sqrt(covariance.max() / N))
    np.testing.assert_allclose(np.cov(z.T), covariance, rtol=0.03, atol=0.5)
    assert (z[:, 0] < 0).mean() == pytest.approx(weights[means[:, 0] < 0].sum(), abs=5 * np.sqrt(0.25 / N))


def test_mixture_recovers_the_clusters():
    fitted = GaussianMixture(2).fit(two_clusters())
    order = np.argsort(fitted.means_[:, 0])
    np.testing.assert_allclose(fitted.weights_[order], [1 / 3, 2 / 3], atol=1e-3)
    np.testing.assert_allclose(fitted.means_[order], [[-10, 0], [10, 5]], atol=0.5)


def test_mixture_density_against_scipy():
    fitted = GaussianMixture(2).fit(two_clusters())
    z = two_clusters(30, seed=1)
    parts = zip(fitted.weights_, fitted.means_, fitted.covariances_, strict=True)
    density = sum(w * stats.multivariate_normal(m, c).pdf(z) for w, m, c in parts)
    np.testing.assert_allclose(fitted.log_density(z), np.log(density), rtol=1e-9)


def test_mixture_samples_are_not_grouped_by_component():
    left = GaussianMixture(2).fit(two_clusters()).sample(1000)[:, 0] < 0
    changes = np.count_nonzero(left[1:] != left[:-1])
    assert changes > 300  # 1 when grouped; 444 expected of a random order of 1/3 and 2/3
    assert left[:500].mean() == pytest.approx(left[500:].mean(), abs=5 * np.sqrt(2 * 0.25 / 500))


def test_mixture_needs_a_row_per_component():
    with pytest.raises(ValueError, match="at least 10 encodings.*Received: 9"):
        GaussianMixture().fit(np.random.default_rng(0).normal(size=(9, 2)))


def test_mixture_density_checks_its_argument():
    with pytest.raises(ValueError, match=r"Received: \(4, 3\)"):
        GaussianMixture(2).fit(two_clusters()).log_density(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="not fitted"):
        GaussianMixture(2).log_density(np.zeros((4, 2)))


def test_neighbourhood_without_noise_returns_encodings_each_as_often():
    z = np.arange(8.0).reshape(4, 2)
    samples = Neighbourhood(scale=0).fit(z).sample(N)
    rows, counts = np.unique(samples, axis=0, return_counts=True)
    np.testing.assert_array_equal(rows, z)
    np.testing.assert_allclose(counts / N, 0.25, atol=5 * np.sqrt(0.25 * 0.75 / N))


def test_neighbourhood_noise_has_its_scale():
    samples = Neighbourhood(scale=0.5).fit(np.array([[0.0, 100.0], [1000.0, 100.0]])).sample(N)
    noise = samples - np.stack([np.round(samples[:, 0] / 1000) * 1000, np.full(N, 100.0)], axis=1)
    np.testing.assert_allclose(noise.std(axis=0), 0.5, rtol=5 / np.sqrt(2 * N))
    assert abs(np.corrcoef(noise.T)[0, 1]) < 5 / np.sqrt(N)


@pytest.mark.parametrize("scale", [-0.1, float("nan")])
def test_neighbourhood_scale_cannot_be_negative(scale):
    with pytest.raises(ValueError, match="Received: scale="):
        Neighbourhood(scale)
