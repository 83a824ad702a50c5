"""The numbers of the ResLag study's Table 1: on its own scale, and as plain means over the validation images.

The study loops over all batches of 32 but the last and divides by the number of all, so its means are too small by
f = (B - 1) / B. Its code has the latent loss per latent unit for beta-VAE and InfoVAE and summed for the others, and a
sigma that is the standard deviation of the input: that of the training batches on average in Optimal Sigma's totals,
that of each validation batch in those of the lagging models. log(2 pi) is left out.

The total of a sigma model is f D/2 log(sigma^2) + Rec / (2 sigma^2) + KL, for D values in an image. The first term
depends on the data alone and is nearly all of it, so models are compared without it, on one sigma^2 for each data set.
"""

import functools
import math
from dataclasses import replace

import numpy as np
from keras import ops

from green_vae import metrics
from green_vae.experiments.spec import Column, Measurement
from green_vae.models.codec import drawn
from green_vae.models.info_vae import squared_mmd
from green_vae.utils.images import unit_floats

BATCH = 32
QUANTITIES = {"rec": ("Rec", 0.1), "latent": ("Lat", 0.1), "mmd": ("MMD", 0.1), "total": ("Total", None)}
# data set -> sigma^2, solved from the published total, Rec and Lat of its Optimal Sigma row
SIGMA2 = {"MNIST": 0.094868, "FashionMNIST": 0.124127, "CIFAR10": 0.062763, "CIFAR100": 0.071238, "CelebA": 0.089361}
UNJUDGED = "not judged: nearly all of a sigma total is a constant of the data; judged by the total minus constant"


def columns():
    """Each quantity on the study's scale and over all images, then what compares models, on the study's scale.

    The error stands beside that of as many training images, for which nothing is published.

    The total is shown without a verdict. The total minus constant is reproduced within 5 %, as is the weight of the
    KL, the rest within 10 %.
    """
    found = []
    for name, (title, tolerance) in QUANTITIES.items():
        small = {"format": "{:,.6f}"} if name == "mmd" else {"format": "{:,.4f}"}
        found.append(_column(name, name, f"{title} (study)", tolerance, 0, **small))
        found.append(_column(f"{name}_mean", name, f"{title} (mean)", tolerance, 1, **small))
        if name == "rec":
            found.append(Column("rec_train", "Rec (training, mean)", _training_error, _training, format="{:,.4f}"))
    return (
        *found,
        _column("kl", "kl", "KL in nats (study)", 0.1, 0, format="{:,.4f}"),
        _column("reduced", "reduced", "Total minus constant (study)", 0.05, 0, format="{:,.4f}"),
        Column("kl_weight", "weight of the KL", _weight, _identity("kl_weight"), format="{:,.4f}", tolerance=0.05),
    )


def coarse(*names):
    """Some of `columns` by name, with two digits after the point: for tables over seeds."""
    known = {column.name: column for column in columns()}
    return tuple(replace(known[name], format="{:,.2f}") for name in names)


def _column(name, quantity, title, tolerance, reading, **options):
    def measure(run):
        images = f"the {len(images_of(run)):,} validation images"
        made = (f"{images} in batches of {BATCH}, without the last, by the number of all", f"all of {images}")[reading]
        why = "" if tolerance else UNJUDGED
        return Measurement(evaluated(run)[quantity][reading], incomparable=why, made=made, images=len(images_of(run)))

    return Column(name, title, measure, _identity(name), tolerance=tolerance, **options)


def _identity(quantity):
    return lambda run: {**run.identity(), "quantity": quantity, "n": len(images_of(run))}


def _training(run):
    """Identity of the error of training images."""
    images = seen_images_of(run)
    return {**run.identity(), "quantity": "rec_train", "n": len(images), "of": run.train_data.fingerprint[:16]}


def _training_error(run):
    made = f"all of the first {len(seen_images_of(run)):,} training images"
    value = quantities(run, seen_images_of(run))["rec"][1]
    return Measurement(value, made=made, images=len(seen_images_of(run)))


def _weight(run):
    return Measurement(kl_weight(run.preset.model, run.trained))


def kl_weight(kind, model):
    """w of the model's objective, divided into SSE + w KL, both summed; MMD aside.

    * "vae" minimises 1/2 SSE + beta KL, so w = 2 beta: the study's beta / d, for d latent units.
    * "info_vae" minimises SSE + (1 - alpha) KL / d + ..., so w = (1 - alpha) / d: 0 in the study.
    * The sigma models minimise D/2 log(sigma^2) + SSE / (2 sigma^2) + KL, so w = 2 sigma^2, with the mean of sigma^2
      over training batches.
    """
    if kind == "vae":
        return 2 * model.beta
    return model.term_weights().get("kl", 0.0) if kind == "info_vae" else 2 * float(model.variance)


def published(kind, values, units, beta, sigma2):
    """Column name -> published number of a row, and what follows from the published numbers.

    Args:
        kind: name of the model in `MODELS`.
        values: "rec", "latent", "mmd", "total" -> as published; what is not published is not in it.
        units: of the latent space.
        beta: of the data set's beta-VAE.
        sigma2: of the data set.

    Returns:
        dict: values, and where there is a KL "kl" in nats, "reduced", the total minus its constant, and "kl_weight".
        Of beta-VAE and InfoVAE the total has no constant and is taken as it is.
    """
    if kind == "autoencoder":
        return values
    if kind in ("vae", "info_vae"):
        weight = beta / units if kind == "vae" else 0.0
        return {**values, "kl": units * values["latent"], "reduced": values["total"], "kl_weight": weight}
    reduced = values["rec"] / (2 * sigma2) + values["latent"]
    return {**values, "kl": values["latent"], "reduced": reduced, "kl_weight": 2 * sigma2}


def shifts(report):
    """Lines of a report: by how much lagging moves the total minus constant, of the models that were measured."""
    for name, cells in report["rows"].items():
        dataset, model = name.split(" ", 1)
        other, plain = cells["reduced"], report["rows"][f"{dataset} Optimal Sigma VAE"]["reduced"]
        if "Lag" in model and None not in (other["value"], plain["value"]):
            theirs, ours = (other[side] - plain[side] for side in ("published", "value"))
            yield (
                f"{dataset}, {model} less Optimal Sigma VAE, total minus constant on sigma^2 = {SIGMA2[dataset]}: "
                f"{theirs:+.2f} published, {ours:+.2f} ours."
            )


def images_of(run):
    """The validation images of a row."""
    return run.validation_images[: run.settings.limit_eval]


def seen_images_of(run):
    """As many training images of a row."""
    return run.train_images[: len(images_of(run))]


@functools.lru_cache(maxsize=3)  # the seeds of a row
def evaluated(run):
    """`quantities` of the validation images."""
    return quantities(run, images_of(run))


def quantities(run, images):
    """Quantity -> (as the study has it, mean over images) of a trained row, from one sampled code for each image.

    The row's name begins with the data set, a key of `SIGMA2`.
    """
    model = run.trained
    rng = np.random.default_rng(run.settings.seed)
    variance, sigma2 = trained_variance(run.preset.model, model), SIGMA2[run.row.name.split()[0]]
    batches = []
    for start in range(0, len(images), BATCH):
        x = images[start : start + BATCH]
        batches.append((len(x), batch_quantities(run.preset.model, model, x, rng, sigma2, variance)))
    return {name: both_readings([(n, batch[name]) for n, batch in batches]) for name in batches[0][1]}


def trained_variance(kind, model):
    """sigma^2 of a sigma-VAE, averaged over its training batches; None for each batch's own."""
    return float(ops.convert_to_numpy(model.variance)) if kind == "sigma_vae" else None


def batch_quantities(kind, model, images, rng, sigma2, variance=None):
    """Quantity -> mean over one batch.

    Args:
        kind: name of the model in `MODELS`.
        model: the model.
        images: of the batch, (n, h, w, c).
        rng: NumPy generator of the noise.
        sigma2: on which the total minus constant of a sigma model stands.
        variance: sigma^2 of a sigma model's total; None for that of the batch.
    """
    unit = unit_floats(images, "float64")
    size = min(len(images), BATCH)
    posterior = model.posterior(images, batch_size=size)
    if kind == "autoencoder":
        return {"rec": _squared_error(unit, model.decode(posterior["z"], batch_size=size))}
    mean, log_var = posterior["mean"].astype("float64"), posterior["log_var"].astype("float64")
    z = drawn(mean, log_var, rng.standard_normal(mean.shape))
    rec = _squared_error(unit, model.decode(z, batch_size=size))
    kl = metrics.kl_standard_normal(mean, log_var).mean()
    if kind in ("vae", "info_vae"):  # the loss of "vae" is half the study's, with the KL summed
        found, total = {"rec": rec, "latent": kl / model.latent_dim, "kl": kl}, rec + kl_weight(kind, model) * kl
        if kind == "info_vae":
            found["mmd"] = float(squared_mmd(z, rng.standard_normal(z.shape)))
            total += (model.alpha + model.lambda_ - 1) * found["mmd"]
        return {**found, "total": total, "reduced": total}
    variance = unit.var() if variance is None else variance
    nll = 0.5 * unit[0].size * math.log(variance) + rec / (2 * variance)
    return {"rec": rec, "latent": kl, "kl": kl, "total": nll + kl, "reduced": rec / (2 * sigma2) + kl}


def _squared_error(unit, made):
    return float(((unit - made) ** 2).reshape(len(unit), -1).sum(axis=1).mean())


def both_readings(batches):
    """(the study's, the honest) mean of [(images, batch mean)]: all but the last by their number, and by images."""
    values = [value for _, value in batches]
    study = sum(values[:-1]) / len(values) if len(values) > 1 else math.nan
    return study, sum(n * value for n, value in batches) / sum(n for n, _ in batches)
