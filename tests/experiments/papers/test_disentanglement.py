"""The verdict of the table of disentanglement, from made reports."""

import numpy as np
import pytest
from scipy import stats

from green_vae.experiments.papers import slides_disentanglement as made

ROWS = (made.PLAIN, *made.ARMS, made.CAPACITY)


def report(*samples):
    """A report whose MIG has these values over the seeds, row by row."""
    cells = ({"mig": {"details": {"values": {str(seed): v for seed, v in enumerate(row)}}}} for row in samples)
    return {"smoke": False, "rows": dict(zip(ROWS, cells, strict=True))}


def around(*means):
    return report(*([mean - 0.01, mean, mean + 0.01] for mean in means))


def test_differences_are_those_of_dunnett():
    """Against the textbook form: pooled variance and the critical value of SciPy's own test."""
    found = made.differences(around(0.1, 0.2, 0.3, 0.1, 0.4), "mig")
    assert list(found) == [*made.ARMS, made.CAPACITY]
    value, low, high = found["beta = 16"]
    assert value == pytest.approx(0.2) and (low + high) / 2 == pytest.approx(0.2, abs=1e-3)
    half, scale = (high - low) / 2, np.sqrt(1e-4 * 2 / 3)
    one, all_pairs = stats.t.ppf(0.975, 10), stats.t.ppf(1 - 0.025 / 4, 10)  # without a correction, and Bonferroni's
    assert one * scale < half < all_pairs * scale


@pytest.mark.parametrize(
    ("means", "word"),
    [
        ((0.1, 0.1, 0.3, 0.0, 0.1), "holds"),
        ((0.3, 0.3, 0.1, 0.0, 0.9), "does not hold"),  # the capacity decides nothing
        ((0.1, 0.101, 0.1, 0.1, 0.1), "open"),
    ],
)
def test_verdicts(means, word):
    assert made.verdict(around(*means)) == word
    told = list(made.conclusions(around(*means)))
    assert told[-1] == f"A large beta disentangles, by MIG: {word}."
    assert told[0].startswith("MIG less that of beta = 1, with 95 % intervals: beta = 4 ")


def test_without_seeds_nothing_is_said():
    assert not list(made.conclusions(report(*[[0.1]] * 5)))
    assert not list(made.conclusions(report(*[[0.1, 0.1]] * 5)))
    assert not list(made.conclusions({**around(*[0.1] * 5), "smoke": True}))
