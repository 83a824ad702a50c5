"""Scores of disentanglement on codes whose score is known: perfect, doubled, mixed, and noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.metrics import dci, factor_vae_score, mutual_information_gap

RNG = np.random.default_rng(0)
FACTORS = np.stack([RNG.integers(count, size=2_000) for count in (2, 4, 5)], axis=1)
PERFECT = FACTORS + 0.01 * RNG.standard_normal(FACTORS.shape)
DOUBLED = np.concatenate([PERFECT, PERFECT], axis=1)
NOISE = RNG.standard_normal((2_000, 4))


def test_a_perfect_code():
    assert mutual_information_gap(PERFECT, FACTORS) == pytest.approx(1, abs=0.01)
    found = dci(PERFECT, FACTORS, trees=10)
    assert min(found) > 0.98 and found.informativeness == 1
    assert factor_vae_score(PERFECT, FACTORS, votes=100) == 1


def test_a_doubled_code_is_disentangled_and_not_complete():
    """Two units for each factor: no gap, and log 2 / log 6 of a factor's completeness is lost at worst."""
    assert mutual_information_gap(DOUBLED, FACTORS) == pytest.approx(0, abs=0.01)
    found = dci(DOUBLED, FACTORS, trees=50)
    assert found.disentanglement > 0.98
    assert found.completeness == pytest.approx(1 - np.log(2) / np.log(6), abs=0.05)
    assert factor_vae_score(DOUBLED, FACTORS, votes=100) == 1


def test_noise():
    assert mutual_information_gap(NOISE, FACTORS) < 0.02
    found = dci(NOISE, FACTORS, trees=10)
    assert found.disentanglement < 0.15 and found.informativeness == pytest.approx(
        (1 / 2 + 1 / 4 + 1 / 5) / 3, abs=0.05
    )
    assert factor_vae_score(NOISE, FACTORS, votes=400) == pytest.approx(1 / 3, abs=0.12)


def test_the_gap_by_hand():
    """A unit that tells only which half a factor of four values lies in, beside one of noise: log 2 of log 4."""
    factor = np.arange(4_000) % 4
    codes = np.stack([factor // 2, np.zeros(4_000)], axis=1)
    assert mutual_information_gap(codes, factor[:, None]) == pytest.approx(0.5)


def test_a_code_turned_by_45_degrees_is_entangled():
    turned = PERFECT[:, 1:] @ np.array([[1.0, 1.0], [-1.0, 1.0]])
    assert mutual_information_gap(turned, FACTORS[:, 1:]) < 0.2
    assert dci(turned, FACTORS[:, 1:], trees=10).disentanglement < 0.2


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(3)), st.lists(st.floats(0.1, 10), min_size=3, max_size=3), st.booleans())
def test_units_may_be_reordered_scaled_and_mirrored(order, scales, mirror):
    codes = (PERFECT + 0.5 * NOISE[:, :3])[:500]
    other = codes[:, order] * scales * (-1 if mirror else 1) + 3
    factors = FACTORS[:500]
    assert mutual_information_gap(other, factors) == pytest.approx(mutual_information_gap(codes, factors), abs=0.03)
    scores = [factor_vae_score(one, factors, votes=50) for one in (codes, 10 * other)]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


def test_units_that_are_not_used_get_no_vote():
    still = np.concatenate([PERFECT, np.full((2_000, 1), 2.0), 1e-3 * NOISE], axis=1)
    assert factor_vae_score(still, FACTORS, votes=100) == 1
    assert factor_vae_score(1e-3 * NOISE, FACTORS, votes=600) == pytest.approx(1 / 3, abs=0.06)  # none is used


@pytest.mark.parametrize(
    ("codes", "factors", "words"),
    [
        (PERFECT[:5], FACTORS, r"\(5, 3\) and \(2000, 3\)"),
        (PERFECT[:, :1], FACTORS, "2 or more units"),
        (np.full((2_000, 2), np.nan), FACTORS, "NaN"),
        (PERFECT, PERFECT, "integers.* Received: float64"),
        (PERFECT, np.zeros((2_000, 2), int), r"needs two values or more.* columns \[0, 1\]"),
    ],
)
def test_what_has_no_score(codes, factors, words):
    for score in (mutual_information_gap, dci):
        with pytest.raises(ValueError, match=words):
            score(codes, factors)


def test_what_else_has_no_score():
    with pytest.raises(ValueError, match="two factors. Received: 1"):
        dci(PERFECT, FACTORS[:, :1])
    with pytest.raises(ValueError, match="Received: votes=0"):
        factor_vae_score(PERFECT, FACTORS, votes=0)
