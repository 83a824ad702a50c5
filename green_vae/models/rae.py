"""Regularised autoencoders (Ghosh et al. 2020), as the survey configures them."""

import keras
from keras import ops

from green_vae.models import losses
from green_vae.models.autoencoder import Autoencoder
from green_vae.models.train_step import decode_with_gradient

REGULARIZERS = ("l2", "gp", "sn")


@keras.saving.register_keras_serializable(package="green_vae")
class RAE(Autoencoder):
    """Deterministic autoencoder whose codes and decoder are regularised instead of noised.

    loss = mean over the batch of  1/2 SSE + latent_weight * 1/2 sum z^2 + regulariser, with one of

    * "l2": 1e-6 * sum of squared kernels of the stride-2 transposed convolutions;
    * "gp": 1e-6 * sum over latent units i of (d/dz_i of the sum over pixels of decoder(z)^2)^2;
    * "sn": spectral normalisation of every layer of the decoder (no term in the loss).

    Source: Ghosh et al. 2020, section 3; survey, section on RAE, with its weights.

    Args:
        image_shape, latent_dim, network, network_options, seed: as for `Autoencoder`.
        regularizer: "l2", "gp" or "sn".
        latent_weight: weight of 1/2 sum z^2.
        regularizer_weight: weight of the regulariser; nothing to weigh for "sn".

    Raises:
        ValueError: an unknown regulariser.
    """

    def __init__(self, *, regularizer="l2", latent_weight=1e-3, regularizer_weight=1e-6, **shared):
        if regularizer not in REGULARIZERS:
            raise ValueError(f"regularizer must be one of {', '.join(REGULARIZERS)}. Received: {regularizer!r}")
        # before super().__init__, which builds the networks with them
        self.regularizer, self.latent_weight, self.regularizer_weight = regularizer, latent_weight, regularizer_weight
        super().__init__(**shared)

    @property
    def logged(self):
        names = ("reconstruction", "latent")
        return (*names, "gradient_penalty") if self.regularizer == "gp" else names

    def build_networks(self):
        own = {"l2": {"transposed_l2": self.regularizer_weight}, "gp": {}, "sn": {"spectral_norm": True}}
        return super().build_networks(**own[self.regularizer])

    def infer(self, posterior, sample, training):
        if self.regularizer != "gp":
            return super().infer(posterior, sample, training)
        images, gradient = decode_with_gradient(self.decoder, posterior["z"], training)
        return {"z": posterior["z"], "reconstruction": images, "gradient": gradient}

    def terms(self, x, outputs):
        terms = {**super().terms(x, outputs), "latent": losses.half_squared_norm(outputs["z"])}
        if "gradient" in outputs:
            terms["gradient_penalty"] = ops.sum(ops.square(ops.cast(outputs["gradient"], "float32")), axis=-1)
        return terms

    def term_weights(self):
        penalty = {"gradient_penalty": self.regularizer_weight} if self.regularizer == "gp" else {}
        return {**super().term_weights(), "latent": self.latent_weight, **penalty}
