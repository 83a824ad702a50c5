"""Small layers shared by the models."""

import math

import keras
import numpy as np
from keras import ops

from green_vae.networks.common import reparametrised
from green_vae.utils.corruption import parsed

MINIMA = ("gamma", "average", "none")  # of a computed gamma


class Noise(keras.layers.Layer):
    """What draws random numbers of float32, and saves the state of its generator.

    Keras by itself does not save it. So a resumed run draws the same noise as an uninterrupted one.
    """

    stream = 0  # layers of different streams draw other numbers from one seed

    def __init__(self, seed=None, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})  # else mixed precision would round mean and log_var first
        self.seed = seed
        self.generator = self._generator(seed)
        self.built = True  # no weights

    def _generator(self, seed):
        if self.stream and seed is not None:
            seed = int(np.random.SeedSequence((seed % 2**32, self.stream)).generate_state(1)[0])
        return keras.random.SeedGenerator(seed)

    def restart(self, seed):
        """Draw from now on what a fresh layer of that seed draws."""
        self.generator.state.assign(self._generator(seed).state)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["generator"] = np.asarray(ops.convert_to_numpy(self.generator.state.value))

    def load_own_variables(self, store):
        self.generator.state.assign(np.asarray(store["generator"]))

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="green_vae")
class GaussianSample(Noise):
    """z = mean + exp(log_var / 2) * noise, noise ~ N(0, I) (the reparametrisation of Kingma and Welling, 2014).

    Call arguments: mean and log_var, both (batch, *latent). Returns: z of that shape, float32.
    """

    def build(self, mean_shape, log_var_shape=None):
        pass  # no weights; the method tells Keras that there is nothing to build

    def call(self, mean, log_var):
        noise = keras.random.normal(ops.shape(mean), dtype="float32", seed=self.generator)
        return reparametrised(mean, log_var, noise)


@keras.saving.register_keras_serializable(package="green_vae")
class Corruption(Noise):
    """Damages images, as `utils.corruption.corrupted` does, with noise of its own.

    Args:
        how: "gaussian:S" or "mask:P".

    Call argument: images (batch, h, w, c) in [0, 1]. Returns: images of that shape in [0, 1], float32.

    Raises:
        ValueError: another corruption.
    """

    stream = 1  # else the noise of a batch's codes would be that of its first pixels

    def __init__(self, how, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.how, (self.kind, self.level) = how, parsed(how)

    def build(self, shape):
        pass  # no weights; the method tells Keras that there is nothing to build

    def call(self, images):
        images = ops.cast(images, "float32")
        if self.kind == "mask":
            drawn = keras.random.uniform(ops.shape(images[..., :1]), dtype="float32", seed=self.generator)
            return images * ops.cast(drawn >= self.level, "float32")
        noise = keras.random.normal(ops.shape(images), dtype="float32", seed=self.generator)
        return ops.clip(images + self.level * noise, 0.0, 1.0)

    def get_config(self):
        return {**super().get_config(), "how": self.how}


@keras.saving.register_keras_serializable(package="green_vae")
class ComputedGamma(keras.layers.Layer):
    """The balance between reconstruction and KL, computed from the error instead of learned.

    After every minibatch: mse <- momentum * mse + (1 - momentum) * batch_mse; gamma <- min(gamma, mse). gamma never
    rises, mse may; there is no lower bound. gamma estimates the error per pixel, so it takes the place of the
    variance in a Gaussian likelihood. Source: survey, section on the balance of the two losses (Asperti and Trentin
    2020), in the form of the survey's residual VAE and of Split-VAE.

    Both numbers are saved with the weights, carry no gradient, and are averaged over replicas.

    Args:
        start: of both numbers. momentum: of the running average.
        minimum: what never rises: "gamma", as above; "average", mse itself: mse <- min(mse, the new average) and gamma
            is mse, as in the code that Asperti and Trentin released; "none", gamma is mse and may rise. That code
            calls sqrt(mse) gamma and divides errors by it before they are squared, which is the same division.

    Raises:
        ValueError: another minimum.
    """

    def __init__(self, start=1.0, momentum=0.99, minimum="gamma", **kwargs):
        super().__init__(**kwargs)
        if minimum not in MINIMA:
            raise ValueError(f"minimum must be one of {', '.join(MINIMA)}. Received: {minimum!r}")
        self.start, self.momentum, self.minimum = start, momentum, minimum
        make = keras.initializers.Constant(start)
        options = {"shape": (), "initializer": make, "trainable": False, "dtype": "float32", "aggregation": "mean"}
        self.mse = self.add_weight(name="mse", **options)
        self.gamma = self.add_weight(name="gamma", **options)
        self.built = True

    def value(self):
        """gamma as a tensor without gradient: the value BEFORE this batch, if read before `update`."""
        return ops.stop_gradient(ops.convert_to_tensor(self.gamma))

    def bound(self, error, kl, pixels):
        """log N(x | reconstruction, gamma) - KL of every example, (batch,): the evidence lower bound in nats.

        Args:
            error: sums of squared errors over so many `pixels`, (batch,). kl: in nats, (batch,).
        """
        gamma = self.value()
        return -0.5 * (error / gamma + pixels * ops.log(2 * math.pi * gamma)) - kl

    def update(self, batch_mse):
        """Take in the mean squared error per pixel (or latent unit) of one minibatch."""
        batch_mse = ops.stop_gradient(ops.cast(batch_mse, "float32"))
        average = self.momentum * self.mse + (1.0 - self.momentum) * batch_mse
        if self.minimum == "average":
            average = ops.minimum(self.mse, average)
        self.mse.assign(average)
        self.gamma.assign(ops.minimum(self.gamma, self.mse) if self.minimum == "gamma" else self.mse)

    def get_config(self):
        own = {"start": self.start, "momentum": self.momentum, "minimum": self.minimum}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="green_vae")
class SpectralNorms(keras.layers.Layer):
    """The sum of the largest singular values of matrices, by power iteration: one step per training batch.

    Call arguments: the list of matrices (m, n), the same shapes every time. Returns: a scalar, differentiable with
    respect to the matrices; from below, until the vectors have settled. They are saved with the weights.
    Source: Yoshida and Miyato 2017; NVAE's spectral regularisation.

    Args:
        matrices: whose shapes are meant.
        seed: of the first vectors.
    """

    def __init__(self, matrices, seed=None, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        start = keras.initializers.RandomNormal(seed=seed)
        self.vectors = [
            self.add_weight(name=f"v_{i}", shape=(x.shape[1],), initializer=start, trainable=False, aggregation="mean")
            for i, x in enumerate(matrices)
        ]
        self.built = True

    def call(self, matrices):
        return sum(ops.sum(u * ops.matmul(x, v)) for x, (u, v) in zip(matrices, self._singular(matrices), strict=True))

    def step(self, matrices):
        """Keep the vectors one iteration further."""
        for vector, (_, v) in zip(self.vectors, self._singular(matrices), strict=True):
            vector.assign(v)

    def _singular(self, matrices):
        """(left, right) vectors after one more iteration, without gradient."""
        pairs = []
        for x, vector in zip(matrices, self.vectors, strict=True):
            x = ops.stop_gradient(x)
            u = ops.normalize(ops.matmul(x, ops.convert_to_tensor(vector)), axis=0)
            pairs.append((u, ops.normalize(ops.matmul(ops.transpose(x), u), axis=0)))
        return pairs
