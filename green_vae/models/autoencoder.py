"""Plain autoencoder: a deterministic code and the squared error."""

import keras

from green_vae.models import losses
from green_vae.models.base import VAE


@keras.saving.register_keras_serializable(package="green_vae")
class Autoencoder(VAE):
    """Deterministic autoencoder: loss = mean over the batch of 1/2 SSE.

    It has one head, "z", and no prior: to generate, fit a sampler on its codes (`ScalarGaussian`, `GaussianMixture`).
    Source: Boon 2023, Table 1, first row; survey, section on regularised autoencoders, as the unregularised case.

    Args and input as for `VAE`, without beta. Output of a call: "z" and "reconstruction".
    """

    heads = ("z",)
    logged = ("reconstruction",)
    variational = False

    def __init__(self, image_shape=(32, 32, 3), latent_dim=128, network="cnn", network_options=None, **kwargs):
        super().__init__(image_shape, latent_dim, network, network_options, **kwargs)

    def infer(self, posterior, training):
        return {"z": posterior["z"], "reconstruction": self.decoder(posterior["z"], training=training)}

    def terms(self, x, outputs):
        return {"reconstruction": losses.squared_error(x, outputs["reconstruction"])}

    def term_weights(self):
        return {"reconstruction": 0.5}

    def without_noise(self, x):
        return self.decoder(self.encoder(x, training=False)["z"], training=False)

    def latent_moments(self, x, batch_size=100, draws=50, seed=0):
        """Raises:
        ValueError: always; there is no posterior.
        """
        raise ValueError(f"a deterministic model has no posterior. Received: {type(self).__name__}")

    def encode(self, x, sample=False, seed=0, batch_size=100):
        """Codes of images, float32 (n, latent_dim); `sample` and `seed` change nothing: there is no noise."""
        return self.posterior(x, batch_size)["z"]

    def new_codes(self, n, sampler=None, seed=0, temperature=1.0):
        """n codes from a fitted sampler.

        Raises:
            ValueError: no sampler; this model has no prior.
        """
        if sampler is None:
            hint = "ScalarGaussian().fit(model.encode(images))"
            raise ValueError(f"{type(self).__name__} has no prior; fit a sampler first, say {hint}. Received: None")
        return super().new_codes(n, sampler, seed, temperature)

    def get_config(self):
        config = super().get_config()
        for name in ("beta", "posterior", "posterior_options"):
            del config[name]
        return config
