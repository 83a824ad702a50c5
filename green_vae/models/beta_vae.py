"""beta-VAE with a linear warm-up of the KL weight."""

import keras
from keras import ops

from green_vae.models.base import VAE


@keras.saving.register_keras_serializable(package="green_vae")
class BetaVAE(VAE):
    """beta-VAE: loss = mean over the batch of  1/2 SSE + w beta KL, w rising linearly from 0 to 1.

    Source: Higgins et al. 2017; slides, beta-VAE on CelebA (beta 20, 10,000 warm-up steps).

    Args:
        image_shape, latent_dim, network, network_options, seed: as for `VAE`.
        beta: final weight of the KL term.
        warmup_steps: training batches until the weight is reached; 0 for none. The counter is saved with the weights.
    """

    logged = ("reconstruction", "kl", "kl_weight")

    def __init__(self, image_shape=(32, 32, 3), latent_dim=128, network="cnn", network_options=None, beta=4.0,
                 warmup_steps=0, **kwargs):  # fmt: skip
        super().__init__(image_shape, latent_dim, network, network_options, beta=beta, **kwargs)
        self.warmup_steps = warmup_steps
        self.steps = self.add_weight(
            name="steps", shape=(), initializer="zeros", trainable=False, dtype="float32", aggregation="mean"
        )

    def kl_weight(self):
        if not self.warmup_steps:
            return ops.convert_to_tensor(float(self.beta))
        return self.beta * ops.minimum(1.0, ops.convert_to_tensor(self.steps) / self.warmup_steps)

    def term_weights(self):
        return {"reconstruction": 0.5, "kl": self.kl_weight()}

    def update_schedule(self, means):
        self.steps.assign(self.steps + 1.0)

    def schedule_state(self):
        return {"kl_weight": self.kl_weight()}

    def get_config(self):
        return {**super().get_config(), "warmup_steps": self.warmup_steps}
