"""A variational model whose evidence is known: x = A^T z + b + sigma noise, made of one of the package's own models."""

import keras
import numpy as np
from scipy import stats

from green_vae.models import SecondStageVAE

OFFSET, SIGMA = np.array([0.2, -0.1, 0.4]), 0.6


def linear_gaussian(posterior="gaussian", diagonal=False, widening=2.0):
    """(model, A), z and x of 3 dimensions.

    Without hidden layers the networks are linear in their input, which stands there twice. The encoder gives the mean
    of p(z|x), and its variances without correlations, widened: exact if A is diagonal and widening 1. A flow bends
    them a little.
    """
    keras.utils.set_random_seed(3)
    options = {} if posterior == "gaussian" else {"posterior_options": {"gate": 4.0, "widths": [8]}}
    options |= {"latent_dim": 3, "reconstruction": "gaussian", "widths": (), "beta": 1.0, "posterior": posterior}
    model = SecondStageVAE(seed=0, **options)
    rng = np.random.default_rng(3)
    matrix = np.diag([1.0, 0.5, -0.8]) if diagonal else 0.7 * rng.normal(size=(3, 3))
    set_linear(model.decoder.get_layer("z"), matrix, OFFSET)
    covariance = np.linalg.inv(np.eye(3) + matrix @ matrix.T / SIGMA**2)
    gain = matrix.T @ covariance / SIGMA**2  # the posterior mean is (x - b) gain
    set_linear(model.encoder.get_layer("mean"), gain, -OFFSET @ gain)
    set_linear(model.encoder.get_layer("log_var"), np.zeros((3, 3)), np.log(widening * np.diag(covariance)))
    for weight in model.flow.weights if model.flow else []:
        weight.assign_add(0.2 * rng.normal(size=weight.shape))
    model.log_gamma.assign(np.log(SIGMA))
    return model, matrix


def set_linear(layer, matrix, bias):
    layer.kernel.assign(np.concatenate([matrix, np.zeros((3, 3))]))
    layer.bias.assign(bias)


def log_evidence(matrix, x):
    """log p(x) of every row: the Gaussian N(b, A^T A + sigma^2 I)."""
    covariance = matrix.T @ matrix + SIGMA**2 * np.eye(3)
    return np.atleast_1d(stats.multivariate_normal(OFFSET, covariance).logpdf(x))
