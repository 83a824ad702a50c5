"""Latent measures on posteriors whose values are known."""

import numpy as np
import pytest

from green_vae.metrics import (
    active_units,
    inactive_mask,
    inactive_units,
    kl_standard_normal,
    variance_law,
    variance_loss,
)
from green_vae.models import losses

RNG = np.random.default_rng(0)
# four units: used (mean variance 0.75), dead, half dead (posterior 0.7 but still means), shifted yet dead
MEANS = np.stack([np.tile([-1.0, 1.0], 50) * np.sqrt(0.75), np.zeros(100), np.zeros(100), np.full(100, 3.0)], 1)
VARIANCES = np.stack([np.full(100, v) for v in (0.25, 1.0, 0.7, 1.0)], 1)


def test_variance_law():
    assert variance_law(MEANS[:, :2], VARIANCES[:, :2]) == pytest.approx(1)
    assert variance_law(MEANS, VARIANCES) == pytest.approx((1 + 1 + 0.7 + 1) / 4)
    maps = MEANS.reshape(100, 2, 2), VARIANCES.reshape(100, 2, 2)
    assert variance_law(*maps) == pytest.approx(variance_law(MEANS, VARIANCES))


def test_variance_law_of_a_true_posterior_is_one():
    """z ~ N(0, 1), x = z + N(0, s^2): q(z|x) = N(x / (1 + s^2), s^2 / (1 + s^2))."""
    x = RNG.standard_normal((100_000, 1)) * np.sqrt(1 + 0.5)
    assert variance_law(x / 1.5, np.full(x.shape, 0.5 / 1.5)) == pytest.approx(1, abs=0.01)


def test_inactive_units_by_both_rules():
    np.testing.assert_array_equal(inactive_mask(MEANS, VARIANCES), [False, True, False, True])
    np.testing.assert_array_equal(inactive_mask(MEANS, VARIANCES, "means"), [False, True, True, True])
    assert inactive_units(MEANS, VARIANCES) == 2 and active_units(MEANS, VARIANCES) == 2
    assert inactive_units(MEANS, VARIANCES, "means") == 3 and active_units(MEANS, VARIANCES, "means") == 1
    assert inactive_units(MEANS, VARIANCES, threshold=0.6) == 3
    assert inactive_units(MEANS, VARIANCES, prior_variance=2.0, threshold=0.4) == 2
    assert active_units(MEANS, VARIANCES, "means", threshold=0.8) == 0


def test_variance_loss():
    images = RNG.random((300, 4, 4, 3))
    expected = np.mean(images.var((1, 2, 3))) * (1 - 0.25)
    assert variance_loss(images, images / 2 + 0.2) == pytest.approx(expected)
    assert variance_loss(images / 2 + 0.2, images) == pytest.approx(expected)
    assert variance_loss(np.zeros((2, 4, 4, 1)), np.tile([[0.0], [1.0]], (2, 4, 2, 1))) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="one shape"):
        variance_loss(images, images[:5])


def test_unusable_posteriors_are_refused():
    for means, variances in ((MEANS, VARIANCES[:5]), (MEANS[0], VARIANCES[0]), (MEANS[:0], VARIANCES[:0])):
        with pytest.raises(ValueError, match="Received"):
            variance_law(means, variances)
    with pytest.raises(ValueError, match="logarithms"):
        variance_law(MEANS, np.log(VARIANCES))
    with pytest.raises(ValueError, match="finite"):
        inactive_units(MEANS * np.nan, VARIANCES)
    with pytest.raises(ValueError, match="rule.*Received: 'mean'"):
        inactive_units(MEANS, VARIANCES, "mean")


def test_the_kl_of_arrays_is_that_of_tensors():
    mean, log_var = RNG.standard_normal((2, 9, 3)).astype("float32")
    np.testing.assert_allclose(kl_standard_normal(mean, log_var), losses.kl_standard_normal(mean, log_var), rtol=1e-5)
    assert kl_standard_normal(np.zeros((2, 3)), np.zeros((2, 3))).tolist() == [0, 0]
