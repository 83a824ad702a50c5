"""The linear warm-up of a KL's weight, which several kinds of model have."""

import warnings

from keras import ops

from green_vae.utils.arguments import check_factors


class WarmUp:
    """Mixed in before a `BaseVAE`: a KL whose weight rises linearly from 0 to beta.

    Args:
        beta: final weight of the KL.
        warmup_steps: training batches until the weight is reached; 0 for none. The counter is saved with the weights.
    """

    def __init__(self, *, beta, warmup_steps=0, **shared):
        check_factors(beta=beta, warmup_steps=warmup_steps)
        super().__init__(**shared)
        self.beta, self.warmup_steps = beta, warmup_steps
        self.steps = self.add_weight(
            name="steps", shape=(), initializer="zeros", trainable=False, dtype="float32", aggregation="mean"
        )

    @property
    def instead_of_loss(self):
        if self.warmup_steps:
            return f"watch it after {self.warmup_steps} steps (start_from_epoch), when the warm-up is over"
        return None

    def risen(self):
        """How much of the way is gone: from 0 at the first batch to 1 after `warmup_steps`."""
        if not self.warmup_steps:
            return ops.convert_to_tensor(1.0)
        return ops.minimum(1.0, ops.convert_to_tensor(self.steps) / self.warmup_steps)

    def check_risen(self):
        """Warn if a training has ended before the warm-up. A shorter schedule does not shorten it."""
        done = int(ops.convert_to_numpy(self.steps))
        if done < self.warmup_steps:
            far = f"the warm-up has only gone {done / self.warmup_steps:.0%} of its way"
            told = f"it takes {self.warmup_steps:,} steps, however long the training is. Received: {done:,} steps"
            warnings.warn(f"{far}: {told}", stacklevel=3)

    def kl_weight(self):
        return self.beta * self.risen()

    def update_schedule(self, means):
        self.steps.assign(self.steps + 1.0)

    def schedule_state(self):
        return {"kl_weight": self.kl_weight()}
