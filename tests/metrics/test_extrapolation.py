"""Distances of infinitely many images, of Gaussians whose distance is known."""

import warnings

import numpy as np
import pytest

from green_vae.metrics import Moments, Protocol, extrapolate, extrapolate_moments, frechet_from_features
from green_vae.metrics.extrapolation import distance_of

D, N = 24, 1200


def pair(seed, n=N, d=D):
    """Features of two Gaussians with diagonal covariances, and their distance in closed form."""
    rng = np.random.default_rng(seed)
    scales = np.stack([np.linspace(0.5, 2, d), np.linspace(1.5, 0.7, d)])
    shift = 0.1
    a, b = rng.standard_normal((2, n, d)) * scales[:, None]
    return a, b + shift, d * shift**2 + np.sum((scales[0] - scales[1]) ** 2)


def test_nearer_to_the_truth_than_the_distance_of_all_images():
    found = [(extrapolate(*pair(seed)[:2], seed=seed), pair(seed)[2]) for seed in range(12)]
    truth = found[0][1]
    values, distances = (np.array([getattr(line, name) for line, _ in found]) for name in ("value", "distance"))
    assert np.abs(values - truth).mean() < np.abs(distances - truth).mean()
    # no bias beyond the noise of twelve draws, where the distance itself has one
    noise = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - truth) < 3 * noise
    assert distances.mean() - truth > 3 * distances.std(ddof=1) / np.sqrt(len(values))
    # the errors that are told are those that other images show, within what so few draws and halves can tell
    errors, spreads = (np.mean([getattr(line, name) for line, _ in found]) for name in ("error", "spread"))
    assert 0.5 < errors / values.std(ddof=1) < 2 and 0.5 < spreads / distances.std(ddof=1) < 2


def test_equal_distributions_are_at_zero():
    rng = np.random.default_rng(0)
    line = extrapolate(*rng.standard_normal((2, N, D)))
    assert line.distance > 0.3 and abs(line.value) < 0.1 * line.distance


def test_the_line_is_that_of_its_points():
    a, b, _ = pair(3, 402, 5)
    line = extrapolate(a, b[:400], parts=3, splits=2, seed=1)
    assert line.sizes == (400, 200, 133) and line.distances[0] == line.distance
    x, y = 1 / np.array(line.sizes), np.array(line.distances)
    slope = np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2)
    assert line.value == pytest.approx(y.mean() - slope * x.mean(), rel=1e-9)
    assert line == extrapolate(a, b[:400], parts=3, splits=2, seed=1) != extrapolate(a, b[:400], parts=3, splits=2)
    whole = extrapolate(a[:400], b[:400], parts=2, splits=1)
    assert whole.distance == pytest.approx(frechet_from_features(a[:400], b[:400]), rel=1e-9)
    assert str(line) == f"{line.value:.4f} +- {line.error:.4f} (from n = 400, 200, 133)"


def test_both_ways_to_a_distance_agree():
    rng = np.random.default_rng(5)
    for n in (7, 9, 30):
        a, b = rng.standard_normal((n, 8)), 1 + rng.standard_normal((30, 8))
        assert distance_of(a, b) == pytest.approx(frechet_from_features(a, b), rel=1e-7)


def test_subsets_smaller_than_the_features_are_told():
    rng = np.random.default_rng(2)
    with pytest.warns(UserWarning, match="subsets of 10 images are fewer than the 12 features"):
        extrapolate(*rng.standard_normal((2, 40, 12)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extrapolate(*rng.standard_normal((2, 48, 12)))


@pytest.mark.parametrize(("n", "settings"), [(15, {}), (40, {"parts": 1}), (40, {"splits": 0})])
def test_too_few_are_refused(n, settings):
    with pytest.raises(ValueError, match=f"a line needs.*Received: .*{n} images"):
        extrapolate(np.ones((n, 3)), np.ones((40, 3)), **settings)


def test_moments_give_their_kept_features():
    a, b, _ = pair(4, 100, 5)
    protocol = Protocol("survey", "w", "0", "r", "i", "64")
    sides = [Moments(5, protocol, keep=100).update(x.astype("float32")) for x in (a, b)]
    assert extrapolate_moments(*sides) == extrapolate(*(side.features for side in sides))
    with pytest.raises(ValueError, match="different protocols"):
        extrapolate_moments(sides[0], Moments(5, keep=100).update(b))
    with pytest.raises(ValueError, match="Received: .* 0 images"):
        extrapolate_moments(Moments(5, protocol).update(a), sides[1])
