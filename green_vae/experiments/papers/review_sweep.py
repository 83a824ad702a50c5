"""What the sweep of the review's KL weight needs: SSIM in four readings, kNN on codes, realism, and the verdicts."""

import functools

from sklearn.neighbors import KNeighborsClassifier

from green_vae import metrics
from green_vae.experiments.columns import SPLITS
from green_vae.experiments.evidence import FAILS, HOLDS
from green_vae.experiments.papers import paired
from green_vae.experiments.papers.paired import difference, interval, values
from green_vae.experiments.spec import Column, Measurement
from green_vae.presets.review import WEIGHTS

PUBLISHED = 0.8  # the SSIM of the paper's Figure 16, "about"
RANGES = {1: "", 2: "_wide"}  # of pixels -> ending of a column's name
NEIGHBOURS, FITTED, CLASSIFIED = 10, 5_000, 2_000
MARGIN = 0.1  # how much higher an error may be, in parts of the PCA's, to be called no worse
PCA, LINEAR = "PCA, 256 components", "linear autoencoder"


def row_of(weight):
    """The row of a KL weight."""
    return f"KL weight {weight:g}"


ROWS = (*map(row_of, WEIGHTS), LINEAR, PCA)
PAPER = row_of(1.0)  # the paper's weight


# columns, of one seed


def similarity(split, data_range):
    """Mean SSIM of reconstructions, from sampled codes as in the paper.

    Args:
        split: "train" or "test". data_range: 1, that of the pixels, or 2, which the paper's code took unseen.
    """

    def measure(run):
        images, made = reconstructed(run, split)
        words = f"reconstructions of the first {len(images):,} {SPLITS[split]} images"
        return Measurement(metrics.ssim(images, made, data_range), made=words, images=len(images))

    def identity(run):
        data = run.bench.data(run.preset.dataset, split).fingerprint[:16]
        return {**run.identity(), "quantity": "ssim", "of": data, "n": run.reference_count, "range": data_range}

    return Column(
        ssim_of(split, data_range), f"SSIM, {SPLITS[split]}, range {data_range}", measure, identity, "{:,.3f}"
    )


def ssim_of(split, data_range):
    """Name of the column of `similarity`."""
    return f"ssim_{split}{RANGES[data_range]}"


@functools.lru_cache(maxsize=6)  # two splits and three seeds of a row
def reconstructed(run, split):
    """(images, reconstructions) of the first images of a split."""
    images = run.bench.data(run.preset.dataset, split).images[: run.reference_count]
    return images, run.trained.reconstruct(images, seed=run.settings.seed)


def mixing(units, name, title):
    """Share of test images, in %, whose class ten neighbours among codes of training images tell; 10 is chance.

    Args:
        units: how many of the first units of the posterior means; None for all.
        name, title: of the column.
    """

    def measure(run):
        (train, labels), (test, expected) = (_codes(run, split) for split in ("train", "test"))
        found = KNeighborsClassifier(NEIGHBOURS).fit(train[:, :units], labels).predict(test[:, :units])
        made = f"{NEIGHBOURS} neighbours among {len(train):,} training images"
        return Measurement(100 * float((found == expected).mean()), made=made, images=len(test))

    def identity(run):
        return {**run.identity(), "quantity": "knn", "units": units, "n": [NEIGHBOURS, FITTED, CLASSIFIED]}

    return Column(name, title, measure, identity)


def _codes(run, split):
    """(posterior means or codes, classes) of the first images of a split."""
    data = run.bench.data(run.preset.dataset, split)[: FITTED if split == "train" else CLASSIFIED]
    codes = run.trained.posterior(data.images)
    return codes["mean" if run.trained.variational else "z"], data.labels


# verdicts


def reaches(report, column, row, level=PUBLISHED):
    """Whether a row's number is at least `level`: by the 95 % interval over its seeds; a PCA has none, and one number.

    Returns:
        (verdict, number in words), or None if it is not measured.
    """
    mean, found = paired.mean(report, column, row), [*values(report, column, row).values()]
    if mean is None:
        return None
    if len(found) < 2:
        return HOLDS if mean >= level else FAILS, f"{mean:.3f}"
    over, half = paired.of_pairs(found, [level] * len(found))
    return paired.verdict(over, half, 1), f"{mean:.3f} ± {half:.3f}"


def realism(report):
    """(difference, half of its interval) of the KID of neighbours less that of draws from N(0, I), over the seeds."""
    return paired.between_columns(report, PAPER, "kid_neighbours", "kid_prior")


def linear_error(report):
    """(difference, half) of the linear autoencoder's training MSE x 1000 less the PCA's, and the margin."""
    found, best = [*values(report, "mse_train_x1e3", LINEAR).values()], paired.mean(report, "mse_train_x1e3", PCA)
    if len(found) < 2 or best is None:
        return None
    return paired.of_pairs(found, [best] * len(found)), MARGIN * best


def conclusions(report):
    """`Table.conclusions`: which rows reach the paper's SSIM, the order of the weights, realism, the linear row."""
    if report["smoke"]:
        return
    for split in SPLITS:
        for data_range in RANGES:
            told = {row: reaches(report, ssim_of(split, data_range), row) for row in ROWS}
            said = [f"{row} {found[1]}: {found[0]}" for row, found in told.items() if found]
            if said:
                yield f"SSIM of {PUBLISHED} on {SPLITS[split]} images, range {data_range}: {'; '.join(said)}."
    for weight, smaller in zip(WEIGHTS, WEIGHTS[1:], strict=False):
        pair = row_of(smaller), row_of(weight)
        if found := difference(report, ssim_of("test", 1), *pair):
            word = paired.verdict(*found, 1)
            yield f"{pair[0]} has a higher SSIM (test, range 1) than {pair[1]}: {word}; {interval(*found)}."
    if found := realism(report):
        word = paired.verdict(*found, -1)
        yield f"Neighbours look more realistic than draws from N(0, I), by KID x 1000: {word}; {interval(*found)}."
    if found := linear_error(report):
        word = paired.no_worse(*found)
        yield (
            f"The linear autoencoder comes within {found[1]:.2f} of the PCA's MSE x 1000 of training images: {word}; "
            f"{interval(*found[0])}."
        )
