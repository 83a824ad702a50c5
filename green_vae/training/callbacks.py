"""Keras callbacks for what a loss does not show: latent units in use, the distance of samples from real images, and
how similar reconstructions are to their images.

All write into the epoch's logs, so their numbers stand in `history` beside the losses, and in what other callbacks
write: `model.fit` and `green_vae.training.train` let them look first, in whatever order they are given.
"""

import math
import warnings

import keras
import numpy as np

from green_vae import metrics
from green_vae.utils.turns import EARLY


class Every(keras.callbacks.Callback):
    """Measures after the first epoch and then after every `every` epochs; logs NaN for the epochs between.

    A subclass writes `names`, those of its numbers, and `measure() -> dict` of them.

    Raises:
        ValueError: `every` is no positive whole number.
    """

    turn = EARLY
    names = ()

    def __init__(self, every=1):
        super().__init__()
        if every < 1 or int(every) != every:
            raise ValueError(f"every how many epochs to measure must be whole and positive. Received: {every}")
        self.every = every

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            due = epoch == 0 or (epoch + 1) % self.every == 0
            logs.update(self.measure() if due else dict.fromkeys(self.names, math.nan))


class LatentActivity(Every):
    """Logs the latent units in use, by both rules of `green_vae.metrics.inactive_mask`, and the variance law.

    For any variational model, by its `latent_moments`: units of a ladder count in units of their own priors.

    Log entries: "active_posterior" and "active_means" (units), "variance_law" (1 where the aggregate posterior has
    the prior's variance). Source: survey, section on collapse; Split-VAE, section on latent space.

    Args:
        x: images (n, h, w, c) to encode; a thousand are enough.
        every: epochs between measurements.
    """

    names = ("active_posterior", "active_means", "variance_law")

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
        self.names = (*(f"fid_{part}" for part in self.parts), "fid_n")

    def measure(self):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="a Frechet distance of only")  # n was chosen
            return {**{f"fid_{part}": self._fid(part) for part in self.parts}, "fid_n": self.n}

    def _fid(self, part):
        moments = self.evaluator.moments(self.model.generate(self.n, seed=self.seed, part=part))
        return self.evaluator.fid(moments, self.reference)[self.layer]


class ReconstructionSSIM(Every):
    """Logs how similar reconstructions are to their images, in two readings of the structural similarity.

    Log entries: "ssim", the mean over x, for pixels that range over 1, and "ssim_changing", that of one training image,
    another one after every epoch, with the range 2 that scikit-image silently took for floats before 0.20. The review
    plots the second: its code takes the first image of a batch, and batches are drawn anew in every epoch.

    Args:
        x: images (n, h, w, c) that are not trained on; a thousand are enough.
        trained: images (m, h, w, c) that are trained on, of which one is drawn for each epoch.
        every: epochs between measurements.
        seed: of the codes, which are sampled, and with the epoch's number of the choice of the training image.
    """

    names = ("ssim", "ssim_changing")

    def __init__(self, x, trained, every=1, seed=0):
        super().__init__(every)
        self.x, self.trained, self.seed, self.epoch = x, trained, seed, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def measure(self):
        chosen = np.random.default_rng([self.seed, self.epoch]).integers(len(self.trained))
        one = self.trained[chosen : chosen + 1]
        return {"ssim": self._ssim(self.x, 1.0), "ssim_changing": self._ssim(one, 2.0)}

    def _ssim(self, x, data_range):
        return metrics.ssim(x, self.model.reconstruct(x, seed=self.seed), data_range)


def latent_activity(means, variances):
    """The entries of `LatentActivity` for posterior means and variances (n, units)."""
    return {
        "active_posterior": metrics.active_units(means, variances, "posterior"),
        "active_means": metrics.active_units(means, variances, "means"),
        "variance_law": metrics.variance_law(means, variances),
    }
