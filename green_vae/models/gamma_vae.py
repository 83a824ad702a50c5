"""VAE whose balance between reconstruction and KL is computed from the error."""

import math

import keras

from green_vae.models.gaussian_vae import GaussianVAE
from green_vae.models.layers import ComputedGamma
from green_vae.utils.arguments import check_factors

WATCH_THE_BOUND = 'watch the bound, monitor="val_elbo", mode="max"'


@keras.saving.register_keras_serializable(package="green_vae")
class ComputedGammaVAE(GaussianVAE):
    """VAE with computed gamma: loss = mean over the batch of  1/2 SSE / gamma + beta KL.

    gamma is the running average of the error per pixel, see `layers.ComputedGamma`; each batch is weighted
    by the gamma of the batches before it. Source: Asperti and Trentin 2020; survey, section on the balance, whose
    residual rows take beta = (2 side / latent_dim)^2; Split-VAE takes 8 or 3.

    The loss grows as gamma falls, although the model becomes better: the weight of the error grows. "elbo", logged
    beside it, is the evidence lower bound in nats per image, with gamma as the variance of a pixel and the whole KL: a
    quantity on one scale from the first epoch to the last, so `EarlyStopping("val_elbo", mode="max")`.

    Args: as for `VAE`; minimum as for `layers.ComputedGamma`. gamma starts at 1 and is saved with the weights.
    """

    logged = ("reconstruction", "kl", "gamma", "elbo")
    instead_of_loss = WATCH_THE_BOUND

    def __init__(
        self, *, image_shape=(32, 32, 3), latent_dim=64, network="resnet", beta=1.0, minimum="gamma", **shared
    ):
        check_factors(beta=beta)
        self.beta, self.minimum = beta, minimum
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, **shared)
        self.gamma = ComputedGamma(minimum=minimum, name="gamma")
        self.pixels = math.prod(self.image_shape)

    def terms(self, x, outputs):
        terms = super().terms(x, outputs)
        return {**terms, "elbo": self.gamma.bound(terms["reconstruction"], terms["kl"], self.pixels)}

    def term_weights(self):
        return {"reconstruction": 0.5 / self.gamma.value(), "kl": self.beta}

    def update_schedule(self, means):
        self.gamma.update(means["reconstruction"] / self.pixels)

    def schedule_state(self):
        return {"gamma": self.gamma.value()}

    def observation(self):
        return "gaussian", math.sqrt(float(self.gamma.value()))
