"""VAE whose KL is led along a capacity that grows."""

import keras
from keras import ops

from green_vae.models.bernoulli_vae import BernoulliVAE


@keras.saving.register_keras_serializable(package="green_vae")
class CapacityVAE(BernoulliVAE):
    """VAE with a controlled capacity: loss = mean over the batch of  cross-entropy + beta |KL - C|.

    C rises linearly from 0 to `capacity` nats, and KL is the mean of the batch. Logged: "capacity", C, and
    "capacity_gap", |KL - C|. Under several replicas each takes the mean of its own part of the batch. Source: Burgess
    et al. 2018, "Understanding disentangling in beta-VAE", equation 8, whose gamma is `beta` here; the code of the
    ResLag study has it as an option of its beta-VAE.

    Args:
        beta: weight of the distance, 1000 in the paper.
        capacity: the last C in nats, 25 in the paper.
        warmup_steps: training batches until C is reached, 100,000 in the paper; 0 for C from the first step.
        image_shape, latent_dim, network, network_options, posterior, posterior_options, seed: as for `GaussianVAE`.

    Raises:
        ValueError: a negative capacity.
    """

    logged = ("reconstruction", "kl", "capacity", "capacity_gap")
    whole_batch = "the distance is that of the mean KL"

    def __init__(self, *, beta=1000.0, capacity=25.0, **shared):
        super().__init__(beta=beta, **shared)
        if not capacity >= 0:
            raise ValueError(f"a capacity of nats cannot be negative. Received: capacity={capacity}")
        self.capacity = capacity

    def capacity_now(self):
        """C of the next training batch, in nats."""
        return self.capacity * self.risen()

    def terms(self, x, outputs):
        terms = super().terms(x, outputs)
        return {**terms, "capacity_gap": ops.abs(ops.mean(terms["kl"]) - self.capacity_now())}

    def term_weights(self):
        return {"reconstruction": 1.0, "capacity_gap": self.beta}

    def schedule_state(self):
        return {"capacity": self.capacity_now()}
