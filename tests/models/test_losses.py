"""Losses against TensorFlow Probability, SciPy, closed forms, and what must hold for any input."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops
from scipy import stats

from green_vae.models import losses
from green_vae.networks import logistics

close = np.testing.assert_allclose
few = settings(max_examples=60, deadline=None)


def matrix(low=-3.0, high=3.0, shape=(3, 4)):
    return hnp.arrays("float32", shape, elements=st.floats(low, high, width=32))


def value(tensor):
    return ops.convert_to_numpy(tensor)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def normal(mean, log_var):
    tfp = pytest.importorskip("tensorflow_probability")
    mean, log_var = mean.astype("float64"), log_var.astype("float64")
    return tfp.distributions.MultivariateNormalDiag(mean, np.exp(0.5 * log_var))


def test_kl_against_tensorflow_probability():
    mean_q, log_var_q, mean_p, log_var_p = (draw(6, 5, seed=seed) for seed in range(4))
    q, p = normal(mean_q, log_var_q), normal(mean_p, log_var_p)
    standard = normal(np.zeros((6, 5)), np.zeros((6, 5)))
    close(value(losses.kl_normal(mean_q, log_var_q, mean_p, log_var_p)), q.kl_divergence(p).numpy(), rtol=1e-5)
    close(value(losses.kl_standard_normal(mean_q, log_var_q)), q.kl_divergence(standard).numpy(), rtol=1e-5)


@few
@given(mean=matrix(), log_var=matrix())
def test_kl_to_the_standard_normal_in_closed_form(mean, log_var):
    m, v = mean.astype("float64"), log_var.astype("float64")
    expected = 0.5 * (m**2 + np.exp(v) - v - 1).sum(1)
    close(value(losses.kl_standard_normal(mean, log_var)), expected, rtol=1e-4, atol=1e-5)
    zero = np.zeros_like(mean)
    close(value(losses.kl_normal(mean, log_var, zero, zero)), expected, rtol=1e-4, atol=1e-5)


@few
@given(mean_q=matrix(), log_var_q=matrix(), mean_p=matrix(), log_var_p=matrix())
def test_kl_is_never_negative_and_zero_for_equals_alone(mean_q, log_var_q, mean_p, log_var_p):
    kl = value(losses.kl_normal(mean_q, log_var_q, mean_p, log_var_p))
    assert (kl >= -1e-5).all()
    apart = np.maximum(np.abs(mean_q - mean_p), np.abs(log_var_q - log_var_p)).max(1) > 0.1
    assert (kl[apart] > 1e-5).all()
    close(value(losses.kl_normal(mean_q, log_var_q, mean_q, log_var_q)), 0, atol=1e-5)


def test_kl_by_hand():
    close(value(losses.kl_standard_normal([[3.0, 0.0]], [[0.0, 0.0]])), [4.5])
    close(value(losses.kl_standard_normal([[0.0]], [[np.log(4.0)]])), [0.5 * (4 - 1 - np.log(4))], rtol=1e-6)
    # not symmetric: the first argument is q
    close(value(losses.kl_normal([[1.0]], [[0.0]], [[0.0]], [[np.log(4.0)]])), [0.5 * (0.5 - 1 + np.log(4))], rtol=1e-6)


def test_gaussian_nll_against_scipy_and_tensorflow_probability():
    x, mean = draw(4, 2, 3, 1), draw(4, 2, 3, 1, seed=1)
    for log_sigma in (0.0, -1.3, 0.8):
        expected = -stats.norm(mean, np.exp(log_sigma)).logpdf(x).sum((1, 2, 3))
        close(value(losses.gaussian_nll(x, mean, log_sigma)), expected, rtol=1e-5)
    flat, log_sigma = x.reshape(4, 6), draw(4, 6, seed=2)
    expected = -normal(mean.reshape(4, 6), 2 * log_sigma).log_prob(flat.astype("float64")).numpy()
    close(value(losses.gaussian_nll(flat, mean.reshape(4, 6), log_sigma)), expected, rtol=1e-5)


def test_bernoulli_nll_against_scipy_and_tensorflow_probability():
    probability = np.random.default_rng(0).uniform(0.01, 0.99, (4, 3, 2, 1)).astype("float32")
    x = np.random.default_rng(1).integers(0, 2, probability.shape)
    expected = -stats.bernoulli(probability.astype("float64")).logpmf(x).sum((1, 2, 3))
    close(value(losses.bernoulli_nll(x, probability)), expected, rtol=1e-5)
    tfp = pytest.importorskip("tensorflow_probability")
    expected = -tfp.distributions.Bernoulli(probs=probability).log_prob(x).numpy().sum((1, 2, 3))
    close(value(losses.bernoulli_nll(x, probability)), expected, rtol=1e-5)


def test_bernoulli_nll_by_hand():
    close(value(losses.bernoulli_nll([[1.0, 0.0]], [[0.25, 0.5]])), [np.log(8)], rtol=1e-6)
    close(value(losses.bernoulli_nll([[0.5]], [[0.25]])), [-0.5 * np.log(0.25 * 0.75)], rtol=1e-6)  # a grey pixel
    # sure and wrong: dear, but finite
    close(value(losses.bernoulli_nll([[1.0], [0.0]], [[0.0], [1.0]])), -np.log([1e-7, 1.2e-7]), rtol=0.02)
    close(value(losses.bernoulli_nll([[1.0, 0.0]], [[1.0, 0.0]])), [0], atol=1e-6)


@few
@given(x=matrix(), y=matrix())
def test_squared_errors(x, y):
    expected = ((x.astype("float64") - y) ** 2).sum(1)
    close(value(losses.squared_error(x, y)), expected, rtol=1e-5, atol=1e-6)
    close(value(losses.half_squared_norm(x)), 0.5 * (x.astype("float64") ** 2).sum(1), rtol=1e-5, atol=1e-6)


def test_cosine_signs():
    x = np.array([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0], [1.0, 0.0]], "float32")
    y = np.array([[6.0, 8.0], [-0.3, -0.4], [-4.0, 3.0], [3.0, 4.0]], "float32")
    close(value(losses.cosine_similarity(x, y)), [1, -1, 0, 0.6], atol=1e-6)


@few
@given(x=matrix(0.5, 3), y=matrix(0.5, 3), scale=st.floats(0.01, 100))
def test_cosine_ignores_lengths(x, y, scale):
    once, scaled = losses.cosine_similarity(x, y), losses.cosine_similarity(np.float32(scale) * x, y)
    close(value(scaled), value(once), atol=1e-5)
    assert (np.abs(value(once)) <= 1 + 1e-5).all()


EVERY = {
    "squared_error": lambda x: losses.squared_error(x, 0.5 * x),
    "kl_standard_normal": lambda x: losses.kl_standard_normal(x, x),
    "kl_normal": lambda x: losses.kl_normal(x, x, 0.5 * x, 0.5 * x),
    "gaussian_nll": lambda x: losses.gaussian_nll(x, 0.5 * x, 0.1),
    "bernoulli_nll": lambda x: losses.bernoulli_nll(ops.sigmoid(x), ops.sigmoid(0.5 * x)),
    "logistics_nll": lambda x: losses.logistics_nll(ops.sigmoid(x), ops.tile(x, (1, 1, 1, 6))),
    "half_squared_norm": losses.half_squared_norm,
    "cosine_similarity": lambda x: losses.cosine_similarity(x, 0.5 * x),
}


def test_an_average_weighs_examples():
    term, weights = np.array([1.0, 2.0, 6.0], "float32"), np.array([0.0, 1.0, 0.5], "float32")
    close(value(losses.average(term)), 3.0)
    close(value(losses.average(term, weights)), np.average(term, weights=weights), rtol=1e-6)
    close(value(losses.average(np.float32(4.0))), 4.0)  # of a term of the whole batch


def test_every_loss_is_in_this_list():
    public = {name for name in vars(losses) if not name.startswith("_") and callable(getattr(losses, name))}
    assert public == {*EVERY, "average"}  # which makes one number of a term


@pytest.mark.parametrize("name", EVERY)
def test_every_loss_is_per_example_and_float32(name):
    x = draw(5, 3, 2, 2)
    for dtype in ("float32", "bfloat16", "float16"):
        loss = EVERY[name](ops.cast(x, dtype))
        assert tuple(loss.shape) == (5,)
        assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    whole = value(EVERY[name](x))
    single = np.concatenate([value(EVERY[name](x[i : i + 1])) for i in range(5)])
    close(whole, single, rtol=1e-5)  # no example looks at another


@pytest.mark.parametrize("name", [name for name in EVERY if name != "cosine_similarity"])
def test_pixels_are_summed_and_not_averaged(name):
    x = draw(5, 3, 2, 2)
    close(value(EVERY[name](np.concatenate([x, x], axis=1))), 2 * value(EVERY[name](x)), rtol=1e-5)


def test_sums_of_many_bfloat16_pixels_stay_exact():
    x = ops.ones((1, 64, 64, 3), dtype="bfloat16")  # in bfloat16 a sum of ones ends at 256
    assert float(losses.squared_error(x, 0 * x)[0]) == 64 * 64 * 3


# a mixture of logistics

BYTES = (np.arange(256) / 255).astype("float32")


def parameters(channels, components, seed=0, log_scale=-2.0):
    """Random parameters of one pixel, (1, 1, 1, size)."""
    found = 0.6 * draw(1, 1, 1, logistics.size(channels, components), seed=seed)
    found[..., components * (1 + channels) : components * (1 + 2 * channels)] += log_scale
    return found


def probabilities(pixels, parameters):
    """Of pixels (n, channels) under the parameters of one pixel."""
    x = np.asarray(pixels, "float32")[:, None, None, :]
    return np.exp(-value(losses.logistics_nll(x, np.repeat(parameters, len(x), axis=0))).astype("float64"))


def test_one_channel_against_tensorflow_probability():
    tfp = pytest.importorskip("tensorflow_probability")
    tfd, made = tfp.distributions, parameters(1, 3, log_scale=-3.0)
    logits, mean, log_scale = made.astype("float64").reshape(3, 3)
    bins = tfd.TransformedDistribution(  # QuantizedDistribution rounds up
        tfd.Logistic(127.5 * (mean + 1), 127.5 * np.exp(log_scale)), tfp.bijectors.Shift(np.float64(-0.5))
    )
    mixture = tfd.MixtureSameFamily(tfd.Categorical(logits=logits), tfd.QuantizedDistribution(bins, 0.0, 255.0))
    expected = mixture.prob(np.arange(256.0)).numpy()
    close(probabilities(BYTES[:, None], made), expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("log_scale", [-9.0, -5.0, -1.0, 6.0])  # -7 is the least
def test_probabilities_of_all_bytes_add_up_to_one(log_scale):
    for seed in range(3):
        assert probabilities(BYTES[:, None], parameters(1, 4, seed, log_scale)).sum() == pytest.approx(1, abs=1e-4)


def test_all_pairs_of_two_channels():
    """By brute force: they add up to one, and their mean is that of the image."""
    made = parameters(2, 3, log_scale=-4.0)
    made[..., 3:9] *= 0.5  # away from the ends
    pairs = np.stack(np.meshgrid(BYTES, BYTES, indexing="ij"), axis=-1).reshape(-1, 2)
    p = probabilities(pairs, made)
    assert p.sum() == pytest.approx(1, abs=1e-4)
    close(value(logistics.MixtureMean(2)(made)).ravel(), p @ pairs, atol=5e-4)
    assert abs(np.cov(pairs.T, aweights=p)[0, 1]) > 1e-4  # they depend on each other


def test_red_is_a_mixture_of_its_own_and_green_follows_it():
    made = parameters(3, 2, seed=1)
    red = BYTES[100]
    rest = np.stack(np.meshgrid(red, BYTES[::3], BYTES, indexing="ij"), axis=-1).reshape(-1, 3)
    alone = np.concatenate([made[..., :2], made[..., 2:4], made[..., 8:10]], axis=-1)  # logits, means, log scales
    pair = np.concatenate([made[..., :6], made[..., 8:12], made[..., 14:16]], axis=-1)
    greens = probabilities(rest, made).reshape(86, 256).sum(1)  # blue summed out
    close(greens, probabilities(rest.reshape(86, 256, 3)[:, 0, :2], pair), rtol=1e-3)
    both = np.stack([np.full(256, red), BYTES], axis=-1)
    assert probabilities(both, pair).sum() == pytest.approx(probabilities([[red]], alone)[0], rel=1e-3)


def test_one_logistic_of_three_channels_by_hand():
    mean, scale, coefficients = np.array([0.1, -0.2, 0.3]), np.array([0.1, 0.2, 0.3]), np.array([0.5, -0.4, 0.8])
    made = np.concatenate([[0.7], mean, np.log(scale), np.arctanh(coefficients)]).astype("float32").repeat(2)
    made = made.reshape(1, 1, 1, -1)  # two components, alike
    levels = np.array([140, 0, 255])
    r, g, _ = levels / 127.5 - 1
    where = mean + [0, coefficients[0] * r, coefficients[1] * r + coefficients[2] * g]
    logistic, half = stats.logistic(where, scale), 1 / 255
    low, high = logistic.cdf(levels / 127.5 - 1 - half), logistic.cdf(levels / 127.5 - 1 + half)
    expected = (high[0] - low[0]) * high[1] * (1 - low[2])
    close(probabilities([levels / 255], made), expected, rtol=1e-4)
    m = mean[0], mean[1] + 0.5 * mean[0]
    image = 0.5 + 0.5 * np.array([*m, mean[2] - 0.4 * m[0] + 0.8 * m[1]])
    close(value(logistics.MixtureMean(3)(made)).ravel(), image, rtol=1e-5)


def test_the_mixture_stays_finite_far_from_its_means():
    tf = pytest.importorskip("tensorflow")
    x = np.repeat(BYTES[[0, 128, 255]], 3).reshape(3, 1, 1, 3)
    for mean, log_scale in ((50.0, -20.0), (-50.0, -7.0), (0.0, 40.0)):
        made = np.zeros((3, 1, 1, 20), "float32")
        made[..., 2:8], made[..., 8:14] = mean, log_scale
        made = tf.Variable(made)
        with tf.GradientTape() as tape:
            nll = losses.logistics_nll(x, made)
        assert np.isfinite(nll).all() and np.isfinite(tape.gradient(nll, made)).all()


def test_bfloat16_parameters_are_summed_in_float32():
    made = np.tile(parameters(3, 2), (1, 16, 16, 1))
    x = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)) / 255
    nll = losses.logistics_nll(x, ops.cast(made, "bfloat16"))
    assert keras.backend.standardize_dtype(nll.dtype) == "float32"
    rounded = value(ops.cast(ops.cast(made, "bfloat16"), "float32"))
    close(value(nll), value(losses.logistics_nll(x, rounded)), rtol=1e-6)
