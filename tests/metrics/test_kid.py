"""The kernel distance against a direct double loop."""

import warnings

import numpy as np
import pytest

from green_vae.metrics import TinyExtractor, kid, kid_from_features
from green_vae.metrics.kid import squared_mmd, standard_error


def by_loops(a, b):
    m, d = a.shape

    def kernel(x, y):
        return (np.dot(x, y) / d + 1) ** 3

    within = sum(kernel(x[i], x[j]) for x in (a, b) for i in range(m) for j in range(m) if i != j)
    across = sum(kernel(x, y) for x in a for y in b)
    return within / (m * (m - 1)) - 2 * across / m**2


def test_squared_mmd_agrees_with_the_double_loop():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((9, 5)), rng.standard_normal((9, 5)) + 0.5
    assert squared_mmd(a, b) == pytest.approx(by_loops(a, b), rel=1e-12)


def test_one_whole_subset_is_the_squared_mmd():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((30, 4)), rng.standard_normal((30, 4)) + 1
    mean, deviation = kid_from_features(a.astype("float32"), b.astype("float32"), subsets=1, subset_size=30)
    assert mean == pytest.approx(by_loops(a, b), rel=1e-5) and deviation == 0


def test_unbiased_seeded_and_growing_with_the_distance():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((2, 2000, 8))
    same, deviation = kid_from_features(a, b, subsets=50, subset_size=100)
    assert abs(same) < 4 * deviation / np.sqrt(50) + 0.01 and deviation > 0
    third, again, fourth = (kid_from_features(a, b, subsets=5, subset_size=100, seed=seed) for seed in (3, 3, 4))
    assert third == again != fourth
    assert kid_from_features(a, b + 1, subsets=5, subset_size=100)[0] > same + 1


@pytest.mark.parametrize("size, subsets", [(11, 1), (1, 1), (5, 0)])
def test_impossible_subsets_are_refused(size, subsets):
    with pytest.raises(ValueError, match=f"Received: subsets={subsets}, subset_size={size}, 12 and 10"):
        kid_from_features(np.zeros((12, 2)), np.zeros((10, 2)), subsets=subsets, subset_size=size)


def test_unusable_features_are_refused():
    with pytest.raises(ValueError, match="of one d"):
        kid_from_features(np.zeros((12, 2)), np.zeros((12, 3)), subset_size=5)
    with pytest.raises(ValueError, match="finite"):
        kid_from_features(np.full((12, 2), np.inf), np.zeros((12, 2)), subset_size=5)


def test_few_features_take_smaller_subsets_and_say_so():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((300, 8)), rng.standard_normal((400, 8)) + 0.5
    with pytest.warns(UserWarning, match="subsets of 150 features, not 1000.*Received: 300 and 400"):
        found = kid_from_features(a, b)
    assert found == kid_from_features(a, b, subset_size=150) and found[1] > 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        more = np.tile(a, (4, 1))
        assert kid_from_features(more, more, subsets=2) == kid_from_features(more, more, subsets=2, subset_size=1000)


def test_the_standard_error_is_the_spread_over_new_images():
    """Not over subsets of one set: 60 sets of 400 on either side, whose features differ in distribution."""
    rng, found = np.random.default_rng(4), []
    for _ in range(60):
        a, b = rng.standard_normal((2, 400, 4))
        mean, deviation = kid_from_features(a, 1.3 * b + 0.5, subsets=50, subset_size=100)
        found.append((mean, standard_error(deviation, 50, 100, 400)))
    spread, errors = np.std([mean for mean, _ in found], ddof=1), [error for _, error in found]
    assert 0.7 < np.mean(errors) / spread < 1.5  # an estimate of 60 has an error of 9 % of its own
    assert np.isnan([standard_error(0.1, 100, 400, 400), standard_error(0.0, 1, 100, 400)]).all()


def test_images_go_in_and_a_labelled_number_comes_out():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (40, 8, 8, 3), "uint8"), rng.integers(60, 256, (30, 8, 8, 1), "uint8")
    found = kid(a, [b[:20], b[20:]], protocol="tiny", subset_size=10)
    features = [TinyExtractor()(x / np.float32(255))["tiny"] for x in (a, b.repeat(3, -1))]
    mean, deviation = kid_from_features(*features, subset_size=10)
    assert float(found) == pytest.approx(mean) and found.error == pytest.approx(deviation * (10 / 20 + 1 / 100) ** 0.5)
    assert (found.n_a, found.n_b, found.label) == (40, 30, "KID@tiny") and str(found).startswith("KID@tiny = ")
    with pytest.raises(ValueError, match="images must be .*Received: shape"):
        kid(*features, protocol="tiny")
