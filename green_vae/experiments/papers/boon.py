"""The numbers of the ResLag study's Table 1: on its own scale, and as plain means over the validation images.

The study loops over all batches of 32 but the last and divides by the number of all, so its means are too small by
f = (B - 1) / B. Its code has the latent loss per latent unit for beta-VAE and InfoVAE and summed for the others, and a
sigma that is the standard deviation of the input: that of the training batches on average in Optimal Sigma's totals,
that of each validation batch in those of the lagging models. log(2 pi) is left out.
"""

import functools
import math

import numpy as np
from keras import ops

from green_vae.experiments.spec import Column, Measurement
from green_vae.models.info_vae import squared_mmd
from green_vae.utils.images import unit_floats

BATCH = 32
QUANTITIES = {"rec": ("Rec", 0.1), "latent": ("Lat", 0.1), "mmd": ("MMD", 0.1), "total": ("Total", 0.01)}


def columns():
    """Each quantity on the study's scale, and then over all images. Total within 1 %, the rest within 10 %."""
    found = []
    for name, (title, tolerance) in QUANTITIES.items():
        small = {"format": "{:,.6f}"} if name == "mmd" else {"format": "{:,.4f}"}
        found.append(_column(name, name, f"{title} (study)", tolerance, 0, **small))
        found.append(_column(f"{name}_mean", name, f"{title} (mean)", tolerance, 1, **small))
    return tuple(found)


def _column(name, quantity, title, tolerance, reading, **options):
    def measure(run):
        images = f"the {len(images_of(run)):,} validation images"
        made = (f"{images} in batches of {BATCH}, without the last, by the number of all", f"all of {images}")[reading]
        return Measurement(evaluated(run)[quantity][reading], made=made, images=len(images_of(run)))

    def identity(run):
        return {**run.identity(), "quantity": name, "n": len(images_of(run))}

    return Column(name, title, measure, identity, tolerance=tolerance, **options)


def images_of(run):
    """The validation images of a row."""
    return run.validation_images[: run.settings.limit_eval]


@functools.lru_cache(maxsize=1)
def evaluated(run):
    """Quantity -> (as the study has it, mean over images) of a trained row, from one sampled code for each image."""
    model, images = run.trained, images_of(run)
    rng = np.random.default_rng(run.settings.seed)
    variance = trained_variance(run.preset.model, model)
    batches = []
    for start in range(0, len(images), BATCH):
        x = images[start : start + BATCH]
        batches.append((len(x), batch_quantities(run.preset.model, model, x, rng, variance)))
    return {name: both_readings([(n, batch[name]) for n, batch in batches]) for name in batches[0][1]}


def trained_variance(kind, model):
    """sigma^2 of a sigma-VAE, averaged over its training batches; None for each batch's own."""
    return float(ops.convert_to_numpy(model.variance)) if kind == "sigma_vae" else None


def batch_quantities(kind, model, images, rng, variance=None):
    """Quantity -> mean over one batch.

    Args:
        kind: name of the model in `MODELS`.
        model: the model.
        images: of the batch, (n, h, w, c).
        rng: NumPy generator of the noise.
        variance: sigma^2 of a sigma model; None for that of the batch.
    """
    unit = unit_floats(images, "float64")
    size = min(len(images), BATCH)
    posterior = model.posterior(images, batch_size=size)
    if kind == "autoencoder":
        return {"rec": _squared_error(unit, model.decode(posterior["z"], batch_size=size))}
    mean, log_var = posterior["mean"].astype("float64"), posterior["log_var"].astype("float64")
    z = mean + np.exp(0.5 * log_var) * rng.standard_normal(mean.shape)
    rec = _squared_error(unit, model.decode(z, batch_size=size))
    kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(axis=1).mean()
    if kind == "vae":
        latent = kl / model.latent_dim  # the model's loss is half the study's, with the KL summed
        return {"rec": rec, "latent": latent, "total": rec + 2 * model.beta * model.latent_dim * latent}
    if kind == "info_vae":
        latent, mmd = kl / model.latent_dim, float(squared_mmd(z, rng.standard_normal(z.shape)))
        weights = (1 - model.alpha, model.alpha + model.lambda_ - 1)
        return {"rec": rec, "latent": latent, "mmd": mmd, "total": rec + weights[0] * latent + weights[1] * mmd}
    variance = unit.var() if variance is None else variance
    nll = 0.5 * unit[0].size * math.log(variance) + rec / (2 * variance)
    return {"rec": rec, "latent": kl, "total": nll + kl}


def _squared_error(unit, made):
    return float(((unit - made) ** 2).reshape(len(unit), -1).sum(axis=1).mean())


def both_readings(batches):
    """(the study's, the honest) mean of [(images, batch mean)]: all but the last by their number, and by images."""
    values = [value for _, value in batches]
    study = sum(values[:-1]) / len(values) if len(values) > 1 else math.nan
    return study, sum(n * value for n, value in batches) / sum(n for n, _ in batches)
