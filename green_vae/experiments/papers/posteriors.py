"""What a table of posteriors needs: how far codes of images are from N(0, I), and how much variance images lose."""

import functools
import math

import numpy as np

from green_vae import metrics
from green_vae.experiments.spec import Column, Measurement
from green_vae.models.lagging_vae import mean_information
from green_vae.presets.train import WIDEST

DRAWS = 10  # codes for each image, of the mutual information


@functools.lru_cache(maxsize=4)  # columns go through the seeds of a row
def found(run):
    """Quantity -> number, of a row with trained weights, over the first test images of its own data set.

    A quantity that the model cannot have is left out.
    """
    images, model, seed = own_images(run), run.trained, run.settings.seed
    made = model.reconstruct(images, seed=seed)
    numbers = {"variance_loss": 1e3 * metrics.variance_loss(images, made), "mse": 1e3 * metrics.mse(images, made)}
    if model.variational:
        means, variances = (side.astype("float64") for side in model.latent_moments(images))
        numbers |= of_moments(means, variances)
        if "information" in run.row.published:
            numbers["information"] = mean_information(means, np.log(variances), DRAWS, seed)
    if "gain" in run.row.published:
        codes = model.encode(images, sample=run.preset.codes == "sample", seed=seed)
        numbers["gain"] = gain(run.sampler("gmm"), codes)
    return numbers


def of_moments(means, variances):
    """Numbers of posteriors (n, units) in units of the prior: of their aggregate, the units in use, and the KL.

    The KL is that of independent Gaussians to N(0, I), summed over the units, in nats; the mean over images.
    """
    units, centre = means.shape[1], means.mean(axis=0)
    kl = 0.5 * (means**2 + variances - np.log(variances) - 1).sum(axis=1)
    return {
        "centre": float(np.sqrt(np.mean(centre**2))),
        "variance": metrics.variance_law(means, variances),
        "active_posterior": 100 * metrics.active_units(means, variances, "posterior") / units,
        "active_means": 100 * metrics.active_units(means, variances, "means") / units,
        "kl": float(kl.mean()),
    }


def gain(mixture, codes):
    """Mean log density of codes (n, units) under a mixture, less that under N(0, I), in nats for a unit."""
    normal = -0.5 * (codes.astype("float64") ** 2 + math.log(2 * math.pi)).sum(axis=1)
    return float(np.mean(mixture.log_density(codes) - normal)) / codes.shape[1]


def own_images(run):
    """Test images of the row's own data set."""
    return run.bench.data(run.preset.dataset, "test").images[: run.reference_count]


def quantity(name, title, format="{:,.2f}"):
    """The `Column` of one number of `found`."""

    def measure(run):
        made = f"the first {run.reference_count:,} test images of {run.preset.dataset}"
        return Measurement(found(run)[name], made=made, images=run.reference_count)

    def identity(run):
        own = {**run.identity(), "n": run.reference_count, "posterior": name, "codes": run.preset.codes}
        if name == "gain":
            return {**own, **run.limited()}  # of the mixture
        return {**own, "k": DRAWS} if name == "information" else own

    return Column(name, title, measure, identity, format=format)


COLUMNS = (
    quantity("centre", "mean of q(z)", "{:,.3f}"),
    quantity("variance", "variance of q(z)", "{:,.3f}"),
    quantity("active_posterior", "active units, %, by the posterior", "{:,.0f}"),
    quantity("active_means", "active units, %, by the means", "{:,.0f}"),
    quantity("kl", "KL, nats", "{:,.1f}"),
    quantity("information", "I(x; z), nats"),
    quantity("gain", "mixture over N(0, I), nats a unit", "{:,.3f}"),
    quantity("variance_loss", "variance loss x 1000"),
    quantity("mse", "MSE x 1000"),
)


OF_POSTERIOR = ("centre", "variance", "active_posterior", "active_means", "kl", "information")
OF_ONE_VECTOR = ("information", "gain")


def columns_of(chosen):
    """Names of the columns that a `Preset` has: an autoencoder has no posterior, the code of a hierarchy is no single
    vector, and a mixture of very many units takes too long to fit.
    """
    none = {"autoencoder": OF_POSTERIOR, "rae": OF_POSTERIOR, "hierarchical_vae": OF_ONE_VECTOR}
    left_out = none.get(chosen.model, ()) + ("gain",) * (chosen.config.get("latent_dim", 0) > WIDEST)
    return [column.name for column in COLUMNS if column.name not in left_out]


def conclusions(report):
    """What the rows say together, one line each."""
    losses = {name: values(cells, "variance_loss", "mse") for name, cells in report["rows"].items()}
    ratios = {name: loss / error for name, (loss, error) in losses.items() if None not in (loss, error)}
    if not ratios:
        return []
    low, high = (pick(ratios, key=ratios.get) for pick in (min, max))
    near = [name for name, ratio in ratios.items() if 0.9 <= ratio <= 1.1]
    lines = [
        f"The variance loss is {ratios[low]:.2f} ({low}) to {ratios[high]:.2f} ({high}) times the MSE, and within 10 % "
        f"of it in {len(near)} of {len(ratios)} rows."
    ]
    gaps = {name: values(cells, "variance", "gain") for name, cells in report["rows"].items()}
    gaps = {name: pair for name, pair in gaps.items() if None not in pair}
    if lawful := [name for name, (variance, _) in gaps.items() if abs(variance - 1) <= 0.1]:
        gains = [gaps[name][1] for name in lawful]
        lines.append(
            f"In {len(lawful)} of {len(gaps)} rows with a mixture the variance of q(z) is within 10 % of 1. Even there "
            f"the mixture describes codes of new images {min(gains):.3f} to {max(gains):.3f} nats a unit better than "
            "N(0, I)."
        )
    return lines


def values(cells, *names):
    return [cells[name]["value"] for name in names]
