"""sigma-VAE: the standard deviation of a pixel is part of the likelihood, not a weight chosen by hand."""

import math

import keras
import numpy as np
from keras import ops

from green_vae.models import losses
from green_vae.models.gaussian_vae import GaussianVAE
from green_vae.utils.arguments import check_factors

SIGMAS = ("mse", "learned", "pixels", "data")
LOWEST = -6.0  # of log sigma


@keras.saving.register_keras_serializable(package="green_vae")
class SigmaVAE(GaussianVAE):
    """VAE with a Gaussian likelihood and its sigma: loss = mean over the batch of -log N(x | x_hat, sigma^2) + beta KL,
    the likelihood summed over pixels, with its constant. sigma is, for every batch, in evaluation too,

    * "mse": the optimum for the batch, sigma^2 = mean over batch, pixels and channels of (x - x_hat)^2. Its gradient
      counts, but matters only through the soft limit: at the optimum it is zero. The loss is then D/2 log MSE + KL and
      a constant;
    * "learned": one trained scalar, log sigma, which starts at 0;
    * "pixels": a trained log sigma for every pixel and channel, the same for all images; all start at 0;
    * "data": the standard deviation of all the values of the batch's images, which no weight can change. It is what
      Boon's "Optimal Sigma" used, whose published totals leave out the constant D/2 log(2 pi).

    log sigma is softly kept above `lowest`, -6, by -6 + softplus(log sigma + 6): raised by 0.002 at log sigma = 0 and
    by 0.03 at -2.5; that of "data" is cut there only, and else as it is. Dai and Wipf 2019, who train the scalar, have
    no such limit: lowest=None. Under several replicas each takes its own part of the batch. Source: Rybkin, Daniilidis,
    Levine 2021, section 4, and their code; slides, sigma-VAE (whose formulas give log sigma as sigma, and the KL with
    a minus sign); Boon 2023, implementation.

    Logged raw: "reconstruction" (squared error) and "kl"; also "nll", the first part of the loss, and "sigma", for
    "pixels" the geometric mean of all.

    Args:
        beta, image_shape, latent_dim, network, network_options, seed, posterior, posterior_options: as for `VAE`.
        sigma: "mse", "learned", "pixels" or "data".
        lowest: limit of log sigma; None for none, with "learned" alone.

    Attributes:
        variance: sigma^2 averaged over training batches, saved with the weights: for "data" over all of them, as Boon's
            validation totals have it by epoch, else over about the last hundred. 1 before training.

    Raises:
        ValueError: an unknown sigma; no limit where an error of 0 would have no logarithm.
    """

    logged = ("reconstruction", "kl", "nll", "sigma")

    @property
    def whole_batch(self):
        return None if self.sigma in ("learned", "pixels") else "sigma is that"

    def __init__(self, *, image_shape=(28, 28, 1), latent_dim=8, network="slides", beta=1.0, sigma="mse",
                 lowest=LOWEST, **shared):  # fmt: skip
        if sigma not in SIGMAS:
            raise ValueError(f"sigma must be one of {', '.join(SIGMAS)}. Received: {sigma!r}")
        if lowest is None and sigma != "learned":
            raise ValueError(f"only sigma='learned' goes without a limit. Received: lowest=None with sigma={sigma!r}")
        check_factors(beta=beta)
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, **shared)
        self.beta, self.sigma, self.lowest = beta, sigma, lowest
        state = {"shape": (), "trainable": False, "dtype": "float32", "aggregation": "mean"}
        self.variance = self.add_weight(name="variance", initializer="ones", **state)
        self.batches = self.add_weight(name="batches", initializer="zeros", **state)
        if sigma in ("learned", "pixels"):
            shape = () if sigma == "learned" else (math.prod(self.image_shape),)
            self.log_sigma = self.add_weight(name="log_sigma", shape=shape, initializer="zeros", dtype="float32")

    def batch_log_sigma(self, x, reconstruction):
        """log sigma for a batch of images and their reconstructions: a scalar; (values of an image,) for "pixels"."""
        if self.sigma == "data":
            variance = ops.var(ops.cast(x, "float32"))
            return 0.5 * ops.log(ops.maximum(variance, math.exp(2 * self.lowest)))
        if self.sigma in ("learned", "pixels"):
            return self.trained_log_sigma()
        pixels = math.prod(self.image_shape)
        mse = ops.mean(losses.squared_error(x, reconstruction)) / pixels
        # an error of 0 has no logarithm; the limit makes nothing of it anyway
        return softly_above(0.5 * ops.log(ops.maximum(mse, 1e-30)), self.lowest)

    def trained_log_sigma(self):
        """What "learned" or "pixels" trains, as the loss sees it: a scalar, or (values of an image,)."""
        value = ops.convert_to_tensor(self.log_sigma)
        return value if self.lowest is None else softly_above(value, self.lowest)

    def terms(self, x, outputs):
        terms = super().terms(x, outputs)
        log_sigma = self.batch_log_sigma(x, outputs["reconstruction"])
        nll = losses.gaussian_nll(x, outputs["reconstruction"], log_sigma)
        return {**terms, "nll": nll, "sigma": ops.exp(ops.mean(log_sigma))}

    def term_weights(self):
        return {"kl": self.beta, "nll": 1.0}

    def update_schedule(self, means):
        self.batches.assign(self.batches + 1.0)
        share = ops.maximum(1.0 / self.batches, 0.0 if self.sigma == "data" else 0.01)
        new = ops.stop_gradient(ops.square(means["sigma"]))
        self.variance.assign(self.variance + share * (new - self.variance))

    def observation(self):
        if self.sigma in ("learned", "pixels"):
            sigma = np.exp(ops.convert_to_numpy(self.trained_log_sigma()))
            return "gaussian", sigma if sigma.ndim else float(sigma)
        return "gaussian", math.sqrt(float(ops.convert_to_tensor(self.variance)))


def softly_above(value, lowest):
    """`value` where it is well above `lowest`, `lowest` where it is well below, smooth in between."""
    return lowest + ops.softplus(value - lowest)
