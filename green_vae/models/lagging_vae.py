"""VAE whose encoder is trained ahead of its decoder in the first epochs, against posterior collapse."""

import math

import keras
import numpy as np
from keras import ops

from green_vae.keras_internals import adam_moments, variable_index
from green_vae.models.codec import drawn
from green_vae.models.sigma_vae import SigmaVAE
from green_vae.models.train_step import Adam


@keras.saving.register_keras_serializable(package="green_vae")
class LaggingVAE(SigmaVAE):
    """sigma-VAE with aggressive training of the encoder: the loss is that of `SigmaVAE`.

    An aggressive epoch of ratio n is n passes over the training set. The first n - 1 move the encoder alone, the last
    one both networks, each by its own Adam; the statistics of the decoder's batch norm move in all. Afterwards every
    pass moves both. `green_vae.training.train` counts every PASS as an epoch, so that a training of E epochs, the first
    A of them aggressive, is `passes(E, A, ratio)` of its epochs. Fitted without it, the model is a `SigmaVAE`.

    With `falls` aggression ends sooner: I_q, the `mutual_information` of images and codes, is estimated on validation
    images after every aggressive epoch, and at the `falls`-th that is below the best before it aggression is over
    (1 in the authors' code for text, 5 in that for images).

    Source: He, Spokoyny, Neubig, Berg-Kirkpatrick 2019, Lagging inference networks, whose inner loop goes on until the
    loss of a window of minibatches rises; Boon 2023, who keeps the ratio only.

    Logged: as `SigmaVAE`, "joint" (whether the decoder moved), and with `falls` "information", in nats.

    Args:
        image_shape, latent_dim, network, network_options, beta, seed, posterior, posterior_options, sigma: as for
            `SigmaVAE`; sigma is "data" here, as in the study.
        ratio: passes in an aggressive epoch, 1 for none.
        aggressive_epochs: how many, at most.
        falls: of the mutual information that end them, None for no such test. Not with a flow: the information is
            that of the Gaussian draws, which a flow bends by what the image says.

    Attributes:
        aggressive_left, turn, joint, best_information, fallen: state of the schedule, saved with the weights.

    Raises:
        ValueError: a ratio or number of falls below 1, or falls with a flow.
    """

    logged = (*SigmaVAE.logged, "joint")

    def __init__(self, *, latent_dim=5, network="boon", sigma="data", ratio=3, aggressive_epochs=5, falls=None,
                 **shared):  # fmt: skip
        if ratio < 1 or (falls is not None and falls < 1):
            raise ValueError(f"ratio and falls are at least 1. Received: ratio={ratio}, falls={falls}")
        super().__init__(latent_dim=latent_dim, network=network, sigma=sigma, **shared)
        if falls is not None and self.flow is not None:
            why = "the mutual information of images and codes is not known with a flow; take falls=None"
            raise ValueError(f"{why}. Received: falls={falls}, posterior={self.posterior_name!r}")
        self.ratio, self.aggressive_epochs, self.falls = ratio, aggressive_epochs, falls
        starts = {"aggressive_left": aggressive_epochs, "turn": 0, "joint": 1, "best_information": -1e4, "fallen": 0}
        for name, start in starts.items():
            make = keras.initializers.Constant(float(start))
            weight = self.add_weight(name=name, shape=(), initializer=make, trainable=False, dtype="float32")
            setattr(self, name, weight)

    def make_optimizer(self, **settings):
        leaders = {id(v) for part in (self.encoder, self.flow) if part is not None for v in part.trainable_variables}
        lags = [i for i, variable in enumerate(self.trainable_variables) if id(variable) not in leaders]
        return LaggingAdam(lags=lags, **settings)

    def begin_epoch(self):
        joint = not float(self.aggressive_left) > 0 or int(self.turn) == self.ratio - 1
        self.joint.assign(float(joint))
        self.optimizer.joint.assign(float(joint))

    def end_epoch(self, validation=None):
        if not float(self.aggressive_left) > 0:
            return {}
        self.turn.assign(float((int(self.turn) + 1) % self.ratio))
        if int(self.turn):
            return {}
        self.aggressive_left.assign(self.aggressive_left - 1.0)
        return self._watch_information(validation) if self.falls is not None else {}

    def _watch_information(self, validation):
        if validation is None:
            raise ValueError("the mutual information is measured on validation images; give some. Received: None")
        posterior = self.posterior(validation[:1000])
        noise = np.random.default_rng(0).standard_normal(posterior["mean"].shape)
        found = mutual_information(posterior["mean"], posterior["log_var"], noise)
        if found < float(self.best_information):
            self.fallen.assign(self.fallen + 1.0)
            if int(self.fallen) >= self.falls:
                self.aggressive_left.assign(0.0)
        else:
            self.best_information.assign(found)
        return {"information": found}

    def schedule_state(self):
        return {**super().schedule_state(), "joint": ops.convert_to_tensor(self.joint)}


def passes(epochs, aggressive_epochs, ratio):
    """Passes over the training set in so many epochs, the first of them aggressive."""
    return epochs + (ratio - 1) * min(aggressive_epochs, epochs)


def mutual_information(mean, log_var, noise):
    """I_q of images and codes in nats: E KL(q(z|x) || p(z)) - KL(q(z) || p(z)), at most log n.

    One code is drawn for each image, and the aggregate posterior q(z) is the mixture of the n posteriors.
    Source: He et al. 2019, section 4.2, and their code.

    Args:
        mean, log_var: of the posteriors, (n, d). noise: standard normal draws, (n, d).

    Returns:
        float; the terms in p(z) cancel.
    """
    z, mean, log_var = (np.asarray(part, "float64") for part in (drawn(mean, log_var, noise), mean, log_var))
    precision = np.exp(-log_var)
    constant = mean.shape[1] * math.log(2 * math.pi)
    # (code, posterior): sum over d of (z - mean)^2 / variance, by its three parts
    distance = z**2 @ precision.T - 2 * z @ (mean * precision).T + (mean**2 * precision).sum(axis=1)
    log_q = -0.5 * (distance + log_var.sum(axis=1) + constant)
    log_aggregate = np.logaddexp.reduce(log_q, axis=1) - math.log(len(mean))
    negative_entropy = -0.5 * (log_var + 1.0).sum(axis=1) - 0.5 * constant
    return float((negative_entropy - log_aggregate).mean())


def mean_information(mean, log_var, draws, seed=0):
    """The mean of `draws` estimates of `mutual_information`, each with codes of its own.

    One has a standard error of about sqrt(d / (2 n)) for d units and n images.
    """
    rng = np.random.default_rng(seed)
    found = [mutual_information(mean, log_var, rng.standard_normal(np.shape(mean))) for _ in range(draws)]
    return float(np.mean(found))


@keras.saving.register_keras_serializable(package="green_vae")
class LaggingAdam(Adam):
    """Two Adams in one: that of the variables in `lags` makes a step, and counts it, only where `joint` is 1.

    Args:
        lags: positions among the variables that it is built for; saved with the configuration.
        settings: of `Adam`.

    Attributes:
        joint: 1 or 0, to be assigned between epochs; saved with the rest of the state.
        joint_steps: steps that the lagging variables made; `iterations` are those of the others.
    """

    def __init__(self, lags=(), **settings):
        super().__init__(**settings)
        self.lags = frozenset(lags)

    def get_config(self):
        return {**super().get_config(), "lags": sorted(self.lags)}

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.joint = self.add_variable(shape=(), initializer="ones", name="joint")
        self.joint_steps = self.add_variable(shape=(), name="joint_steps")

    def apply(self, grads, trainable_variables=None):
        done = super().apply(grads, trainable_variables)
        self.joint_steps.assign(self.joint_steps + self.joint)
        return done

    def update_step(self, gradient, variable, learning_rate):
        index = variable_index(self, variable)
        if index not in self.lags:
            super().update_step(gradient, variable, learning_rate)
            return
        joint = ops.cast(self.joint, variable.dtype)
        first, second = adam_moments(self, index)
        step = ops.cast(self.joint_steps, variable.dtype) + 1.0
        gradient = ops.cast(gradient, variable.dtype)
        correction = ops.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        rate = joint * ops.cast(learning_rate, variable.dtype) * correction
        self.assign_add(first, joint * (1.0 - self.beta_1) * (gradient - first))
        self.assign_add(second, joint * (1.0 - self.beta_2) * (ops.square(gradient) - second))
        self.assign_sub(variable, rate * first / (ops.sqrt(second) + self.epsilon))
