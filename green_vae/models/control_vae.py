"""VAE whose KL is steered to a set value by a controller of its weight."""

import keras
from keras import ops

from green_vae.models.gaussian_vae import GaussianVAE


@keras.saving.register_keras_serializable(package="green_vae")
class KLController(keras.layers.Layer):
    """A nonlinear PI controller of the KL's weight: w = lowest + Kp / (1 + exp(e)) - Ki (e_1 + ... + e_t), kept between
    `lowest` and `highest`, for the error e = target - KL of every minibatch (Shao et al. 2020, equation 8).

    A KL above the target raises the weight, and one below lowers it. Where the weight would leave its limits, the sum
    is cut so that the weight just reaches them; so it comes back at once when the error changes its sign. In the paper
    the sum rests as long as the weight is outside, and the condition for that in its released code is never true.

    The sum (times -Ki) and the weight are saved, carry no gradient, and are averaged over replicas.

    Args:
        target: the KL to be reached, nats.
        proportional: Kp. integral: Ki, for each minibatch.
        lowest, highest: limits of the weight, which starts at the lowest.

    Raises:
        ValueError: a target that is not positive, a negative factor, or limits that are no interval of weights.
    """

    def __init__(self, target, proportional=0.01, integral=1e-4, lowest=0.0, highest=1.0, **kwargs):
        super().__init__(**kwargs)
        if not target > 0:
            raise ValueError(f"the KL to be reached is a positive number of nats. Received: {target}")
        if min(proportional, integral) < 0 or not 0 <= lowest < highest:
            received = f"proportional={proportional}, integral={integral}, lowest={lowest}, highest={highest}"
            raise ValueError(f"factors are not negative, and 0 <= lowest < highest. Received: {received}")
        self.target, self.proportional, self.integral = target, proportional, integral
        self.lowest, self.highest = lowest, highest
        state = {"shape": (), "trainable": False, "dtype": "float32", "aggregation": "mean"}
        self.total = self.add_weight(name="total", initializer="zeros", **state)
        self.weight = self.add_weight(name="kl_weight", initializer=keras.initializers.Constant(lowest), **state)
        self.built = True

    def value(self):
        """The weight as a tensor without gradient: that of the batches before this one, if read before `update`."""
        return ops.stop_gradient(ops.convert_to_tensor(self.weight))

    def update(self, kl):
        """Take in the KL of one minibatch, in nats."""
        error = self.target - ops.stop_gradient(ops.cast(kl, "float32"))
        now = self.lowest + self.proportional * ops.sigmoid(-error)
        weight = ops.clip(now + self.total - self.integral * error, self.lowest, self.highest)
        self.total.assign(weight - now)
        self.weight.assign(weight)

    def get_config(self):
        names = ("target", "proportional", "integral", "lowest", "highest")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="green_vae")
class ControlVAE(GaussianVAE):
    """ControlVAE: loss = mean over the batch of  1/2 SSE + w KL, w moved by a `KLController` towards a KL that is set.

    Each batch is weighted by the w that the batches before it have led to; in the released code its own KL counts, too,
    and the error is SSE without the 1/2, so that a w there is twice one here. Source: Shao et al. 2020, "ControlVAE:
    Controllable Variational Autoencoder", whose code for images takes Kp = 0.01 and Ki = 1e-4 with limits of 0 and 1.

    Args:
        target_kl: the KL to be reached, nats for an image.
        proportional, integral, lowest, highest: as for `KLController`.
        image_shape, latent_dim, network, network_options, posterior, posterior_options, seed: as for `GaussianVAE`.

    Raises:
        ValueError: as `KLController` and `GaussianVAE`.
    """

    logged = ("reconstruction", "kl", "kl_weight")
    instead_of_loss = "watch the error at the KL that is asked for, val_reconstruction"

    def __init__(self, *, image_shape=(32, 32, 3), latent_dim=128, network="cnn", target_kl=50.0, proportional=0.01,
                 integral=1e-4, lowest=0.0, highest=1.0, **shared):  # fmt: skip
        self.target_kl, self.proportional, self.integral = target_kl, proportional, integral
        self.lowest, self.highest = lowest, highest
        super().__init__(image_shape=image_shape, latent_dim=latent_dim, network=network, **shared)
        self.controller = KLController(target_kl, proportional, integral, lowest, highest, name="controller")

    def term_weights(self):
        return {"reconstruction": 0.5, "kl": self.controller.value()}

    def update_schedule(self, means):
        self.controller.update(means["kl"])

    def schedule_state(self):
        return {"kl_weight": self.controller.value()}
