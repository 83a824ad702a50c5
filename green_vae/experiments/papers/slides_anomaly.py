"""What tables of anomaly detection need: scores of a model's own test images beside those of others.

The others are of another data set, or of a digit that the model was trained without.
"""

import functools
import itertools
import math

import numpy as np
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from green_vae.data import DATASETS
from green_vae.experiments.evidence import FAILS, HOLDS, OPEN
from green_vae.experiments.papers import paired
from green_vae.experiments.spec import Column, Measurement
from green_vae.models.likelihood import log_weights
from green_vae.plots import lines

OTHER = {"mnist": "fashion_mnist", "fashion_mnist": "mnist"}  # data set of a model -> its anomalies
K, SMOKE_K = 20, 2  # draws per image
BINS = 60
TITLES = {"reconstruction": "squared error", "elbo": "ELBO", "iw": f"log p(x), k = {K}"}


def auroc(kind):
    """Area under the ROC curve of a score of `Codec.score`: how likely one of the model's own test images scores higher
    than an anomaly; 1 is perfect, 0.5 chance, below that the anomalies look more normal.

    Args:
        kind: "reconstruction", "elbo" or "iw".
    """

    def measure(run):
        own, other = (scores(run, side)[kind] for side in (0, 1))
        if kind != "elbo":  # whose histograms look like those of the other bound
            draw(run, kind, own, other)
        means = (f"{score.mean():,.1f} of {name}" for name, score in zip(names(run), (own, other), strict=True))
        remark = f"mean score {', '.join(means)}"
        counts = {"images": len(own), "reference_images": len(other)}
        return Measurement(area(own, other), remark=remark, made=made(run, kind), **counts)

    def identity(run):
        against = run.bench.data(other_of(run), "test").fingerprint[:16]
        return {**_identity(run, kind), "quantity": f"auroc of {kind}", "against": against}

    return Column(f"auroc_{kind}", f"AUROC, {TITLES[kind]}", measure, identity=identity, format="{:,.3f}")


def below_black(kind):
    """Share of the model's own test images that score lower than a black image, which is in neither data set, in per
    cent: 0 for a score that finds it.
    """

    def measure(run):
        own = scores(run, 0)[kind]
        black = both(run, np.zeros((1, *run.trained.image_shape), "uint8"))[kind][0]
        remark = f"score of a black image {black:,.1f}"
        return Measurement(100 * (own < black).mean(), remark=remark, made=made(run, kind), images=len(own))

    def identity(run):
        return {**_identity(run, kind), "quantity": f"below black by {kind}"}

    title = f"own images below a black one, %, {TITLES[kind]}"
    return Column(f"below_black_{kind}", title, measure, identity=identity)


def _identity(run, kind):
    return {**run.identity(), "n": run.reference_count, **({} if kind == "reconstruction" else {"k": draws(run)})}


def made(run, kind):
    """How a score came about, in words."""
    return "" if kind == "reconstruction" else f"{draws(run)} draws for each image"


def area(own, other):
    """scikit-learn's area under the ROC curve of scores (n,) and (m,), the own ones being those that are to be high."""
    return roc_auc_score(np.repeat([1, 0], [len(own), len(other)]), np.concatenate([own, other]))


@functools.lru_cache(maxsize=2)
def scores(run, side):
    """Kind -> scores (n,) of a trained row's own test images (side 0), or of its anomalies (1)."""
    return both(run, images_of(run)[side])


def both(run, images):
    """Kind -> scores (n,) of images, as `Codec.score` gives them.

    Both bounds are taken from the same draws, so that they cost one pass. Those that the row has no column of are left
    out.
    """
    found = {"reconstruction": run.trained.score(images)}
    if "auroc_iw" in run.row.published:
        weights = log_weights(run.trained, images, draws(run), sigma=sigma_of(run.trained), seed=run.settings.seed)
        found |= {"elbo": weights.mean(axis=1), "iw": logsumexp(weights, axis=1) - math.log(draws(run))}
    return found


def sigma_of(model):
    """None where the model states its p(x|z); sqrt(beta) for 1/2 SSE + beta KL, of which that is the sigma."""
    return math.sqrt(model.beta) if model.observation() is None else None


def draws(run):
    return SMOKE_K if run.settings.smoke else K


def other_of(run):
    """The data set of a row's anomalies; digits, which a smoke test takes for all, are their own."""
    if run.preset.without is not None:
        return run.preset.dataset
    return OTHER.get(run.preset.dataset, run.preset.dataset)


def images_of(run):
    """(test images of the row's own data set, test images of the other), as many of each; of a model that was trained
    without a digit: (test images of the others, test images of that digit).
    """
    left_out = run.preset.without
    if left_out is not None:
        test = run.bench.data(run.preset.dataset, "test")[: run.reference_count]
        return [test.images[test.labels != left_out], test.images[test.labels == left_out]]
    return [run.bench.data(name, "test").images[: run.reference_count] for name in (run.preset.dataset, other_of(run))]


def names(run):
    """Titles of both sides."""
    if run.preset.without is not None:
        return ["the other digits", f"the digit {run.preset.without}"]
    return [DATASETS[name].title for name in (run.preset.dataset, other_of(run))]


def draw(run, kind, own, other):
    """Histograms of the scores of both sides as lines: `<out>/<table>/<row>-<kind>.png`.

    The lowest half per cent of either side is counted into the first bin, else a few scores would squeeze the rest.
    """
    low = min(np.quantile(own, 0.005), np.quantile(other, 0.005))
    edges = np.linspace(low, max(own.max(), other.max()), BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    shares = [np.histogram(np.maximum(score, low), edges)[0] / len(score) for score in (own, other)]
    labels = ("own", "other") if names(run)[0] == names(run)[1] else names(run)
    series = {label: (middles, share) for label, share in zip(labels, shares, strict=True)}
    path = run.settings.out / run.table.name / f"{run.row.name.replace(',', '').replace(' ', '-')}-{kind}.png"
    lines(path, series, run.row.name, f"score: {TITLES[kind]}", "share of images")


def failures(report):
    """A line for each score by which the other data set looks more normal than the model's own, or one for none."""
    measured = [
        (name, column.removeprefix("auroc_"), cell)
        for name, cells in report["rows"].items()
        for column, cell in cells.items()
        if column.startswith("auroc_") and cell["value"] is not None
    ]
    found = [
        f"{name}, {TITLES[kind]}: the other data set scores higher than the model's own, AUROC {cell['value']:.3f} "
        f"({cell['remark']})."
        for name, kind, cell in measured
        if cell["value"] < 0.5
    ]
    return found or (["In no row does the other data set score higher than the model's own."] if measured else [])


def of_left_out(report):
    """Means over all digits that were left out, and the differences of the scores digit by digit."""
    columns = {kind: {} for kind in TITLES}
    for row, cells in report["rows"].items():
        for kind, found in columns.items():
            if cells[f"auroc_{kind}"]["value"] is not None:
                found[row] = cells[f"auroc_{kind}"]["value"]
    if report["smoke"] or min(map(len, columns.values())) < len(report["rows"]):
        return
    for kind, found in columns.items():
        low, high = (pick(found, key=found.get) for pick in (min, max))
        yield (
            f"AUROC, {TITLES[kind]}: mean {np.mean([*found.values()]):.3f}, from {found[low]:.3f} ({low}) to "
            f"{found[high]:.3f} ({high})."
        )
    for one, other in itertools.combinations(TITLES, 2):
        estimate = paired.of_pairs([*columns[one].values()], [*columns[other].values()])
        word = {HOLDS: "finds more", FAILS: "finds less", OPEN: "open"}[paired.verdict(*estimate, 1)]
        yield f"{TITLES[one]} against {TITLES[other]}, digit by digit: {paired.interval(*estimate)}; {word}."
