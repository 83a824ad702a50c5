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
    "half_squared_norm": losses.half_squared_norm,
    "cosine_similarity": lambda x: losses.cosine_similarity(x, 0.5 * x),
}


def test_every_loss_is_in_this_list():
    public = {name for name in vars(losses) if not name.startswith("_") and callable(getattr(losses, name))}
    assert public == set(EVERY)


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
