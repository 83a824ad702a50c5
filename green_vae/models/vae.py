"""The plain VAE."""

import keras

from green_vae.models.gaussian_vae import GaussianVAE
from green_vae.utils.arguments import check_factors


@keras.saving.register_keras_serializable(package="green_vae")
class VAE(GaussianVAE):
    """Variational autoencoder:  loss = mean over the batch of  1/2 SSE + beta KL,  SSE the sum of squared errors over
    all pixels of one image.

    Source: Kingma and Welling 2014; survey, section 2; with beta = 0.024 and the "cnn" network it is the survey's
    CNN row.

    Args:
        beta: weight of the KL term.
        image_shape, latent_dim, network, network_options, posterior, posterior_options, seed: as for `GaussianVAE`.
    """

    def __init__(self, *, image_shape=(32, 32, 3), latent_dim=128, network="cnn", beta=1.0, **shared):
        check_factors(beta=beta)
        self.beta = beta
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, **shared)

    def term_weights(self):
        return {"reconstruction": 0.5, "kl": self.beta}
