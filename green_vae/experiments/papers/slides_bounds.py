"""What a comparison of likelihoods needs: bounds of log p(x), differences image by image, divergences, seconds."""

import math
import time

import keras
import numpy as np
from scipy.special import logsumexp

from green_vae.experiments.run import STEP, Run, identity
from green_vae.experiments.spec import Column, Measurement, NotRun
from green_vae.experiments.timing import timed_on
from green_vae.models.likelihood import log_weights
from green_vae.training.checkpoint import newest
from green_vae.utils.files import write_aside
from green_vae.utils.reading import read_npy

K, SMOKE_K = 200, 5  # draws per image
TIMED, SMOKE_TIMED, REPEATS = 10_000, 20, 9  # images; times that each model takes its turn
USES = {  # what is timed: on a model and images
    "encode": lambda model, images: model.encode(images, sample=True, batch_size=STEP),
    "generate": lambda model, images: model.generate(len(images), seed=0, batch_size=STEP),
}


def elbo():
    """Mean evidence lower bound of the reference images, nats; its expectation is estimated from K draws per image."""
    return _column("elbo", "ELBO, nats", lambda run: _mean(log_bounds(run)[0]))


def importance_weighted():
    """Mean of the importance-weighted bound of K draws, nats."""
    return _column("iw", f"log p(x), k = {K}", lambda run: _mean(log_bounds(run)[1]))


def gain():
    """ELBO minus that of the table's first row, image by image, nats."""

    def measure(run):
        return _mean(log_bounds(run)[0] - log_bounds(baseline(run))[0], "of the differences, image by image")

    def identity(run):
        return {**_identity(run, "gain"), "baseline": baseline(run).weights_hash}

    return Column("gain", "ELBO - first row's", measure, identity=identity, format="{:+,.2f}")


def kl():
    """Mean KL of the posterior to the prior over the reference images, nats; of a ladder also level by level."""

    def measure(run):
        logs = evaluated(run)
        levels = [f"{value:.2f}" for name, value in logs.items() if name.startswith("kl_") and name != "kl_weight"]
        remark = f"levels from z_1 upwards: {', '.join(levels)}" if levels else ""
        return Measurement(logs["kl"], remark=remark, images=run.reference_count)

    return _column("kl", "KL, nats", measure)


def seconds():
    """Seconds of the whole training, without what was measured between its epochs.

    Raises NotRun if an epoch does not tell.
    """

    def measure(run):
        spent = [epoch.get("seconds") for epoch in run.history]
        if not spent or None in spent:
            raise NotRun("the history of the weights does not tell the seconds of every epoch")
        return Measurement(sum(spent), remark=f"{np.median(spent):.3g} s per epoch")

    return _column("train_s", "training, s", measure, format="{:,.0f}")


def slower(use):
    """How many times the processor seconds of the table's first row a use takes, for 10,000 images, by turns.

    Args:
        use: a name of `USES`.
    """

    def measure(run):
        images = run.bench.data(run.preset.dataset, "test").images[: SMOKE_TIMED if run.settings.smoke else TIMED]
        ours, first = least_seconds([run.trained, baseline(run).trained], use, images)
        remark = f"{ours:.2f} s against {first:.2f} s of processor time for {len(images):,} images"
        return Measurement(ours / first, remark=remark, made=f"the least of {REPEATS} turns", images=len(images))

    def identity(run):
        return {**_identity(run, use), "baseline": baseline(run).weights_hash, **timed_on()}

    return Column(f"{use}_ratio", f"time to {use} / first row's", measure, identity=identity, format="{:,.2f}")


def least_seconds(models, use, images):
    """Least processor seconds of a use, of each model.

    They take turns, and the first one changes, so that a busy machine slows all of them alike.
    """
    for model in models:
        USES[use](model, images[: 2 * STEP])  # compiles
    least = [math.inf] * len(models)
    for turn in range(REPEATS * len(models)):
        index = (turn + turn // len(models)) % len(models)
        start = time.process_time()
        USES[use](models[index], images)
        least[index] = min(least[index], time.process_time() - start)
    return least


def log_bounds(run):
    """(ELBO, importance-weighted bound) of every reference image, nats, float64 (2, n); kept in the row's folder."""
    k, seed = SMOKE_K if run.settings.smoke else K, run.settings.seed
    images = run.bench.reference_images
    path = run.folder / f"bounds-{identity([run.identity(), len(images), k])}.npy"
    if path.exists() and not run.settings.fresh:
        return np.array(read_npy(path))
    parts = []
    for start in range(0, len(images), 10 * STEP):  # the weights of all images at once are large
        weights = log_weights(run.trained, images[start : start + 10 * STEP], k, batch_size=STEP, seed=seed + start)
        parts.append([weights.mean(axis=1), logsumexp(weights, axis=1) - np.log(k)])
    bounds = np.concatenate(parts, axis=1)
    with write_aside(path) as aside, open(aside, "wb") as file:
        np.save(file, bounds)
    return bounds


def evaluated(run):
    """What the model logs on the reference images, from one draw each: raw terms and loss."""
    model = run.trained
    if not model.compiled:
        model.compile(optimizer=keras.optimizers.Adam(), jit_compile="auto")
    return model.evaluate(run.bench.reference_images, batch_size=STEP, verbose=0, return_dict=True)


def baseline(run):
    """The `Run` of the table's first row, whose weights are there already.

    Raises:
        NotRun: it is this row, or its weights are not there.
    """
    first = run.table.rows[0]
    if run.row is first:
        raise NotRun("the other rows are compared with this one")
    found = Run(run.bench, first)
    if run.settings.train and newest(found.folder)[0] < found.epochs:
        raise NotRun(
            f"`{run.table.command} --train --rows '{first.name}'` trains the row that this one is compared with"
        )
    return found.prepare()


def _mean(values, what="over the images"):
    error = f"standard error {values.std(ddof=1) / np.sqrt(len(values)):.2g} {what}"
    return Measurement(values.mean(), remark=error, images=len(values))


def _identity(run, quantity):
    k = SMOKE_K if run.settings.smoke else K
    return {**run.identity(), "quantity": quantity, "n": run.reference_count, "k": k}


def _column(name, title, measure, format="{:,.2f}"):
    return Column(name, title, measure, identity=lambda run: _identity(run, name), format=format)
