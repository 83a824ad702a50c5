"""Importance-weighted likelihood: how probable a model finds images, as a lower bound that tightens with more draws."""

import contextlib
import math

import keras
import numpy as np
from keras import ops
from scipy.special import logsumexp

from green_vae.models import losses
from green_vae.models.inputs import to_unit


def log_likelihood(model, x, k=200, likelihood=None, sigma=None, batch_size=100, draws=10, seed=0):
    """Lower bounds of log p(x): ln (1/k sum over k draws z of q(z|x) of p(x|z) p(z) / q(z|x)).

    For k = 1 the expected value is the evidence lower bound; it never falls with k, and tends to log p(x). For any
    model here with a posterior: Gaussian, with a flow, or a ladder; the model gives log q(z|x) - log p(z) by its
    hook `log_ratio`. Source: Burda, Grosse and Salakhutdinov 2016, Importance weighted autoencoders, eq. 8.

    Args:
        model: a variational model.
        x: its input, (n, ...).
        k: draws per example.
        likelihood: p(x|z): "bernoulli", with the reconstruction as probability (images of 0 and 1); "gaussian", with
            the reconstruction as mean; None for the one that the model states, see `BaseVAE.observation`.
        sigma: standard deviation of a pixel for "gaussian", of images in [0, 1]; given alone it means "gaussian".
        batch_size: examples per pass.
        draws: per example and pass; memory is that of batch_size * draws images.
        seed: of the draws. Those of an example depend on batch_size and draws, too, and on the backend.

    Returns:
        float64 (n,), nats per example. A density of pixels in [0, 1] for "gaussian", so it may be positive; the
        probability of 8-bit pixels where a hierarchy states a mixture of logistics.

    Raises:
        ValueError: input that the model refuses, a model without a posterior, no p(x|z) or not a whole one, or
            k, batch_size or draws not positive.
    """
    batches = _weights_by_batch(model, x, k, likelihood, sigma, batch_size, draws, seed)
    return np.concatenate([logsumexp(weights, axis=1) - math.log(weights.shape[1]) for weights in batches])


def log_weights(model, x, k=200, likelihood=None, sigma=None, batch_size=100, draws=10, seed=0):
    """ln p(x|z) p(z) / q(z|x) of the k draws z that `log_likelihood` takes: their mean is the evidence lower bound.

    Arguments and errors as for `log_likelihood`. Returns: float64 (n, k), nats.
    """
    return np.concatenate(list(_weights_by_batch(model, x, k, likelihood, sigma, batch_size, draws, seed)))


def _weights_by_batch(model, x, k, likelihood, sigma, batch_size, draws, seed):
    for name, number in (("k", k), ("batch_size", batch_size), ("draws", draws)):
        if int(number) != number or number < 1:
            raise ValueError(f"{name} must be a positive number. Received: {number}")
    if not model.variational:
        raise ValueError(f"a deterministic model has no likelihood. Received: {type(model).__name__}")
    x = model.check(x)
    weights = _LogWeights(model, *observation_of(model, likelihood, sigma), draws=min(int(draws), int(k)))
    with _seeded(model, seed):
        for start in range(0, len(x), batch_size):
            part = np.asarray(x[start : start + batch_size])
            passes = [weights.predict_on_batch(part) for _ in range(math.ceil(k / weights.draws))]
            yield np.concatenate(passes, axis=1).astype("float64")[:, : int(k)]


def observation_of(model, likelihood, sigma):
    """(name, sigma or None) of p(x|z): what is asked for, or what the model states."""
    if likelihood is None and sigma is None:
        if model.observation() is None:
            hint = "a squared error with a KL of weight beta is that of sigma = sqrt(beta)"
            raise ValueError(f"{type(model).__name__} states no p(x|z); give sigma: {hint}. Received: None")
        return model.observation()
    likelihood = likelihood or "gaussian"
    if likelihood not in losses.ERRORS:
        raise ValueError(f"likelihood must be one of {', '.join(losses.ERRORS)}. Received: {likelihood!r}")
    if (likelihood == "gaussian") != (sigma is not None and sigma > 0):
        raise ValueError(f"'gaussian' takes a positive sigma, 'bernoulli' none. Received: {likelihood!r}, {sigma}")
    return likelihood, sigma


class _LogWeights(keras.Model):
    """x (batch, ...) -> ln p(x|z) p(z) / q(z|x) for some draws of z, (batch, draws). A model only to be compiled."""

    def __init__(self, model, likelihood, sigma, draws):
        super().__init__(name="log_weights", dtype="float32")  # else mixed precision would round the images
        self.model, self.likelihood, self.sigma, self.draws = model, likelihood, sigma, draws

    def call(self, inputs):
        x = to_unit(inputs)
        posterior = self.model.encoder(x, training=False)
        repeated = {name: ops.repeat(value, self.draws, axis=0) for name, value in posterior.items()}
        outputs = self.model.infer(repeated, self.model.sample, False)
        error = self._error(ops.repeat(x, self.draws, axis=0), outputs)
        return ops.reshape(-error - self.model.log_ratio(outputs), (-1, self.draws))

    def _error(self, x, outputs):
        if self.likelihood == "logistics":
            return losses.logistics_nll(x, outputs["mixture"])
        if self.likelihood == "bernoulli":
            return losses.bernoulli_nll(x, outputs["reconstruction"])
        return losses.gaussian_nll(x, outputs["reconstruction"], np.log(self.sigma))


@contextlib.contextmanager
def _seeded(model, seed):
    """Start the model's noise from a seed, and give it its old state back."""
    state = model.sample.generator.state
    before = np.array(ops.convert_to_numpy(state.value))
    state.assign(np.array([seed, 0], before.dtype))  # the second counts the draws
    try:
        yield
    finally:
        state.assign(before)
