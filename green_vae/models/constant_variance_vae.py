"""CV-VAE: the variance of the posterior is a constant, so that the encoder learns the mean alone."""

import math

import keras
from keras import layers

from green_vae.models.vae import VAE


@keras.saving.register_keras_serializable(package="green_vae")
class ConstantVarianceVAE(VAE):
    """CV-VAE: loss = mean over the batch of  1/2 SSE + beta KL(N(mu, sigma^2 I) || N(0, I)),  sigma a constant.

    The KL is 1/2 ||mu||^2 plus a constant, which the logged KL includes. So this is an autoencoder whose codes get
    noise before they are decoded, and are pulled to 0 as those of the RAE are. To first order in sigma, the noise adds
    sigma^2 / 2 times the squared Frobenius norm of the decoder's Jacobian to the error. The gradient penalty of an RAE
    stands for this term.
    Source: Ghosh et al. 2020, section 3; survey, section on RAE, equations 15 to 17 (see the errata for a factor 1/2).

    Args:
        sigma: standard deviation of the posterior, above 0; 0.7 in the code of Ghosh et al.
        beta: of the KL; theirs is 0.0195 for MNIST in units of this loss.
        image_shape, latent_dim, network, network_options, posterior, posterior_options, seed: as for `VAE`.

    Output of a call: as for `VAE`, "log_var" the same everywhere.

    Raises:
        ValueError: a sigma that is not positive.
    """

    def __init__(self, *, sigma=0.7, beta=0.0195, **shared):
        if not sigma > 0:
            raise ValueError(f"sigma is a standard deviation, above 0. Received: {sigma}")
        self.sigma = sigma
        super().__init__(beta=beta, **shared)

    def build_networks(self):
        encoder, decoder = super().build_networks()
        # a layer of the mean's shape; the head that it takes the place of is no part of this network any more
        constant = layers.Rescaling(0.0, 2 * math.log(self.sigma), dtype="float32", name="constant_log_var")
        heads = {**encoder.output, "log_var": constant(encoder.output["mean"])}
        return keras.Model(encoder.input, heads, name=encoder.name), decoder
