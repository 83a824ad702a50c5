"""Numbers of posteriors, against TensorFlow Probability and closed forms."""

import numpy as np
import pytest

from green_vae.experiments.papers.posteriors import conclusions, gain, of_moments
from green_vae.samplers import SAMPLERS


def test_kl_is_that_of_tensorflow_probability():
    distributions = pytest.importorskip("tensorflow_probability").distributions
    rng = np.random.default_rng(0)
    means, variances = rng.normal(size=(20, 3)), rng.uniform(0.1, 2, (20, 3))
    divergences = distributions.kl_divergence(
        distributions.MultivariateNormalDiag(means, np.sqrt(variances)),
        distributions.MultivariateNormalDiag(np.zeros(3)),
    )
    assert of_moments(means, variances)["kl"] == pytest.approx(np.mean(divergences))


def test_a_posterior_that_is_the_prior_has_no_active_unit():
    found = of_moments(np.zeros((9, 4)), np.ones((9, 4)))
    assert found == {"centre": 0, "variance": 1, "active_posterior": 0, "active_means": 0, "kl": 0}


def test_units_in_use_are_counted_in_per_cent():
    means = np.zeros((100, 4))
    means[:, 0] = np.linspace(-1, 1, 100)
    variances = np.ones((100, 4))
    variances[:, :2] = 0.5
    found = of_moments(means, variances)
    assert (found["active_posterior"], found["active_means"]) == (50, 25)


def test_gain_of_one_gaussian_is_its_divergence_from_the_prior():
    codes = np.random.default_rng(0).normal(1.0, 0.5, (50_000, 2)).astype("float32")
    mixture = SAMPLERS["gmm"](n_components=1).fit(codes)
    closed = 0.5 * (1.0 + 0.25 - np.log(0.25) - 1)  # KL(N(1, 0.25) || N(0, 1)), of each unit
    assert gain(mixture, codes) == pytest.approx(closed, abs=0.01)


def test_conclusions_tell_ratios_and_rows_by_the_variance_law():
    def cells(variance, gained, loss):
        return {
            name: {"value": value}
            for name, value in {"variance": variance, "gain": gained, "variance_loss": loss, "mse": 2.0}.items()
        }

    blur, law = conclusions({"rows": {"a": cells(1.05, 0.1, 1.0), "b": cells(2.0, 0.3, 2.1), "c": cells(None, 1, 3.0)}})
    assert "0.50 (a) to 1.50 (c) times the MSE, and within 10 % of it in 1 of 3 rows" in blur
    assert "In 1 of 2 rows" in law and "0.100 to 0.100 nats" in law
    assert conclusions({"rows": {"a": cells(None, None, None)}}) == []
