"""One latent unit under noise that rises and falls again (survey, Figure 2, right): is it given up, does it come back?

Small enough to be trained within a figure, in a minute or two. Source of the experiment: Asperti 2019, "Sparsity in
Variational Autoencoders", from which the survey borrows the figure.
"""

import math

import keras
import numpy as np
from keras import ops

from green_vae.models import VAE
from green_vae.models.codec import gaussian_noise
from green_vae.models.layers import GaussianSample
from green_vae.models.undrawn import python_seed
from green_vae.utils.images import unit_floats

UNITS, BETA, BATCH, RATE = 16, 0.05, 100, 1e-3
IMAGES = 10_000  # of MNIST, in the same order in every epoch
MEASURED = 1_000  # images that are measured on, of those trained on
QUARTER = 30  # epochs before the noise, of its rise, of its fall, and after it
PEAK = 4.0  # standard deviation of the noise at its highest; that of the prior is 1
GIVEN_UP, BACK = 0.1, 0.5  # parts of the unit's KL before the noise: at most, and at least
VERDICT = f"Given up (at most {GIVEN_UP:.0%} of its KL): {{}}; back at the end (at least {BACK:.0%}): {{}}."


@keras.saving.register_keras_serializable(package="green_vae")
class DisturbedSample(GaussianSample):
    """`GaussianSample` whose units get further Gaussian noise of the standard deviations in `disturbance`, 0 at first.

    The divergence does not know of it: it is that of mean and log_var alone.
    """

    def __init__(self, units, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.disturbance = self.add_weight(name="disturbance", shape=(units,), initializer="zeros", trainable=False)

    def call(self, mean, log_var):
        z = super().call(mean, log_var)
        return z + self.disturbance * keras.random.normal(ops.shape(z), dtype="float32", seed=self.generator)


class RisingNoise(keras.callbacks.Callback):
    """Lets the noise of one unit rise and fall, epoch by epoch, and measures the unit.

    For a quarter of the training there is no noise; then it rises linearly, falls linearly, and stays away. The unit is
    the one with the largest gain when the noise begins. The model has a `DisturbedSample`.

    Args:
        x: images to measure on, (n, h, w, c). quarter: epochs. peak: highest standard deviation.
        seed: of the draws that are measured with, the same in every epoch.

    Attributes:
        unit: its number, once it is chosen. seen: a dict for each epoch: "noise", and "gain", "kl" and "variance" of
            every unit, see `measured`; once the unit is chosen the gain is its alone.
    """

    def __init__(self, x, quarter=QUARTER, peak=PEAK, seed=0):
        super().__init__()
        self.x, self.quarter, self.peak, self.seed = x, quarter, peak, seed
        self.unit, self.seen, self.noise = None, [], 0.0

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.quarter:
            self.unit = int(np.argmax(self.seen[-1]["gain"]))
        self.noise = self.peak * height(epoch, self.quarter)
        disturbance = np.zeros(self.model.latent_dim, "float32")
        if self.unit is not None:
            disturbance[self.unit] = self.noise
        self.model.sample.disturbance.assign(disturbance)

    def on_epoch_end(self, epoch, logs=None):
        disturbance = ops.convert_to_numpy(self.model.sample.disturbance)
        units = range(self.model.latent_dim) if self.unit is None else [self.unit]
        self.seen.append({"noise": self.noise, **measured(self.model, self.x, disturbance, units, self.seed)})

    def course(self, name):
        """What was seen of the chosen unit, epoch by epoch."""
        return np.array([epoch[name][self.unit] for epoch in self.seen])


def height(epoch, quarter):
    """The noise in an epoch as a part of its peak, in epochs counted from 0: 0 in the first and in the last quarter."""
    return float(np.interp(epoch, [quarter - 1, 2 * quarter - 1, 3 * quarter - 1], [0.0, 1.0, 0.0]))


def measured(model, x, disturbance, chosen, seed=0):
    """Of every unit: KL in nats and mean posterior variance, and of the `chosen` ones the gain, NaN for the others;
    (units,) each.

    The gain of a unit is how much the squared error of an image grows, in the mean, if the unit is set to 0, the mean
    of its prior, while the others stay as drawn.

    Args:
        x: images (n, h, w, c). disturbance: standard deviations of further noise, (units,).
    """
    posterior, rng, images = model.posterior(x), np.random.default_rng(seed), unit_floats(x)
    mean, log_var = posterior["mean"], posterior["log_var"]
    z = gaussian_noise(rng)(mean, log_var)
    z = z + disturbance * rng.standard_normal(z.shape, dtype="float32")

    def error(codes):
        return float(np.square(images - model.decode(codes), dtype="float64").sum(axis=(1, 2, 3)).mean())

    drawn, units = error(z), np.arange(z.shape[1])
    gain = [error(np.where(units == unit, 0, z)) - drawn if unit in chosen else math.nan for unit in units]
    variance = np.exp(log_var.astype("float64"))
    kl = 0.5 * (np.square(mean, dtype="float64") + variance - log_var - 1).mean(axis=0)
    return {"gain": np.array(gain), "kl": kl, "variance": variance.mean(axis=0)}


def disturbed(images, quarter=QUARTER, seed=0):
    """A narrow VAE trained under the noise -> its `RisingNoise`, with what it has seen.

    Args:
        images: uint8 (n, h, w, c). quarter: epochs. seed: of weights and noise.
    """
    network = {"network": "mlp", "network_options": {"widths": (128,), "activation": "relu"}}
    with python_seed(seed):
        model = VAE(image_shape=images.shape[1:], latent_dim=UNITS, beta=BETA, **network, seed=seed)
    model.sample = DisturbedSample(UNITS, seed=seed)
    watch = RisingNoise(images[:MEASURED], quarter, seed=seed)
    model.compile(optimizer=keras.optimizers.Adam(RATE))
    model.fit(images, batch_size=BATCH, epochs=4 * quarter, shuffle=False, verbose=0, callbacks=[watch])
    return watch


def told(watch):
    """The unit before the noise, where its KL is least, and at the end, in a sentence that ends with `VERDICT`."""
    kl, gain, variance = (watch.course(name) for name in ("kl", "gain", "variance"))
    before, last = watch.quarter - 1, len(kl) - 1
    least = int(np.argmin(kl[watch.quarter : 3 * watch.quarter])) + watch.quarter
    shown = {
        "before the noise": before,
        f"at the least, under noise of {watch.seen[least]['noise']:.1f}": least,
        "at the end": last,
    }
    parts = [f"{kl[e]:.3f} nats, gain {gain[e]:.2f}, variance {variance[e]:.2f} {when}" for when, e in shown.items()]
    given_up, back = kl[least] <= GIVEN_UP * kl[before], kl[last] >= BACK * kl[before]
    verdict = VERDICT.format(*("yes" if so else "no" for so in (given_up, back)))
    return f"Unit {watch.unit} of {UNITS}: KL {'; '.join(parts)}. {verdict}"
