"""beta-VAE with a linear warm-up of the KL weight."""

import keras

from green_vae.models.gaussian_vae import GaussianVAE
from green_vae.models.warm_up import WarmUp


@keras.saving.register_keras_serializable(package="green_vae")
class BetaVAE(WarmUp, GaussianVAE):
    """beta-VAE: loss = mean over the batch of  1/2 SSE + w beta KL, w rising linearly from 0 to 1.

    Source: Higgins et al. 2017; slides, beta-VAE on CelebA (beta 20, 10,000 warm-up steps).

    Args:
        beta, warmup_steps: as for `WarmUp`.
        image_shape, latent_dim, network, network_options, posterior, posterior_options, seed: as for `GaussianVAE`.
    """

    logged = ("reconstruction", "kl", "kl_weight")

    def __init__(self, *, image_shape=(32, 32, 3), latent_dim=128, network="cnn", beta=4.0, **shared):
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, beta=beta, **shared)

    def term_weights(self):
        return {"reconstruction": 0.5, "kl": self.kl_weight()}
