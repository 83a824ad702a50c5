"""What a table of sigmas needs: the ways to choose one, bounds, and the verdicts."""

import functools
import math

import numpy as np
from scipy.special import logsumexp

from green_vae import metrics
from green_vae.experiments.papers.paired import difference, interval, verdict
from green_vae.experiments.papers.slides_anomaly import sigma_of
from green_vae.experiments.spec import Column, Measurement
from green_vae.models.likelihood import log_weights

OPTIMAL, PIXELS = "optimal sigma", "learned, for every pixel"
ARMS = {  # row -> arm of `presets.slides.SIGMA_ARMS`
    "unit variance": "unit",
    "beta = 0.1 by hand": "beta-0.1",
    "beta = 0.01 by hand": "beta-0.01",
    "learned, one number": "learned",
    PIXELS: "pixels",
    OPTIMAL: "optimal",
    "spread of the pixels": "data",
}
K, SMOKE_K = 50, 5  # draws for each image
QUANTITIES = {  # column -> title
    "nll": "error, nats",
    "kl": "KL, nats",
    "iw": f"log p(x), k = {K}",
}


# columns, of one seed


def bound(quantity):
    """One of `QUANTITIES`, a mean over the reference images; see `bounds`."""

    def measure(run):
        made = f"{draws(run)} codes for each image"
        return Measurement(bounds(run)[quantity], made=made, images=run.reference_count)

    def identity(run):
        return {**run.identity(), "quantity": f"{quantity} and sigma", "n": run.reference_count, "k": draws(run)}

    return Column(quantity, QUANTITIES[quantity], measure, identity)


@functools.lru_cache(maxsize=3)  # the seeds of a row
def bounds(run):
    """Quantity -> mean over the reference images. The error is the evidence lower bound of all draws, less the KL."""
    model, images = run.trained, run.bench.reference_images
    weights = log_weights(model, images, draws(run), sigma=sigma_of(model), seed=run.settings.seed)
    posterior = model.posterior(images)
    mean, log_var = posterior["mean"].astype("float64"), posterior["log_var"].astype("float64")
    kl = metrics.kl_standard_normal(mean, log_var).mean()
    iw = logsumexp(weights, axis=1).mean() - math.log(weights.shape[1])
    return {"nll": float(-weights.mean() - kl), "kl": float(kl), "iw": float(iw)}


def draws(run):
    return SMOKE_K if run.settings.smoke else K


def sigma():
    """The standard deviation of a pixel in p(x|z) at the end of the training; the geometric mean of several."""

    def measure(run):
        found = sigma_of(run.trained) or run.trained.observation()[1]
        return Measurement(float(np.exp(np.log(found).mean())), made="at the end of the training")

    return Column("sigma", "sigma", measure, lambda run: {**run.identity(), "quantity": "sigma"}, "{:,.3f}")


# verdicts


def judged(report):
    """(row, verdict of "optimal sigma has the higher bound", mean difference, half of its interval) of other rows."""
    for row in ARMS:
        if row != OPTIMAL and (found := difference(report, "iw", OPTIMAL, row)):
            yield row, verdict(*found, 1), *found


def conclusions(report):
    """`Table.conclusions`: a line for each row that optimal sigma is compared with."""
    if report["smoke"]:
        return
    for row, word, estimate, half in judged(report):
        kid = difference(report, "kid_x1e3", OPTIMAL, row)
        beside = f"; KID x 1000 {interval(*kid)}" if kid else ""
        shown = interval(estimate, half)
        yield f"Optimal sigma has a higher bound of log p(x) than {row}: {word}; {shown} nats{beside}."
