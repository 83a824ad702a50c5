"""Keras callbacks that watch what a loss does not tell: latent units in use, distance of samples from real images,
likeness of reconstructions, energy.

All write into the epoch's logs, so their numbers stand in `history` beside the losses: give them to
`model.fit(callbacks=...)` before callbacks that read logs, or to `green_vae.training.train`.
"""

import warnings
from pathlib import Path

import keras
import numpy as np

from green_vae import cost, metrics, plots


class Every(keras.callbacks.Callback):
    """Measures after the first epoch and then after every `every` epochs.

    A subclass writes `measure() -> dict` of numbers for the log.

    Raises:
        ValueError: `every` is not positive.
    """

    def __init__(self, every=1):
        super().__init__()
        if every < 1:
            raise ValueError(f"every how many epochs to measure must be positive. Received: {every}")
        self.every = every

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None and (epoch == 0 or (epoch + 1) % self.every == 0):
            logs.update(self.measure())


class LatentActivity(Every):
    """Logs the latent units in use, by both rules of `green_vae.metrics.inactive_mask`, and the variance law.

    For any variational model, by its `latent_moments`: units of a ladder count in units of their own priors.

    Log entries: "active_posterior" and "active_means" (units), "variance_law" (1 where the aggregate posterior has
    the prior's variance). Source: survey, section on collapse; Split-VAE, section on latent space.

    Args:
        x: images (n, h, w, c) to encode; a thousand are enough.
        every: epochs between measurements.
    """

    def __init__(self, x, every=1):
        super().__init__(every)
        self.x = x

    def measure(self):
        return latent_activity(*self.model.latent_moments(self.x))


class SampleFID(Every):
    """Logs the Frechet distance between real images and images generated from the prior, for each part asked for.

    Log entries: "fid_x", and "fid_x1", "fid_x2" ... for the parts of a split model, and "fid_n", which is n. Source:
    Split-VAE, Figure 13.

    Args:
        evaluator: a `green_vae.metrics.FIDEvaluator`.
        reference: its moments of the real images.
        n: images to generate; the same number on both sides keeps the bias of few images equal.
        parts: of `decode`.
        every: epochs between measurements.
        layer: feature layer, one of the evaluator's; default its last.
        seed: of the codes, the same in every epoch and for every part.
    """

    def __init__(self, evaluator, reference, n=1000, parts=("x",), every=5, layer=None, seed=0):
        super().__init__(every)
        self.evaluator, self.reference, self.n, self.parts, self.seed = evaluator, reference, n, tuple(parts), seed
        self.layer = layer or list(reference)[-1]

    def measure(self):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="a Frechet distance of only")  # n was chosen
            return {**{f"fid_{part}": self._fid(part) for part in self.parts}, "fid_n": self.n}

    def _fid(self, part):
        moments = self.evaluator.moments(self.model.generate(self.n, seed=self.seed, part=part))
        return self.evaluator.fid(moments, self.reference)[self.layer]


class ReconstructionSSIM(Every):
    """Logs how similar reconstructions are to their images, in two readings of the structural similarity.

    Log entries: "ssim", the mean over x, for pixels that range over 1, and "ssim_published", that of the image `first`
    alone, with the range 2 that scikit-image silently took for floats before 0.20, which is what the review plots.

    Args:
        x: images (n, h, w, c) that are not trained on; a thousand are enough.
        first: one image (h, w, c), of those trained on.
        every: epochs between measurements.
        seed: of the codes, which are sampled.
    """

    def __init__(self, x, first, every=1, seed=0):
        super().__init__(every)
        self.x, self.first, self.seed = x, first[None], seed

    def measure(self):
        return {"ssim": self._ssim(self.x, 1.0), "ssim_published": self._ssim(self.first, 2.0)}

    def _ssim(self, x, data_range):
        return metrics.ssim(x, self.model.reconstruct(x, seed=self.seed), data_range)


class Pictures(Every):
    """Draws what the model makes while it trains: `generated-<epoch>.png` (of models with a prior) and
    `reconstructed-<epoch>.png`.

    Args:
        folder: of the pictures.
        x: images to reconstruct, the first 16 are taken.
        every: epochs between pictures.
        n: images to generate, from the prior and always of the same codes.
        board: whether to write them and the logs for TensorBoard too, which needs TensorFlow and tensorboard.
    """

    def __init__(self, folder, x, every=1, n=64, board=False):
        super().__init__(every)
        self.folder, self.x, self.n = Path(folder), x[:16], n
        self.board = _summary_writer(self.folder / "tensorboard") if board else None

    def on_epoch_end(self, epoch, logs=None):
        self.epoch = epoch + 1
        super().on_epoch_end(epoch, logs)
        if self.board:
            self.board(self.epoch, {name: float(value) for name, value in (logs or {}).items()}, {})

    def measure(self):
        made = {"reconstructed": plots.reconstruction_grid(self.x, _like(self.model.reconstruct(self.x), self.x))}
        if self.model.variational:  # without a prior there is nothing to generate from
            made["generated"] = plots.image_grid(self.model.generate(self.n))
        for name, picture in made.items():
            plots.save_png(self.folder / f"{name}-{self.epoch:04}.png", picture)
        if self.board:
            self.board(self.epoch, {}, made)
        return {}


def _like(made, x):
    """Reconstructions in the range of the images they stand beside."""
    return np.round(made * 255).astype("uint8") if x.dtype == np.uint8 else made


def _summary_writer(folder):
    """write(step, numbers, pictures) for TensorBoard."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))

    def write(step, numbers, pictures):
        with writer.as_default(step=step):
            for name, value in numbers.items():
                tf.summary.scalar(name, value)
            for name, picture in pictures.items():
                tf.summary.image(name, picture[None])
        writer.flush()

    return write


class EnergyLog(keras.callbacks.Callback):
    """Logs what each epoch cost, up to its validation, which is left out.

    Log entries: "seconds"; "images" that were trained on; "kwh" net of the meter's idle baseline, only if a figure
    could be had: an unavailable one is no 0; "flops", if those of an image are given. The whole figures, with source
    and scope, stand in `energies`.

    Args:
        meter_factory: () -> a fresh `green_vae.cost.EnergyMeter`, say one with an idle baseline.
        flops_per_image: of training, `green_vae.cost.training_flops(model).per_image`.
    """

    def __init__(self, meter_factory=cost.EnergyMeter, flops_per_image=None):
        super().__init__()
        self.meter_factory, self.flops_per_image = meter_factory, flops_per_image
        self.energies, self.meter = [], None

    def on_epoch_begin(self, epoch, logs=None):
        self.meter = self.meter_factory()
        self.meter.__enter__()

    def on_test_begin(self, logs=None):
        self._stop()  # validation follows, and starts the counts of the model's metrics again

    def on_epoch_end(self, epoch, logs=None):
        self._stop()
        if logs is not None:
            logs.update(self.measured)

    def _stop(self):
        if self.meter is None:
            return
        self.meter.__exit__(None, None, None)
        energy, self.meter = self.meter.energy, None
        self.energies.append(energy)
        self.measured = {"seconds": energy.seconds}
        if energy.kwh is not None:
            self.measured["kwh"] = energy.kwh
        # Keras weights the loss of a batch by its examples, and so knows how many there were
        images = next((int(metric.count) for metric in self.model.metrics if metric.name == "loss"), None)
        if images:
            self.measured["images"] = images
            if self.flops_per_image:
                self.measured["flops"] = images * self.flops_per_image


def latent_activity(means, variances):
    """The entries of `LatentActivity` for posterior means and variances (n, units)."""
    return {
        "active_posterior": metrics.active_units(means, variances, "posterior"),
        "active_means": metrics.active_units(means, variances, "means"),
        "variance_law": metrics.variance_law(means, variances),
    }
