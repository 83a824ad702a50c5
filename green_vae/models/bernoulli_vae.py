"""VAE with a Bernoulli likelihood of the pixels."""

import keras

from green_vae.models import losses
from green_vae.models.beta_vae import BetaVAE


@keras.saving.register_keras_serializable(package="green_vae")
class BernoulliVAE(BetaVAE):
    """VAE or beta-VAE with binary cross-entropy: loss = mean over the batch of  cross-entropy + w beta KL, w rising
    linearly from 0 to 1.

    The raw "reconstruction" is the cross-entropy, summed over pixels, in nats. Grey values are taken as probabilities,
    for which it is never 0. Source: slides, linear VAE on MNIST (beta 1) and beta-VAE on CelebA (beta 20, 10,000
    warm-up steps), where both cross-entropies are given with the roles of image and reconstruction exchanged.

    Args: as for `BetaVAE`, beta 1 by default.
    """

    def __init__(self, *, image_shape=(28, 28, 1), latent_dim=8, network="mlp", beta=1.0, **shared):
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, beta=beta, **shared)

    def terms(self, x, outputs):
        return {**super().terms(x, outputs), "reconstruction": losses.bernoulli_nll(x, outputs["reconstruction"])}

    def term_weights(self):
        return {**super().term_weights(), "reconstruction": 1.0}

    def observation(self):
        return "bernoulli", None
