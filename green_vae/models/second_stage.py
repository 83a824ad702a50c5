"""The second VAE of a two-stage VAE: it learns the distribution of the first one's latent codes."""

import math

import keras
import numpy as np
from keras import layers, ops

from green_vae.models import losses
from green_vae.models.gaussian_vae import GaussianVAE
from green_vae.models.layers import ComputedGamma
from green_vae.models.streams import gathered
from green_vae.networks.common import latent_heads
from green_vae.utils.arguments import check_factors, whole

RECONSTRUCTIONS = ("cosine", "cosine_and_error", "squared_error", "gaussian", "computed_gamma")
ERROR_WEIGHT = 0.0005  # of the error beside the cosine, in the survey's earlier code


@keras.saving.register_keras_serializable(package="green_vae")
class SecondStageVAE(GaussianVAE):
    """VAE on vectors: dense layers with a skip from the input to the heads, in encoder and decoder alike.

    * "cosine" (the survey): loss = mean over the batch of  -cos(z, z_hat) + beta KL. The survey's last code adds the
      cosine with a plus sign, which drives the vectors apart; the minus sign here is that of its earlier code.
    * "cosine_and_error" (the survey's earlier code for Resnets): loss = mean over the batch of
      -cos(z, z_hat) + 0.0005 * 1/2 ||z - z_hat||^2 / gamma + beta KL, gamma the running average of the error of one
      number, which never rises (`layers.ComputedGamma`). The encoder's last hidden layer is linear.
    * "squared_error": loss = mean over the batch of  1/2 ||z - z_hat||^2 / d + beta KL, d numbers of a vector. Where
      both vectors have the length sqrt(d), as most draws of N(0, I) nearly do, the error is 1 - cos(z, z_hat).
    * "gaussian" (Dai and Wipf 2019): loss = mean over the batch of  -log N(z | z_hat, gamma^2) + beta KL, log gamma a
      trained scalar.
    * "computed_gamma" (Asperti and Trentin 2020): loss = mean over the batch of  1/2 ||z - z_hat||^2 / gamma + beta KL,
      gamma the running average of the error of one number, which never rises (`layers.ComputedGamma`). It is the same
      likelihood, whose variance is computed instead of trained; the logarithm of gamma has no gradient, and is left
      out.

    Args:
        latent_dim: size of the vectors; the second latent space has the same size (Dai and Wipf 2019, section 4).
        reconstruction: one of `RECONSTRUCTIONS`.
        widths: of the hidden layers; (1536, 1536) in the survey, (1024, 1024, 1024) in Dai and Wipf, (2048, 2048, 2048)
            in Asperti and Trentin for CIFAR-10.
        beta: weight of the KL, 0.005 in the survey for the cosine, 0.0075 in its earlier code, 1 for the likelihoods.
        posterior, posterior_options, seed, name, dtype: as for `GaussianVAE`.

    Input of a call: (batch, latent_dim). Raises ValueError for an unknown reconstruction.
    """

    axes = 1

    def __init__(self, *, latent_dim=64, reconstruction="cosine", widths=(1536, 1536), beta=0.005, posterior="gaussian",
                 posterior_options=None, seed=None, name=None, dtype=None):  # fmt: skip
        if reconstruction not in RECONSTRUCTIONS:
            raise ValueError(f"reconstruction must be one of {RECONSTRUCTIONS}. Received: {reconstruction!r}")
        check_factors(beta=beta)
        latent_dim = whole(latent_dim, "latent_dim")
        self.widths, self.reconstruction, self.beta = tuple(widths), reconstruction, beta
        super().__init__(image_shape=(latent_dim,), latent_dim=latent_dim, posterior=posterior,
                         posterior_options=posterior_options, seed=seed, name=name, dtype=dtype)  # fmt: skip
        self.log_gamma = self.gamma = None
        if reconstruction == "gaussian":
            self.log_gamma = self.add_weight(name="log_gamma", shape=(), initializer="zeros", dtype="float32")
        minimum = {"computed_gamma": "average", "cosine_and_error": "gamma"}.get(reconstruction)
        if minimum:
            self.gamma = ComputedGamma(minimum=minimum, name="gamma")

    @property
    def logged(self):
        more = {"computed_gamma": ("gamma",), "cosine_and_error": ("error", "gamma")}
        return ("reconstruction", "kl", *more.get(self.reconstruction, ()))

    @property
    def instead_of_loss(self):
        return "watch the error, val_reconstruction" if self.reconstruction == "computed_gamma" else None

    def build_networks(self):
        last = "linear" if self.reconstruction == "cosine_and_error" else "relu"
        encoder = _dense_with_skip(self.latent_dim, self.widths, self.heads, "encoder", last)
        decoder = _dense_with_skip(self.latent_dim, self.widths, ("z",), "decoder")
        return encoder, keras.Model(decoder.input, decoder.output["z"], name="decoder")

    def terms(self, x, outputs):
        terms = super().terms(x, outputs)
        if self.reconstruction == "cosine_and_error":
            terms["error"] = terms["reconstruction"]
        if self.reconstruction in ("cosine", "cosine_and_error"):
            terms["reconstruction"] = -losses.cosine_similarity(x, outputs["reconstruction"])
        elif self.reconstruction == "gaussian":
            log_gamma = ops.convert_to_tensor(self.log_gamma)
            terms["reconstruction"] = losses.gaussian_nll(x, outputs["reconstruction"], log_gamma)
        return terms

    def term_weights(self):
        if self.reconstruction == "cosine_and_error":
            return {"reconstruction": 1.0, "error": 0.5 * ERROR_WEIGHT / self.gamma.value(), "kl": self.beta}
        weight = 0.5 / self.latent_dim if self.reconstruction == "squared_error" else 1.0
        weight = weight if self.gamma is None else 0.5 / self.gamma.value()
        return {"reconstruction": weight, "kl": self.beta}

    def error_weight(self, length):
        """w, such that the loss is 1/2 w ||z - z_hat||^2 + beta KL, or near that, for z and z_hat of squared `length`.

        The cosine of two vectors of one length is 1 less half the squared error of the unit vectors.
        """
        weights = {"squared_error": 1 / self.latent_dim, "cosine": 1 / length}
        if self.reconstruction in weights:
            return weights[self.reconstruction]
        if self.log_gamma is not None:
            return math.exp(-2 * float(ops.convert_to_tensor(self.log_gamma)))
        weight = 1 / float(self.gamma.value())
        return weight if self.reconstruction == "computed_gamma" else 1 / length + ERROR_WEIGHT * weight

    def update_schedule(self, means):
        if self.gamma is not None:
            error = means["error" if self.reconstruction == "cosine_and_error" else "reconstruction"]
            self.gamma.update(error / self.latent_dim)

    def schedule_state(self):
        return {} if self.gamma is None else {"gamma": self.gamma.value()}

    def observation(self):
        if self.reconstruction == "computed_gamma":
            return "gaussian", math.sqrt(float(self.gamma.value()))
        return None if self.log_gamma is None else ("gaussian", math.exp(float(ops.convert_to_tensor(self.log_gamma))))

    def check(self, x):
        x = gathered(x, self.image_shape)
        shape, dtype = tuple(x.shape), ops.convert_to_numpy(x[:0]).dtype
        if len(shape) != 2 or shape[1] != self.latent_dim or not shape[0]:
            raise ValueError(f"expected vectors of shape (n, {self.latent_dim}), n > 0. Received: shape {shape}")
        if not np.issubdtype(dtype, np.floating):  # bytes would be taken for pixels
            raise ValueError(f"expected float vectors. Received: dtype {dtype}")
        if not np.isfinite(ops.convert_to_numpy(x)).all():
            raise ValueError("expected finite vectors. Received: NaN or infinity")
        return x


def _dense_with_skip(dim, widths, heads, name, last="relu"):
    """`last` is the activation of the last hidden layer."""
    x = vector = keras.Input((dim,), name="vector")
    for index, width in enumerate(widths, 1):
        x = layers.Dense(width, activation=last if index == len(widths) else "relu")(x)
    x = layers.Concatenate()([x, vector])
    return keras.Model(vector, latent_heads(x, dim, heads), name=name)
