"""Plain autoencoder: a deterministic code and the squared error."""

import keras

from green_vae.models import losses
from green_vae.models.base import BaseVAE


@keras.saving.register_keras_serializable(package="green_vae")
class Autoencoder(BaseVAE):
    """Deterministic autoencoder: loss = mean over the batch of 1/2 SSE.

    It has one head, "z", and no prior: to generate, fit a sampler on its codes (`ScalarGaussian`, `GaussianMixture`).
    Source: Boon 2023, Table 1, first row; survey, section on regularised autoencoders, as the unregularised case.

    Args, input and output as for `BaseVAE`.
    """

    heads = ("z",)
    logged = ("reconstruction",)
    variational = False

    def __init__(self, *, image_shape=(32, 32, 3), latent_dim=128, network="cnn", **shared):
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, **shared)

    def infer(self, posterior, sample, training):
        return {"z": posterior["z"], "reconstruction": self.decoder(posterior["z"], training=training)}

    def terms(self, x, outputs):
        return {"reconstruction": losses.squared_error(x, outputs["reconstruction"])}

    def term_weights(self):
        return {"reconstruction": 0.5}

    def latent_moments(self, x, batch_size=100, draws=50, seed=0):
        """Raises:
        ValueError: always; there is no posterior.
        """
        raise ValueError(f"a deterministic model has no posterior. Received: {type(self).__name__}")

    def encode(self, x, sample=False, seed=0, batch_size=100):
        """Codes of images, float32 (n, latent_dim); `sample` and `seed` change nothing: there is no noise."""
        return self.posterior(x, batch_size)["z"]

    def draw(self, n, seed=0, temperature=1.0):
        """Raises:
        ValueError: always; there is no prior, and new codes come from a fitted sampler.
        """
        hint = "ScalarGaussian().fit(model.encode(images))"
        there_is = f", or take one that came with it: {', '.join(self.shipped)}" if self.shipped else ""
        own = f"{type(self).__name__} has no prior; fit a sampler first, say {hint}{there_is}"
        raise ValueError(f"{own}. Received: None")
