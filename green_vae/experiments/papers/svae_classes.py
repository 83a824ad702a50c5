"""What the table of classes needs: distances of images of one, of some, and of all classes to the test set."""

import functools
import itertools

import numpy as np

from green_vae import metrics
from green_vae.experiments.papers.fid_protocols import (
    REAL,
    REFERENCE,
    by_class,
    evaluator,
    features,
    own_layer,
    source_of,
)
from green_vae.experiments.spec import Column, Measurement
from green_vae.metrics.extrapolation import halves
from green_vae.metrics.frechet import frechet_to_gaussian

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
POOL = 5_000  # training images in random order, a tenth of each class but for chance; and as many test images
IMAGES = 450  # of every distance
DRAWS = 10  # choices of k of the classes
SPLITS = 10  # of the images of one class into random halves, for a standard error
SLOW = 0.5  # share of the excess that half of the classes leave, from which on a fall is called slow


def choices(k, seed):
    """`DRAWS` different choices of k of the ten classes; all ten for k = 1, and the only one, ten times, for k = 10."""
    if k in (1, len(CLASSES)):
        return [(number,) if k == 1 else tuple(range(k)) for number in range(DRAWS)]
    every = list(itertools.combinations(range(len(CLASSES)), k))
    return [every[i] for i in np.random.default_rng([seed, k]).choice(len(every), DRAWS, replace=False)]


def drawn(labels, classes, rng, n=IMAGES):
    """Places of n images of these classes, equally many of each but for a rest; fewer where there are not so many."""
    counts = [n // len(classes) + (i < n % len(classes)) for i in range(len(classes))]
    found = [np.flatnonzero(labels == label) for label in classes]
    return np.concatenate([rng.permutation(own)[:count] for own, count in zip(found, counts, strict=True)])


def sets_of(run):
    """Places of the images of a row among those of `by_class`: one array for each of its draws."""
    labels, options, seed = _labels(run.bench), run.row.options, run.settings.seed
    if "label" in options:
        return [drawn(labels, (options["label"],), np.random.default_rng(seed))]
    k = options["k"]
    return [drawn(labels, c, np.random.default_rng([seed, k, i])) for i, c in enumerate(choices(k, seed))]


@functools.lru_cache(maxsize=1)
def _labels(bench):
    return by_class(bench)[1][:POOL]


@functools.lru_cache(maxsize=2)
def _sides(bench, layer):
    """Features of the training images and of the reference, and the moments of the latter."""
    reference = features(bench, REFERENCE, layer, bench.count)
    moments = metrics.Moments(reference.shape[1]).update(reference)
    return features(bench, REAL, layer, len(_labels(bench))), reference, moments


def fid(sets, reference, moments, seed):
    """The FID of each set of features to a reference with these moments."""
    return [frechet_to_gaussian(features, moments.mean, moments.covariance) for features in sets]


def kid(sets, reference, moments, seed):
    """The KID x 1000 of each set of features to those of the reference."""
    size = min(map(len, sets))
    return [1000 * metrics.kid_from_features(features, reference, 4, size, seed=seed)[0] for features in sets]


def halves_of(features, seed):
    """Random halves of the features of one class, two for each of `SPLITS` orders."""
    return [half for (half,) in halves([features], SPLITS, np.random.default_rng([seed, SPLITS]))]


def column(name, title, layer, measured, format):
    """The `Column` of a distance: its mean over the draws of a row, and their standard deviation.

    A row of one class has one draw. Beside its distance stands the delete-half jackknife's standard error: the standard
    deviation of the distance over random halves of the images of the class (Shao and Wu, 1989).
    """

    def protocol(run):
        return evaluator(run.bench).protocols[own_layer(run.bench, layer)]

    def measure(run):
        images, *reference = _sides(run.bench, layer)
        sets, seed, of = [images[places] for places in sets_of(run)], run.settings.seed, protocol(run)
        values = measured(sets, *reference, seed)
        noisy = values if len(values) > 1 else measured(halves_of(*sets, seed), *reference, seed)
        label = of.label.replace("FID", "KID") if measured is kid else of.label
        sizes = len(sets[0]), run.reference_count
        spread = float(np.std(noisy, ddof=1))
        return Measurement(float(np.mean(values)), label, "", "", of.describe(), "", *sizes, spread=spread)

    def identity(run):
        of = [source_of(run.bench, side) for side in (REAL, REFERENCE)]
        errors = {"splits": SPLITS} if "label" in run.row.options else {"draws": DRAWS}
        return {**run.identity(), "quantity": name, "of": of, "protocol": protocol(run).hash, **errors}

    return Column(name, title, measure, identity, format=format)


COLUMNS = (
    column("fid", "FID", "avg_pool", fid, "{:,.1f}"),
    column("fid_1280", "FID@1280", "mixed8", fid, "{:,.2f}"),
    column("kid_x1e3", "KID x 1000", "avg_pool", kid, "{:,.1f}"),
)


def row_name(k):
    return f"{k} classes" if k > 1 else "1 class"


def excess(rows, column, k):
    """Share of the excess of one class over all ten that is left with k classes; None if it is not measured."""
    one, some, all_ten = (rows.get(row_name(i), {}).get(column, {}).get("value") for i in (1, k, len(CLASSES)))
    return None if None in (one, some, all_ten) else (some - all_ten) / (one - all_ten)


def conclusions(report):
    """What the rows say together, one line each."""
    for column in COLUMNS:
        left = {k: excess(report["rows"], column.name, k) for k in (2, 3, 5, 7)}
        if None not in left.values():
            shares = ", ".join(f"{share:.0%} with {k}" for k, share in left.items())
            yield f"{column.title}: of the excess of one class over all ten there remain {shares} classes."
