"""What the tables of the FID itself share: features of a few sets of images, kept, and how sure their distances are."""

import dataclasses
import functools

import numpy as np

from green_vae import metrics, presets
from green_vae.experiments.run import identity
from green_vae.experiments.spec import Column, Measurement, NotRun
from green_vae.experiments.trained import NO_WEIGHTS
from green_vae.metrics.extrapolation import distance_of, halves
from green_vae.metrics.fid import ENOUGH
from green_vae.metrics.resize import DEFAULT
from green_vae.metrics.stream import prepare
from green_vae.presets import store
from green_vae.utils import digests

LAYERS = ("mixed8", "avg_pool")
PAIRED = 1_000  # images a side where protocols are compared
MADE = 2_000  # samples of each model
PER_CLASS = 1_000  # training images of each class
SPLITS = 5  # of both sides into two random halves
REFERENCE, REAL = "reference", "real"
PART = 1_000  # images whose features are kept in one file
MODELS = {"svae": "svae/cifar10", "resnet": "survey/resnet-s4-b48-l128"}
SAMPLER = "gmm"


# sets of images


def by_class(bench):
    """(images, labels) of as many training images of every class, `PER_CLASS` at most, in random order."""
    train = bench.data("cifar10", "train")
    rng = np.random.default_rng(bench.settings.seed)
    classes = np.unique(train.labels)
    count = min(PER_CLASS, *np.unique(train.labels, return_counts=True)[1])
    places = [rng.choice(np.flatnonzero(train.labels == label), count, replace=False) for label in classes]
    order = rng.permutation(np.concatenate(places))
    return train.images[order], train.labels[order]


@functools.lru_cache(maxsize=4)
def images_of(bench, name):
    """A set of images, all that there is of it; in a smoke test real ones stand for samples of a model."""
    if name == REFERENCE:
        return bench.reference_images
    if name == REAL:
        return by_class(bench)[0]
    if bench.settings.smoke:
        return bench.reference_images[::-1]
    return presets.load(MODELS[name]).generate(MADE, SAMPLER, seed=bench.settings.seed)


def source_of(bench, name):
    """What a set of images depends on, but for their number.

    Raises:
        NotRun: no trained weights. DataNotFoundError: no data.
    """
    data = [bench.data("cifar10", split).fingerprint[:16] for split in ("train", "test")]
    source = {"set": name, "data": data, "seed": bench.settings.seed, "limit": bench.settings.limit_eval}
    if name not in MODELS or bench.settings.smoke:
        return source
    weights = presets.pretrained_path(MODELS[name])
    if not weights.exists():
        raise NotRun(f"{NO_WEIGHTS} of {MODELS[name]} here")
    files = (weights, weights.with_name(store.sampler_file(SAMPLER)))
    return {**source, "weights": digests.of_files(*files)[:16], "n": MADE}


@functools.lru_cache(maxsize=4)
def evaluator(bench, resize=DEFAULT):
    """The extractor of both layers under a rule; its network is built once."""
    return bench.evaluator_of(LAYERS, resize=resize)


def features(bench, name, layer, n, resize=DEFAULT, rounded=False):
    """Features (n, d), float32, of the first n images of a set.

    Args:
        name: of the set. layer: one of `LAYERS`. resize: see `metrics.InceptionExtractor`.
        rounded: whether images are rounded to whole pixel values first; real ones are such already.
    """
    rounded = rounded and name in MODELS
    parts = [_part(bench, name, start, resize, rounded) for start in range(0, n, PART)]
    return np.concatenate([part[own_layer(bench, layer)] for part in parts])[:n]


@functools.lru_cache(maxsize=128)
def _part(bench, name, start, resize, rounded):
    """Features of `PART` images by layer: all layers in one pass, kept in the cache of the table."""

    def batches():
        yield prepare(images_of(bench, name)[start : start + PART], quantise=rounded)

    key = identity([source_of(bench, name), start, PART, rounded])
    told = f"{name} from {start:,}, {resize}{', rounded' * rounded}"
    moments = evaluator(bench, resize).moments(batches(), key, told, PART, PART)
    return {layer: kept.features for layer, kept in moments.items()}


def own_layer(bench, layer):
    """The extractor's name of a layer; a smoke test has another one."""
    return "tiny" if bench.settings.smoke else layer


# distances


@functools.lru_cache(maxsize=64)
def distances(bench, name, layer, resize, rounded, n):
    """Frechet distances of n images a side, and of random halves of both sides: (1 + 2 `SPLITS`,) float64.

    The halves are the same ones for every protocol, so that differences between two protocols are of the same images.
    """
    a, b = (features(bench, side, layer, n, resize, rounded).astype("float64") for side in (name, REFERENCE))
    pairs = [(a, b), *halves((a, b), SPLITS, np.random.default_rng(0))]
    return np.array([distance_of(*pair) for pair in pairs])


def _asked(run):
    """(layer, resize, rounded, n) of a row."""
    options = run.row.options
    n = min(options.get("n", PAIRED), run.reference_count)
    return options["layer"], options.get("resize", DEFAULT), options.get("rounded", False), n


def _protocol(run):
    """The `metrics.Protocol` of a row. Rounding beforehand is its quantisation: the reference has whole values."""
    layer, resize, rounded, _ = _asked(run)
    return dataclasses.replace(evaluator(run.bench, resize).protocols[own_layer(run.bench, layer)], quantise=rounded)


def _measurement(run, value, spread, remark=""):
    protocol, n = _protocol(run), _asked(run)[-1]
    return Measurement(float(value), protocol.label, "", remark, protocol.describe(), "", n, n, spread=float(spread))


def distance(run, name):
    """The distance of a row's protocol, with its standard error; or that of infinitely many images."""
    layer, resize, rounded, n = _asked(run)
    if run.row.options.get("extrapolated"):
        sides = [features(run.bench, side, layer, n) for side in (name, REFERENCE)]
        parts = max(2, n // sides[0].shape[1])  # no subset with fewer images than features
        line = metrics.extrapolate(*sides, parts, SPLITS)
        points = ", ".join(f"{d:.4g} at n = {m:,}" for m, d in zip(line.sizes, line.distances, strict=True))
        return _measurement(run, line.value, line.error, f"through {points}")
    whole, *parts = distances(run.bench, name, layer, resize, rounded, n)
    return _measurement(run, whole, np.std(parts, ddof=1))


def shift(run, name):
    """A row's protocol minus the default, of the same images, with its standard error."""
    layer, resize, rounded, n = _asked(run)
    own, default = (distances(run.bench, name, layer, *how, n) for how in ((resize, rounded), (DEFAULT, False)))
    whole, *parts = own - default
    half = f"{np.mean(parts):+.4g} at {n // 2:,} images a side"
    return _measurement(run, whole, np.std(parts, ddof=1), half)


def column(quantity, name, title, measure):
    """The `Column` of a function of a run and of the name of a set."""

    def own(run):
        of = [source_of(run.bench, side) for side in (name, REFERENCE)]
        own = {"quantity": quantity, "protocol": _protocol(run).hash, "n": _asked(run)[-1], "splits": SPLITS}
        return {**run.identity(), **own, "of": of}

    return Column(f"{quantity}_{name}", title, lambda run: measure(run, name), own, format="{:,.4g}")


COLUMNS = tuple(
    column(quantity, name, f"{title}: {words}", measure)
    for name, title in ((REAL, "training images"), ("svae", "Split-VAE"), ("resnet", "Resnet"))
    for quantity, words, measure in (("fid", "distance", distance), ("shift", "minus default", shift))
)


# what follows


def moved(report):
    """(row, set, difference in per cent, whether it exceeds the noise of `ENOUGH` images), of every measured one."""
    for row, cells in report["rows"].items():
        default = report["rows"].get(f"{row.partition(',')[0]}, default", {})
        for name in (REAL, *MODELS):
            difference, usual = cells.get(f"shift_{name}"), default.get(f"fid_{name}")
            if difference and usual and None not in (difference["value"], usual["value"]):
                noise = usual["details"].get("spread", 0) * (PAIRED / ENOUGH) ** 0.5
                yield row, name, 100 * difference["value"] / usual["value"], abs(difference["value"]) > noise


def turned(report):
    """(rows in which the two models stand in the other order than by default, rows that have both), as lists."""
    there = {row: [cells[f"fid_{name}"]["value"] for name in MODELS] for row, cells in report["rows"].items()}
    there = {row: pair for row, pair in there.items() if None not in pair}
    usual = {row: pair[0] > pair[1] for row, pair in there.items() if row.endswith("default")}
    compared = [row for row in there if f"{row.partition(',')[0]}, default" in usual]
    others = [r for r in compared if (there[r][0] > there[r][1]) != usual[f"{r.partition(',')[0]}, default"]]
    return others, compared


def conclusions(report):
    """What the rows say together, one line each."""
    found = list(moved(report))
    if found:
        beyond = sum(exceeds for *_, exceeds in found)
        yield (
            f"The difference to the default exceeds the noise of a distance of {ENOUGH:,} images in {beyond} of "
            f"{len(found)} cells."
        )
    for words in dict.fromkeys(row.partition(", ")[2] for row, *_ in found):
        parts = [(name, percent) for row, name, percent, _ in found if row.endswith(f", {words}")]
        low, high = (pick(percent for _, percent in parts) for pick in (min, max))
        yield f"{words[0].upper()}{words[1:]}: distances shift by {low:+.1f} to {high:+.1f} % of the default's."
    others, compared = turned(report)
    if compared:
        yield f"The two models have another order than by default in {len(others)} of {len(compared)} rows" + (
            f": {'; '.join(others)}." if others else "."
        )
