"""The columns that tables are made of."""

import math

from green_vae import metrics
from green_vae.experiments.run import RECONSTRUCTIONS
from green_vae.experiments.spec import Column, Measurement

SPLITS = {"train": "training", "test": "test"}  # in titles
NO_ERROR = (  # a test compares these shares with the recorded errors
    "A Frechet distance without ± has fewer images than its features have dimensions, or was measured before standard "
    "errors were recorded. Where they are known they are 0.7 to 1.6 % of the distance for 1,000 and 2,000 generated "
    "images (`survey_fid.py`), and 0.3 to 0.9 % for 10,000 images (`svae_table2.py`, `svae_table3.py`)."
)


def parameters(name="params", title="params"):
    """Encoder and decoder, as Keras counts them (batch norm has 4 per channel); must be equal to the digit."""
    return Column(name, title, lambda run: Measurement(run.parameters()), format="{:,.0f}")


def flops(name="flops_m", title="MFLOPs"):
    """By the survey's rule, truncated to whole millions; must be equal to the digit."""
    return Column(name, title, lambda run: Measurement(run.mflops()), format="{:,.0f}")


def mse(split, tolerance=0.1):
    """Mean squared error per pixel and channel of reconstructions, times 1000: `mse_train_x1e3` or `mse_test_x1e3`.

    Args:
        split: "train" or "test", of the images that are reconstructed.
    """
    kind = RECONSTRUCTIONS[split]

    def identity(run):
        own = {**run.identity(), "quantity": "mse", "n": run.image_count(kind)}
        return own if split == "test" else {**own, "of": run.train_data.fingerprint[:16]}

    return Column(
        f"mse_{split}_x1e3",
        f"MSE x 1000 ({SPLITS[split]})",
        lambda run: Measurement(1000 * run.mse(kind), made=run.made(kind), images=run.image_count(kind)),
        identity=identity,
        format="{:,.2f}",
        tolerance=tolerance,
    )


def trainable_parameters(name="params_trainable", title="trainable"):
    """The same without batch norm's moving statistics, which some papers print instead; must be equal to the digit."""
    return Column(name, title, lambda run: Measurement(run.trainable_parameters()), format="{:,.0f}")


def latent(name, title, format="{:,.0f}"):
    """A diagnostic of the latent space over the reference images: an entry of `callbacks.latent_activity`."""
    return Column(
        name,
        title,
        lambda run: Measurement(run.latent_activity[name], images=run.reference_count),
        identity=lambda run: {**run.identity(), "quantity": name, "n": run.reference_count},
        format=format,
    )


def fid_rec(split, optional=""):
    """Frechet distance of reconstructions to the table's reference: `fid_rec_train` or `fid_rec_test`.

    Args:
        split: "train" or "test", of the images that are reconstructed; the survey's code takes training images.
        optional: see `fid`.
    """
    return fid(f"fid_rec_{split}", RECONSTRUCTIONS[split], f"FID REC ({SPLITS[split]})", optional=optional)


def fid(name, of, title, layer=None, tolerance=0.1, format="{:,.1f}", optional=""):
    """Frechet distance between a kind of images and the table's reference.

    Beside it stands its standard error under other images of the kind, see `metrics.FID`, where these and the reference
    have more images than features have dimensions.

    Args:
        of: kind of `Run.images`: one of `RECONSTRUCTIONS`, "prior" or one of the table's samplers, with ":" and a part
            for split models ("prior:x1"); "row" for a row that is images.
        layer: of the features; None: what the command line asks for, else the table's.
        format: of a number; shallow layers have small distances.
        optional: why it is measured only if it is asked for, see `Column`.
    """

    def chosen(run):
        return layer or run.settings.layer or run.table.layer

    def identity(run):
        return {**run.image_identity(of), "quantity": "fid", "protocol": run.bench.protocol(chosen(run)).hash}

    def measure(run):
        own = chosen(run)
        protocol = run.bench.protocol(own)
        label, why = protocol.label, protocol.caveat
        counts = [moments[protocol.layer].n for moments in (run.moments(of), run.bench.reference_moments)]
        if counts[0] < counts[1]:  # a distance grows as images get fewer: bias, not noise
            few = f"only {counts[0]:,} images against {counts[1]:,}"
            why = f"{why}; {few}" if why else few
        return Measurement(
            run.fid(of, own),
            label,
            why,
            _kid_beside(run, of, own),
            protocol.describe(),
            run.made(of),
            *counts,
            spread=run.fid_error(of, own),
        )

    return Column(
        name,
        title,
        measure,
        identity=identity,
        format=format,
        tolerance=tolerance,
        layers=lambda settings: (layer or settings.layer,),
        possible=lambda run: run.check_kind(of),
        optional=optional,
        spread="beside a Frechet distance: its standard error if other images of the same kind had been measured",
        no_spread=NO_ERROR,
    )


def kid(name, of, title):
    """Kernel distance x 1000 between a kind of images and the table's reference, see `metrics.kid_from_features`.

    Beside it stands its standard error, see `kid_x1e3`.

    Args:
        of: as for `fid`.
    """

    def chosen(run):
        return run.settings.layer or run.table.layer

    def identity(run):
        return {**run.image_identity(of), "quantity": "kid", "protocol": run.bench.protocol(chosen(run)).hash}

    def measure(run):
        label, mean, error = kid_x1e3(run, of, chosen(run))
        count = len(run.bench.reference_images)
        made = run.bench.protocol(chosen(run)).describe(), run.made(of)
        return Measurement(mean, label, "", f"standard error {error:.2g}", *made, run.image_count(of), count)

    return Column(
        name,
        title,
        measure,
        identity=identity,
        layers=lambda settings: (settings.layer,),
        possible=lambda run: run.check_kind(of),
    )


def kid_x1e3(run, of, layer):
    """(name of the scale, mean over 100 random subsets, its standard error) of a KID x 1000.

    Subsets have 1000 images, or half of all where there are fewer than 2000. The error is the delete-d jackknife's
    (Shao, Wu 1989): the deviation over halves, and less than that over smaller subsets, see `metrics.kid`.
    """
    name = run.bench.layer_name(layer)
    ours, reference = (moments[name].features for moments in (run.moments(of), run.bench.reference_moments))
    fewest = min(len(ours), len(reference))
    size = min(1000, fewest // 2)
    mean, deviation = metrics.kid_from_features(ours, reference, subset_size=size, seed=run.settings.seed)
    error = deviation * math.sqrt(size / (fewest - size))
    return run.bench.protocol(layer).label.replace("FID", "KID"), 1000 * mean, 1000 * error


def _kid_beside(run, of, layer):
    """The KID beside a Frechet distance of few images, in words; "" for enough images."""
    if not run.bench.few or run.settings.smoke:
        return ""
    label, mean, error = kid_x1e3(run, of, layer)
    return f"{label} x 1000 = {mean:.1f} +- {error:.1f}"
