"""Precision, recall, density and coverage against the papers' definitions, written out over all pairs."""

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.metrics import Moments, TinyExtractor, compare, evaluate, frechet_from_features, neighbours
from green_vae.metrics.evaluation import COMPARED


def by_definition(generated, real, k, k_density):
    """Kynkaanniemi et al. 2019, equations 1 and 2; Naeem et al. 2020, density and coverage."""

    def distance(x, y):
        return np.sqrt(np.sum((x - y) ** 2))

    def radius(x, others, k):
        return sorted(distance(x, other) for other in others)[k]  # the first one is itself

    precision = [any(distance(g, r) <= radius(r, real, k) for r in real) for g in generated]
    recall = [any(distance(g, r) <= radius(g, generated, k) for g in generated) for r in real]
    inside = np.array([[distance(g, r) < radius(r, real, k_density) for r in real] for g in generated])
    return np.mean(precision), np.mean(recall), inside.sum() / (k_density * len(generated)), np.mean(inside.any(axis=0))


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(8, 14), st.integers(8, 14), st.sampled_from([(3, 5), (1, 1), (5, 2)]))
def test_the_definitions(seed, m, n, ks):
    rng = np.random.default_rng(seed)
    generated, real = rng.standard_normal((m, 3)) + 1, 1.5 * rng.standard_normal((n, 3))
    assert neighbours(generated, real, *ks) == pytest.approx(by_definition(generated, real, *ks))


def test_many_chunks_are_one():
    rng = np.random.default_rng(0)
    generated, real = rng.standard_normal((300, 6), "float32"), rng.standard_normal((250, 6), "float32")
    whole = neighbours(generated, real)
    with sklearn.config_context(working_memory=0.05):  # MiB: about 25 rows at a time
        assert neighbours(generated, real) == whole


def test_what_is_known_beforehand():
    rng = np.random.default_rng(1)
    real = rng.standard_normal((500, 4))
    same = neighbours(rng.standard_normal((500, 4)), real)
    assert min(same.precision, same.recall) > 0.8 and same.density == pytest.approx(1, abs=0.15)
    assert same.coverage == pytest.approx(1 - 2.0**-5, abs=0.04)  # Naeem et al. 2020: expected for k = 5 and m = n
    assert neighbours(real + 100, real) == (0, 0, 0, 0)
    one_mode = neighbours(0.1 * rng.standard_normal((500, 4)), real)
    assert one_mode.precision == 1 and max(one_mode.recall, one_mode.coverage) < 0.3


@pytest.mark.parametrize("k", [0, 10])
def test_impossible_k(k):
    with pytest.raises(ValueError, match=f"Received: k={k}, k_density=5, 12 and 10"):
        neighbours(np.zeros((12, 2)), np.zeros((10, 2)), k)


def test_unusable_features():
    with pytest.raises(ValueError, match="of one d"):
        neighbours(np.zeros((12, 2)), np.zeros((12, 3)))
    with pytest.raises(ValueError, match="finite"):
        neighbours(np.full((12, 2), np.nan), np.zeros((12, 2)))


class Once(TinyExtractor):
    seen = 0

    def __call__(self, images, layers=None):
        self.seen += len(images)
        return super().__call__(images, layers)


def test_all_distances_of_one_pass():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (40, 8, 8, 3), "uint8"), rng.integers(60, 256, (30, 8, 8, 3), "uint8")
    extractor = Once()
    with pytest.warns(UserWarning, match="subsets of 15"):
        found = evaluate([a[:25], a[25:]], b, protocol=extractor)
    assert extractor.seen == 70
    features = [TinyExtractor()(x / np.float32(255))["tiny"] for x in (a, b)]
    assert float(found.fid) == pytest.approx(frechet_from_features(*features), rel=1e-5)
    assert found.neighbours == neighbours(*features) and found.compared == (40, 30)
    assert (found.kid.n_a, found.fid.n_a, found.missing) == (40, 40, "")


def test_moments_without_features_have_a_frechet_distance_alone():
    rng = np.random.default_rng(0)
    a, b = (Moments(4, keep=keep).update(rng.standard_normal((20, 4))) for keep in (0, 20))
    a.protocol = b.protocol = TinyExtractor().protocols["tiny"]
    found = compare(a, b)
    assert (found.kid, found.neighbours) == (None, None) and found.fid.value > 0
    assert found.missing == "no precision, recall, density and coverage, and no KID: 0 and 20 features were kept"


def test_of_many_features_a_random_part_is_compared(monkeypatch):
    monkeypatch.setattr("green_vae.metrics.evaluation.COMPARED", 30)
    rng, protocol = np.random.default_rng(0), TinyExtractor().protocols["tiny"]
    a, b = (Moments(4, protocol, keep=60).update(rng.standard_normal((60, 4))) for _ in range(2))
    with pytest.warns(UserWarning, match="subsets of 30"):
        found = compare(a, b)
    assert found.compared == (30, 30) and found.kid.n_a == 60 and COMPARED == 10_000
