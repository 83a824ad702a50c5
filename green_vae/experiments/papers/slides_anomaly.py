"""What a table of anomaly detection needs: scores of a model's own test images beside those of the other data set."""

import functools
import math

import numpy as np
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from green_vae.data import DATASETS
from green_vae.experiments.spec import Column, Measurement
from green_vae.models.likelihood import log_weights
from green_vae.plots import lines

OTHER = {"mnist": "fashion_mnist", "fashion_mnist": "mnist"}  # data set of a model -> its anomalies
K, SMOKE_K = 20, 2  # draws per image
BINS = 60
TITLES = {"reconstruction": "squared error", "elbo": "ELBO", "iw": f"log p(x), k = {K}"}


def auroc(kind):
    """Area under the ROC curve of a score of `Codec.score`: how likely one of the model's own test images scores higher
    than an image of the other data set; 1 is perfect, 0.5 chance, below that the other images look more normal.

    Args:
        kind: "reconstruction", "elbo" or "iw".
    """

    def measure(run):
        own, other = scores(run)[kind]
        draw(run, kind, own, other)
        means = ", ".join(
            f"{score.mean():,.1f} of {name}" for name, score in zip(names(run), (own, other), strict=True)
        )
        made = "" if kind == "reconstruction" else f"{draws(run)} draws for each image"
        value = area(own, other)
        return Measurement(value, remark=f"mean score {means}", made=made, images=len(own), reference_images=len(other))

    def identity(run):
        against = run.bench.data(other_of(run), "test").fingerprint[:16]
        own = {"quantity": f"auroc of {kind}", "n": run.reference_count, "against": against}
        return {**run.identity(), **own, **({} if kind == "reconstruction" else {"k": draws(run)})}

    return Column(f"auroc_{kind}", f"AUROC, {TITLES[kind]}", measure, identity=identity, format="{:,.3f}")


def area(own, other):
    """scikit-learn's area under the ROC curve of scores (n,) and (m,), the own ones being those that are to be high."""
    return roc_auc_score(np.repeat([1, 0], [len(own), len(other)]), np.concatenate([own, other]))


@functools.lru_cache(maxsize=1)
def scores(run):
    """Kind -> (scores of the model's own test images, scores of the other data set's) of a trained row.

    Both bounds are taken from the same draws, so that they cost one pass. A kind that the row has no column of is left
    out.
    """
    asked = {name.removeprefix("auroc_") for name in run.row.published}
    sides = [both(run.trained, images, asked, draws(run), run.settings.seed) for images in images_of(run)]
    return {kind: tuple(side[kind] for side in sides) for kind in sides[0]}


def both(model, images, asked, k, seed):
    """Kind -> scores (n,) of images, as `Codec.score` gives them."""
    found = {"reconstruction": model.score(images)}
    if asked & {"elbo", "iw"}:
        weights = log_weights(model, images, k, sigma=sigma_of(model), seed=seed)
        found |= {"elbo": weights.mean(axis=1), "iw": logsumexp(weights, axis=1) - math.log(k)}
    return found


def sigma_of(model):
    """None where the model states its p(x|z); sqrt(beta) for 1/2 SSE + beta KL, of which that is the sigma."""
    return math.sqrt(model.beta) if model.observation() is None else None


def draws(run):
    return SMOKE_K if run.settings.smoke else K


def other_of(run):
    """The data set of a row's anomalies; digits, which a smoke test takes for all, are their own."""
    return OTHER.get(run.preset.dataset, run.preset.dataset)


def images_of(run):
    """(test images of the row's own data set, test images of the other), as many of each."""
    return [run.bench.data(name, "test").images[: run.reference_count] for name in (run.preset.dataset, other_of(run))]


def names(run):
    """Titles of both data sets."""
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
    path = run.settings.out / run.table.name / f"{run.row.name.replace(' ', '-')}-{kind}.png"
    lines(path, series, run.row.name, f"score: {TITLES[kind]}", "share of images")


def failures(report):
    """A line for each score by which the other data set looks more normal than the model's own, or one for none."""
    found = [
        f"{name}, {TITLES[column.removeprefix('auroc_')]}: the other data set scores higher than the model's own, "
        f"AUROC {cell['value']:.3f} ({cell['remark']})."
        for name, cells in report["rows"].items()
        for column, cell in cells.items()
        if cell["value"] is not None and cell["value"] < 0.5
    ]
    measured = any(cell["value"] is not None for cells in report["rows"].values() for cell in cells.values())
    return found or (["In no row does the other data set score higher than the model's own."] if measured else [])
