"""The tables of Split-VAE and its twin: their columns, numbers of how a model divides its images, and verdicts."""

import functools

import numpy as np
import scipy.stats

from green_vae import presets
from green_vae.experiments import columns
from green_vae.experiments.papers import paired
from green_vae.experiments.papers.survey import ERRORS
from green_vae.experiments.papers.svae import SOURCE
from green_vae.experiments.seeds import SPREAD, over_seeds
from green_vae.experiments.spec import Column, Measurement, NotRun, Reference, Table, measured, pca

SPLIT, TWIN = "Split-VAE", "twin without the split head"
TABLES = {"svae_split": "MNIST", "svae_split_cifar10": "CIFAR-10"}  # name -> its data set, as told
IMAGES = 200  # generated ones, whose maps are measured
HIGH = 0.25  # cycles a pixel; the highest frequency of an axis has 0.5
PARTS = {"x": "", "x1": ":x1", "x2": ":x2", "mix": ":mix"}  # name in a column -> end of a kind of images


def high_share(maps):
    """How much of the variance within an image lies at high frequencies, `HIGH` cycles a pixel and more: (n,).

    0 for a smooth map, about 1 - pi / 16 = 0.80 for white noise; 0 for a constant one.

    Args:
        maps: (n, height, width, channels); the variance is summed over channels.
    """
    power = np.abs(np.fft.fft2(maps - maps.mean(axis=(1, 2), keepdims=True), axes=(1, 2))) ** 2
    rows, columns = (np.fft.fftfreq(side) for side in maps.shape[1:3])
    high = np.hypot(rows[:, None], columns[None]) >= HIGH
    total = power.sum(axis=(1, 2, 3))
    return power[:, high].sum(axis=(1, 2)) / np.where(total, total, 1)


def edges(images):
    """Length of the gradient of the mean over channels, by central differences: (n, height, width)."""
    rows, columns = np.gradient(images.mean(axis=-1), axis=(1, 2))
    return np.hypot(rows, columns)


def edge_correlation(maps, images):
    """Pearson's correlation, over the pixels of each image, of the edges of its map with those of itself: (n,)."""
    pairs = zip(edges(maps), edges(images), strict=True)
    return np.array([_correlation(a.ravel(), b.ravel()) for a, b in pairs])


def _correlation(a, b):
    """Nothing goes with what is constant."""
    return scipy.stats.pearsonr(a, b).statistic if np.ptp(a) and np.ptp(b) else 0.0


@functools.lru_cache(maxsize=5)  # every column goes through all seeds of a row
def divisions(run):
    """Name -> a number of how a trained model divides generated images, a mean over `IMAGES` of them."""
    rng = np.random.default_rng(run.settings.seed)
    codes = rng.standard_normal((IMAGES, run.trained.latent_dim), dtype="float32")
    parts = {part: run.trained.decode(codes, part=part) for part in ("map", "x", "x1", "x2")}
    maps, images = parts["map"], parts["x"]
    own, other = high_share(maps).mean(), high_share(images).mean()
    return {
        "map_spread": maps.std(axis=(1, 2)).mean(),
        "parts_apart": np.abs(parts["x1"] - parts["x2"]).mean(),
        "map_high": own,
        "map_high_ratio": own / other if other else np.inf,
        "map_edges": edge_correlation(maps, images).mean(),
    }


def division(name, title, format="{:,.3f}"):
    """A column of one of `divisions`; a twin has no map."""

    def measure(run):
        return Measurement(divisions(run)[name], made=f"{IMAGES} images of codes from N(0, I)")

    def identity(run):
        return {**run.identity(), "quantity": name, "n": IMAGES, "seed": run.settings.seed}

    def possible(run):
        if run.preset.model != "split_vae":
            raise NotRun("no split head: there is no map")

    return Column(name, title, measure, identity=identity, format=format, possible=possible)


def table(name, preset, note):
    """The table of one data set: Split-VAE, its twin and a PCA of as many components; five seeds each.

    Args:
        name: of `TABLES`.
        preset: of Split-VAE; the twin's ends in "-plain".
        note: what both rows share.
    """
    own = presets.preset(preset)
    units = own.config["latent_dim"]
    seen = (
        columns.mse("train"),
        columns.mse("test"),
        columns.latent("active_means", f"active units of {units}, by the means", format="{:,.1f}"),
        *(columns.kid(f"kid_{part}", f"prior{end}", f"KID x 1000 of {part}") for part, end in PARTS.items()),
        division("map_spread", "deviation of the map within an image"),
        division("parts_apart", "distance of x1 and x2"),
        division("map_high", "map: share of high frequencies"),
        division("map_high_ratio", "map: that share over the images'", format="{:,.2f}"),
        division("map_edges", "correlation of the edges of map and image", format="{:,.2f}"),
    )
    shown = (columns.trainable_parameters(), *map(over_seeds, seen))
    return Table(
        name=name,
        title=f"Split-VAE and its twin without the split head, on {TABLES[name]}",
        source=f"{SOURCE}, sections 3 and 4",
        columns=shown,
        rows=(
            measured(SPLIT, preset, shown),
            measured(TWIN, f"{preset}-plain", shown),
            pca(units, ERRORS),
        ),
        reference=Reference(own.dataset, n=500),
        layer="mixed7",
        seeds=(0, 1, 2, 3, 4),
        notes=(
            SPREAD,
            f"Both rows have {note} The twin has one output instead of the head of two images and a map.",
            "KID@768 compares 500 images of codes from N(0, I) with the first 500 test images. x1 and x2 are the two "
            "images that the head mixes. mix takes half of the images from x1 and half from x2.",
            "High frequencies have 0.25 cycles a pixel and more. White noise has a share of 0.80, and a smooth map "
            "one near 0. The paper names two looks and gives no number for them. Here a map is called syntactic if "
            "its share is more than twice that of the images themselves, and semantic if it is less than theirs.",
            "The distance of x1 and x2 is the mean of their absolute difference over pixels.",
            "Edges are lengths of gradients. A correlation near 1 says that the map changes where the image does.",
            "Verdicts: a claim holds if the whole 95 % interval of the mean difference lies on the claimed side of 0. "
            "It does not hold if all of it lies on the other side. Else it is open. These rules were fixed before the "
            f"runs. The verdicts are about one narrow network, one data set and a short training. {paired.ALONE}",
        ),
        conclusions=conclusions,
    )


def conclusions(report):
    """`Table.conclusions`: the paper's claims by paired differences over the seeds, and the look of every seed."""
    if report["smoke"]:
        return
    for text, sign, found in claims(report):
        if found:
            yield f"{text}: {paired.interval(*found)}, {paired.verdict(*found, sign)}."
    ratios = paired.values(report, "map_high_ratio", SPLIT)
    if ratios:
        told = ", ".join(f"seed {seed} {look(ratio)} ({ratio:.2f})" for seed, ratio in ratios.items())
        yield f"The maps of {SPLIT}, by their share of high frequencies over that of the images: {told}."


def claims(report):
    """(claim, the sign that it asks of the difference, (difference, half of its interval) or None)."""
    active, error = ((column, SPLIT, TWIN) for column in ("active_means", "mse_test_x1e3"))
    yield "Split-VAE has more active units than its twin", 1, paired.difference(report, *active)
    yield "Split-VAE has a lower MSE x 1000 of test images than its twin", -1, paired.difference(report, *error)
    yield "Split-VAE generates better than its twin, by KID x 1000", -1, paired.difference(report, "kid_x", SPLIT, TWIN)
    for part in ("x1", "x2", "mix"):
        found = paired.between_columns(report, SPLIT, f"kid_{part}", "kid_x")
        yield f"Images of {part} alone are better than those of x, by KID x 1000", -1, found


def look(ratio):
    """Which of the paper's two looks a map has, by how its share of high frequencies compares with the images' own.

    A syntactic map changes from pixel to pixel, with the lines of an image; a semantic one marks whole regions.
    """
    return "syntactic" if ratio > 2 else "semantic" if ratio < 1 else "between the two"
