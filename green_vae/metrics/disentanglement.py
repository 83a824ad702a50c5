"""Whether single latent units stand for single factors of the data. NumPy and scikit-learn; no model in here.

All scores take the codes of n images, float (n, units), and the factors that the images were made from, integers
(n, factors). Every score is at most 1, which is best.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

ACTIVE = 0.05  # the least variance of a unit that is used; rule "means" of `metrics.latent`


class DCI(NamedTuple):
    """`disentanglement`: every unit tells of one factor. `completeness`: every factor is told by one unit.
    `informativeness`: accuracy of factors predicted from codes that were not seen.
    """

    disentanglement: float
    completeness: float
    informativeness: float


def mutual_information_gap(codes, factors, bins=20):
    """How much more the best unit knows of a factor than the second best: mean over factors of (I1 - I2) / H(factor).

    A factor that two units know equally well counts 0, however well they know it. Source: Chen et al. 2018, "Isolating
    Sources of Disentanglement"; with the histogram of 20 equal bins of Locatello et al. 2019.

    Args:
        codes, factors: see above; at least two units.
        bins: of every unit, of equal width from its least to its greatest value.

    Raises:
        ValueError: shapes that do not match, codes that are not finite, or a factor with one value.
    """
    from sklearn.metrics import mutual_info_score  # a second to import

    codes, factors = _checked(codes, factors, units=2)
    binned = np.stack([np.digitize(unit, np.histogram_bin_edges(unit, bins)[1:-1]) for unit in codes.T], axis=1)
    known = np.array([[mutual_info_score(factor, unit) for unit in binned.T] for factor in factors.T])
    entropies = [stats.entropy(np.unique(factor, return_counts=True)[1]) for factor in factors.T]
    second, best = np.sort(known, axis=1)[:, -2:].T
    return float(np.mean((best - second) / entropies))


def dci(codes, factors, trees=50, seed=0):
    """Disentanglement, completeness and informativeness, from forests that predict each factor from all units.

    A forest's importances say how much a unit tells of a factor. Disentanglement is 1 less the entropy of a unit's
    importances over factors, relative to its greatest value, averaged over units by their share of all importances;
    completeness is the same for a factor's importances over units. Forests are fitted to the even rows and tested on
    the odd ones. Source: Eastwood and Williams 2018, "A Framework for the Quantitative Evaluation of Disentangled
    Representations".

    Args:
        codes, factors: see above; at least two of both.
        trees: of each forest. seed: of the forests.

    Returns:
        `DCI`.

    Raises:
        ValueError: as for `mutual_information_gap`, or a single factor.
    """
    from sklearn.ensemble import RandomForestClassifier  # a second to import

    codes, factors = _checked(codes, factors, units=2)
    if factors.shape[1] < 2:
        raise ValueError(f"units are told apart by at least two factors. Received: {factors.shape[1]}")
    importances, accuracies = [], []
    for factor in factors.T:
        # all units at every split: among a few random ones a split may have to take a unit that tells nothing
        forest = RandomForestClassifier(trees, max_features=None, random_state=seed).fit(codes[::2], factor[::2])
        importances.append(forest.feature_importances_)
        accuracies.append(forest.score(codes[1::2], factor[1::2]))
    by_unit = np.transpose(importances)  # (units, factors)
    share = by_unit.sum(1) / by_unit.sum()
    return DCI(float(share @ _purity(by_unit)), float(np.mean(_purity(by_unit.T))), float(np.mean(accuracies)))


def factor_vae_score(codes, factors, votes=800, batch=64, seed=0):
    """How well the unit that varies least tells which factor was held: an accuracy, 1 / factors at chance.

    A vote draws images that share the value of one factor, and names the unit of the least variance there, relative to
    its variance over all images. A majority of `votes` decides what factor each unit stands for; as many new votes are
    judged by it. Units that are not used (variance below 0.05) get no vote. Source: Kim and Mnih 2018, "Disentangling
    by Factorising".

    Args:
        codes, factors: see above.
        votes: for the decision, and again for the judgement. batch: images in each. seed: of the draws.

    Raises:
        ValueError: as for `mutual_information_gap`, or a number below 1.
    """
    codes, factors = _checked(codes, factors)
    if votes < 1 or batch < 2:
        raise ValueError(f"a score takes votes, each of at least two images. Received: votes={votes}, batch={batch}")
    rng, variances = np.random.default_rng(seed), codes.var(0)
    used = variances > ACTIVE
    codes, variances = codes[:, used], variances[used]
    counts = np.zeros((2, max(1, codes.shape[1]), factors.shape[1]), int)
    for judged in (0, 1):
        for _ in range(votes):
            held = rng.integers(factors.shape[1])
            value = factors[rng.integers(len(factors)), held]
            rows = rng.choice(np.flatnonzero(factors[:, held] == value), batch)
            unit = np.argmin(codes[rows].var(0) / variances) if codes.size else 0
            counts[judged, unit, held] += 1
    stands_for = counts[0].argmax(1)
    return float(counts[1][np.arange(len(stands_for)), stands_for].sum() / votes)


def _purity(importances):
    """1 - the entropy of every row relative to its greatest value; 0 for a row of zeros."""
    rows = np.where(importances.sum(1, keepdims=True) > 0, importances, 1)
    return 1 - stats.entropy(rows, axis=1) / np.log(importances.shape[1])


def _checked(codes, factors, units=1):
    codes, factors = np.asarray(codes, "float64"), np.asarray(factors)
    if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors) or codes.shape[1] < units:
        received = f"{codes.shape} and {factors.shape}"
        raise ValueError(f"codes are (n, {units} or more units) and factors (n, factors). Received: {received}")
    if not np.isfinite(codes).all():
        raise ValueError("codes must be finite. Received: NaN or infinite numbers")
    if factors.dtype.kind not in "iub":
        raise ValueError(f"factors are integers, one for each value. Received: {factors.dtype}")
    if constant := [index for index, factor in enumerate(factors.T) if len(np.unique(factor)) < 2]:
        raise ValueError(f"a factor needs two values or more; leave others out. Received: one in columns {constant}")
    return codes, factors
