"""VAE that pays for the KL of a group of latent units only above a free allowance."""

import keras
from keras import ops

from green_vae.models import losses
from green_vae.models.gaussian_vae import GaussianVAE
from green_vae.utils.arguments import check_factors


@keras.saving.register_keras_serializable(package="green_vae")
class FreeBitsVAE(GaussianVAE):
    """VAE with free bits: loss = mean over the batch of 1/2 SSE + beta sum over groups j of max(free_bits, KL_j).

    With likelihood="bernoulli" the cross-entropy stands in the place of 1/2 SSE, as in `BernoulliVAE`.

    KL_j is the batch mean of the KL of group j; the maximum is taken AFTER the mean, so that a group may be used for
    some images and not for others. A group is latent_dim / groups consecutive latent units; by default every unit is
    its own. Logged: "kl", plain, and "free_kl", the sum of the maxima, which alone is weighted. Under several replicas
    each takes the mean of its own part of the batch. Source: Kingma et al. 2016, free bits.

    Args:
        image_shape, latent_dim, network, network_options, seed, posterior, posterior_options: as for `GaussianVAE`.
        beta: weight of the KL.
        free_bits: the allowance in nats per group; 0.125 to 2 in the paper.
        groups: how many; None for latent_dim.
        likelihood: of the pixels: None for 1/2 SSE, or "bernoulli".

    Raises:
        ValueError: groups of unequal size, a negative allowance, or another likelihood.
    """

    logged = ("reconstruction", "kl", "free_kl")
    whole_batch = "the allowance is for the KL"

    def __init__(self, *, image_shape=(32, 32, 3), latent_dim=128, network="cnn", beta=1.0, free_bits=0.25, groups=None,
                 likelihood=None, **shared):  # fmt: skip
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, **shared)
        check_factors(beta=beta)
        self.beta = beta
        self.free_bits, self.groups = free_bits, latent_dim if groups is None else groups
        if likelihood not in (None, "bernoulli"):
            raise ValueError(f"likelihood is None or 'bernoulli'. Received: {likelihood!r}")
        self.likelihood = likelihood
        if self.groups < 1 or latent_dim % self.groups:
            raise ValueError(f"the {latent_dim} latent units do not fall into that many groups. Received: {groups}")
        if not free_bits >= 0:
            raise ValueError(f"an allowance of nats cannot be negative. Received: free_bits={free_bits}")

    def group_kl(self, outputs):
        """The KL of every group and example, (batch, groups)."""
        names = ("mean", "log_var") if self.flow is None else ("z", "log_q")
        rows = {name: ops.reshape(outputs[name], (-1, self.latent_dim // self.groups)) for name in names}
        return ops.reshape(self.kl(rows), (-1, self.groups))

    def terms(self, x, outputs):
        terms = super().terms(x, outputs)
        paid = ops.sum(ops.maximum(self.free_bits, ops.mean(self.group_kl(outputs), axis=0)))
        if self.likelihood:
            terms["reconstruction"] = losses.bernoulli_nll(x, outputs["reconstruction"])
        return {**terms, "free_kl": paid}

    def term_weights(self):
        return {"reconstruction": 1.0 if self.likelihood else 0.5, "free_kl": self.beta}

    def observation(self):
        return ("bernoulli", None) if self.likelihood else None
