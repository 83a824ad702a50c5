"""Differences of two rows of a report whose cells have the same seeds, pair by pair, with their 95 % intervals."""

import math

import numpy as np
from scipy import stats

from green_vae.experiments.evidence import FAILS, HOLDS, OPEN, denied_or_shown

CONFIDENCE = 0.95
ANSWERS = {HOLDS: True, FAILS: False}
ALONE = "Each interval holds by itself: of twenty, one misses in the long run."  # in notes of tables of several


def values(report, column, row):
    """Seed -> value of a cell; {} where it is not measured, or not over seeds."""
    return report["rows"].get(row, {}).get(column, {}).get("details", {}).get("values", {})


def mean(report, column, row):
    """Mean over the seeds of a cell; None where it is not measured."""
    return report["rows"].get(row, {}).get(column, {}).get("value")


def difference(report, column, row, other):
    """(mean of `row` less `other` over the seeds of both, half of its 95 % interval by Student's t).

    None where fewer than two seeds are in both. That a seed stands in both rows takes what it does to both out of the
    difference: the order of the images, the draws of a sampler.
    """
    return _seed_by_seed(values(report, column, row), values(report, column, other))


def between_columns(report, row, column, other):
    """The same of two columns of one row: `column` less `other`."""
    return _seed_by_seed(values(report, column, row), values(report, other, row))


def _seed_by_seed(mine, theirs):
    seeds = [seed for seed in mine if seed in theirs]
    if len(seeds) < 2:
        return None
    return of_pairs([mine[seed] for seed in seeds], [theirs[seed] for seed in seeds])


def of_pairs(mine, theirs):
    """`difference` of two sequences of values, pair by pair.

    Raises:
        ValueError: not as many of both, or fewer than two.
    """
    if len(mine) != len(theirs) or len(mine) < 2:
        raise ValueError(f"two values of each, pair by pair. Received: {len(mine)} and {len(theirs)}")
    pairs = np.subtract(mine, theirs)
    error = pairs.std(ddof=1) / math.sqrt(len(pairs))
    return float(pairs.mean()), float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(pairs) - 1) * error)


def interval(estimate, half):
    """An effect in words, to three digits of half its interval: "+16.73 ± 3.49"."""
    digits = max(0, 2 - math.floor(math.log10(half))) if half else 2
    return f"{estimate:+,.{digits}f} ± {half:,.{digits}f}"


def verdict(estimate, half, sign):
    """Whether an effect has the sign that a claim asks for, decided where its interval does not contain 0."""
    if abs(estimate) <= half:
        return OPEN
    return HOLDS if estimate * sign > 0 else FAILS


def no_worse(found, limit):
    """Whether a difference, lower being better, is at most `limit`: decided where its interval lies on one side."""
    estimate, half = found
    return HOLDS if estimate + half <= limit else FAILS if estimate - half > limit else OPEN


def within(found, limit):
    """Whether a difference lies within ± `limit`: decided where its whole interval does, or none of it."""
    estimate, half = found
    return HOLDS if abs(estimate) + half <= limit else FAILS if abs(estimate) - half > limit else OPEN


def told(judged):
    """A text for each (claim, verdict, (difference, half of its interval))."""
    return [f"{claim}: {interval(*found)}, {word}" for claim, word, found in judged]


def together(words):
    """What several verdicts say of a claim that needs them all; None where they leave it open, or there is none."""
    return denied_or_shown({ANSWERS.get(word) for word in words})
