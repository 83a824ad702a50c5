"""InfoVAE: a maximum mean discrepancy, and not the KL alone, pulls the aggregate posterior to the prior."""

import keras
from keras import ops

from green_vae.models.gaussian_vae import GaussianVAE


@keras.saving.register_keras_serializable(package="green_vae")
class InfoVAE(GaussianVAE):
    """MMD InfoVAE: loss = mean over the batch of SSE + (1 - alpha) KL', plus (alpha + lambda - 1) MMD^2.

    MMD^2 is `squared_mmd` between the codes of the batch and as many draws from N(0, I), so it depends on the batch
    size: even for codes that are normal it is about `mmd_floor(batch, d)`. KL' is the KL summed over units for
    kl="sum", as Zhao, Song, Ermon 2018 have it: then alpha 0 and lambda 1 are the VAE, and alpha + lambda = 1 is a
    beta-VAE. For kl="mean" it is the KL / d, as in the ResLag study, which with its alpha of 1 is no difference. Under
    several replicas each takes its own part of the batch.
    Source: Zhao, Song, Ermon 2018, equation 6; Boon 2023, Table 1, which clips the norm of the gradient at 0.3.

    Logged raw: "reconstruction" (squared error), "kl" (summed over units), "mmd" (MMD^2).

    Args:
        image_shape, latent_dim, network, network_options, seed, posterior, posterior_options: as for `GaussianVAE`.
        alpha: 1 minus the weight of the KL.
        lambda_: of the paper; its weight on MMD^2 is alpha + lambda - 1.
        kl: "mean" or "sum" over units, in the loss; the logged one is always the sum.

    Raises:
        ValueError: another kl.

    Output of a call: as for `GaussianVAE`, and "prior", the draws from N(0, I), (batch, latent_dim).
    """

    logged = ("reconstruction", "kl", "mmd")
    whole_batch = "the maximum mean discrepancy is one"

    kept_as = {**GaussianVAE.kept_as, "kl": "kl_over_units"}  # `kl` computes it

    def __init__(self, *, image_shape=(28, 28, 1), latent_dim=5, network="cnn", alpha=1.0, lambda_=500.0, kl="mean",
                 **shared):  # fmt: skip
        if kl not in ("mean", "sum"):
            raise ValueError(f"kl must be mean or sum, over latent units. Received: {kl!r}")
        self.alpha, self.lambda_, self.kl_over_units = alpha, lambda_, kl
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, **shared)

    def infer(self, posterior, sample, training):
        outputs = super().infer(posterior, sample, training)
        zeros = ops.zeros_like(outputs["z"])
        return {**outputs, "prior": sample(zeros, zeros)}

    def terms(self, x, outputs):
        return {**super().terms(x, outputs), "mmd": squared_mmd(outputs["z"], outputs["prior"])}

    def term_weights(self):
        units = self.latent_dim if self.kl_over_units == "mean" else 1
        weights = {"kl": (1.0 - self.alpha) / units, "mmd": self.alpha + self.lambda_ - 1.0}
        return {"reconstruction": 1.0, **{name: weight for name, weight in weights.items() if weight}}


def mean_kernel(x, y):
    """Mean over all pairs of exp(-||x_i - y_j||^2 / d^2), one Gaussian kernel; (n, d) and (m, d) -> a scalar."""
    x, y = ops.cast(x, "float32"), ops.cast(y, "float32")
    distance = ops.sum(ops.square(x[:, None] - y[None]), axis=-1)
    return ops.mean(ops.exp(-distance / x.shape[-1] ** 2))


def squared_mmd(x, y):
    """Squared maximum mean discrepancy, the biased estimate (pairs of a point with itself count); a scalar.

    The kernel is that of the InfoVAE authors' tutorial, `mean_kernel`.

    Args:
        x, y: (n, d) and (m, d).
    """
    return mean_kernel(x, x) + mean_kernel(y, y) - 2.0 * mean_kernel(x, y)


def mmd_floor(n, d):
    """What `squared_mmd` is on average for two sets of n draws from N(0, I) in d dimensions."""
    return 2.0 * (1.0 - (1.0 + 4.0 / d**2) ** (-d / 2)) / n
