"""The review's VAE: the whole squared error, and a KL divergence as it should be or as it was run."""

import keras
from keras import ops

from green_vae.models.gaussian_vae import GaussianVAE
from green_vae.utils.arguments import check_factors

DIVERGENCES = ("exact", "published")


@keras.saving.register_keras_serializable(package="green_vae")
class ReviewVAE(GaussianVAE):
    """VAE with the loss  mean over the batch of  SSE + beta kl,  kl one of, per latent unit of mean m and deviation s,

    * "exact": the KL divergence from the prior, (m^2 + s^2 - 1) / 2 - log s;
    * "published": m^2 + s^2 - log s - 1/2, as in the review and its code. That is 2 KL + log s + 1/2. It is least at
      m = 0 and s = 1 / sqrt(2), with the value log(2) / 2. So an unused unit settles at half the prior's variance.

    Logged raw: "reconstruction" (SSE) and "kl", the exact one; with "published" also "kl_published", which alone is
    weighted then. Source: Chakravarthy 2022, sections on the loss and the implementation.

    Args:
        image_shape, latent_dim, network, network_options, beta, seed: as for `VAE`.
        kl: "exact" or "published".

    Raises:
        ValueError: an unknown kl, or the published one, which is of a Gaussian, with a flow.
    """

    kept_as = {**GaussianVAE.kept_as, "kl": "divergence"}  # `kl` computes it

    def __init__(self, *, image_shape=(32, 32, 3), latent_dim=256, network="mlp", beta=1.0, kl="exact",
                 posterior="gaussian", **shared):  # fmt: skip
        if kl not in DIVERGENCES:
            raise ValueError(f"kl must be one of {', '.join(DIVERGENCES)}. Received: {kl!r}")
        if kl == "published" and posterior != "gaussian":
            raise ValueError(f"kl='published' is that of a Gaussian posterior. Received: posterior={posterior!r}")
        check_factors(beta=beta)
        self.beta, self.divergence = beta, kl  # before super().__init__, which asks for what is logged
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, posterior=posterior, **shared)

    @property
    def logged(self):
        names = ("reconstruction", "kl")
        return (*names, "kl_published") if self.divergence == "published" else names

    def terms(self, x, outputs):
        terms = super().terms(x, outputs)
        if self.divergence == "published":
            terms["kl_published"] = published_kl(outputs["mean"], outputs["log_var"])
        return terms

    def term_weights(self):
        return {"reconstruction": 1.0, "kl" if self.divergence == "exact" else "kl_published": self.beta}


def published_kl(mean, log_var):
    """m^2 + s^2 - log s - 1/2, summed over units; (batch, d) twice -> (batch,)."""
    mean, log_var = ops.cast(mean, "float32"), ops.cast(log_var, "float32")
    return ops.sum(ops.square(mean) + ops.exp(log_var) - 0.5 * log_var - 0.5, axis=-1)
