"""Per-example losses and divergences: every function returns shape (batch,), in float32.

Pixels and latent units are always SUMMED. Averages over the batch and weights are the models' business.
"""

import math

from keras import ops

from green_vae.networks import logistics


def _rows(x):
    """(batch, ...) -> (batch, features) in float32, so that sums stay exact under mixed precision."""
    x = ops.cast(x, "float32")
    return ops.reshape(x, (ops.shape(x)[0], -1))


def average(term, weights=None):
    """Mean of a term over the batch, (batch,) -> a scalar, weighted by `weights` (batch,); a scalar stays."""
    if weights is None or not len(term.shape):
        return ops.mean(term)
    return ops.divide_no_nan(ops.sum(weights * term), ops.sum(weights))


def squared_error(x, y):
    """Sum of squared errors over all pixels and channels; (batch, ...) twice -> (batch,)."""
    return ops.sum(ops.square(_rows(x) - _rows(y)), axis=-1)


def kl_standard_normal(mean, log_var):
    """KL(N(mean, exp(log_var)) || N(0, I)) in nats, summed over units; (batch, d) twice -> (batch,)."""
    mean, log_var = _rows(mean), _rows(log_var)
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_var) - log_var - 1.0, axis=-1)


def kl_normal(mean_q, log_var_q, mean_p, log_var_p):
    """KL(N(mean_q, exp(log_var_q)) || N(mean_p, exp(log_var_p))) in nats; (batch, d) four times -> (batch,)."""
    mean_q, log_var_q, mean_p, log_var_p = map(_rows, (mean_q, log_var_q, mean_p, log_var_p))
    ratio = ops.exp(log_var_q - log_var_p)
    distance = ops.square(mean_q - mean_p) * ops.exp(-log_var_p)
    return 0.5 * ops.sum(ratio + distance - 1.0 + log_var_p - log_var_q, axis=-1)


def gaussian_nll(x, mean, log_sigma):
    """-log N(x | mean, sigma^2 I) in nats, with its constant; log_sigma is a scalar or broadcasts to (batch, d)."""
    x, mean = _rows(x), _rows(mean)
    log_sigma = ops.cast(log_sigma, "float32")
    scaled = ops.square(x - mean) * ops.exp(-2.0 * log_sigma)
    return ops.sum(0.5 * scaled + log_sigma + 0.5 * math.log(2 * math.pi), axis=-1)


def bernoulli_nll(x, probability):
    """-log Bernoulli(x | probability) in nats, the binary cross-entropy; (batch, ...) twice -> (batch,).

    x is 0 or 1; grey values in between give a number, but not one of a density. Probabilities are kept 1e-7 away from 0
    and 1.
    """
    x, probability = _rows(x), ops.clip(_rows(probability), 1e-7, 1.0 - 1e-7)
    return -ops.sum(x * ops.log(probability) + (1.0 - x) * ops.log1p(-probability), axis=-1)


def logistics_nll(x, parameters):
    """-log p(x) in nats of 8-bit pixels under a mixture of logistics, discretised to 256 values: (batch,).

    A value's probability in a component is what its logistic holds within half a step of it, beyond the ends for 0 and
    255; channels of one pixel share the component, and the means of later ones depend on the values before them.
    Source: Salimans et al. 2017 (PixelCNN++), section 2; NVAE takes 10 components.

    Args:
        x: (batch, h, w, c) in [0, 1], rounded here to the nearest of the 256 values.
        parameters: (batch, h, w, size), see `green_vae.networks.logistics`.
    """
    levels = ops.round(255.0 * ops.cast(x, "float32"))
    channels = [levels[..., channel, None] for channel in range(x.shape[-1])]
    values = [channel / 127.5 - 1.0 for channel in channels]
    logits, means, log_scales, coefficients = logistics.unpack(parameters, len(channels))
    log_p = ops.log_softmax(logits, axis=-1)
    for index, (level, value) in enumerate(zip(channels, values, strict=True)):
        distance = value - logistics.shifted(means[index], index, values[:index], coefficients)
        log_p = log_p + _log_bin(level, distance, ops.maximum(log_scales[index], logistics.LOWEST))
    return -ops.sum(_rows(ops.logsumexp(log_p, axis=-1)), axis=-1)


def _log_bin(level, distance, log_scale):
    """log of the logistic's mass within 1/255 of `distance`; sigmoid(a) - sigmoid(b) without cancellation, as
    sigmoid(a) sigmoid(-b) (1 - exp(b - a))."""
    rate, half = ops.exp(-log_scale), 1.0 / 255.0
    below = ops.where(level == 255.0, 0.0, ops.log_sigmoid((distance + half) * rate))
    above = ops.where(level == 0.0, 0.0, ops.log_sigmoid((half - distance) * rate))
    inside = ops.log(-ops.expm1(-2.0 * half * rate))
    return below + above + ops.where((level == 0.0) | (level == 255.0), 0.0, inside)


def half_squared_norm(z):
    """0.5 * sum of z^2, the latent penalty of regularised autoencoders (Ghosh et al. 2020, eq. 11)."""
    return 0.5 * ops.sum(ops.square(_rows(z)), axis=-1)


def cosine_similarity(x, y):
    """Cosine of the angle between the flattened examples: 1 for parallel, -1 for opposed; -> (batch,)."""
    x, y = _rows(x), _rows(y)
    return ops.sum(ops.normalize(x, axis=-1) * ops.normalize(y, axis=-1), axis=-1)


ERRORS = {"bernoulli": bernoulli_nll, "gaussian": squared_error}  # the raw error of p(x|z) by its name
