"""Importance-weighted bounds against likelihoods known in closed form or by quadrature."""

import importlib.util
import json

import keras
import numpy as np
import pytest
from core_models import blobs, build, run_script
from keras import ops
from linear_gaussian import OFFSET, SIGMA, linear_gaussian, log_evidence
from scipy import stats
from scipy.special import logsumexp

from green_vae.models import LadderVAE
from green_vae.models.likelihood import log_likelihood

close = np.testing.assert_allclose


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# a linear-Gaussian model: the evidence is known


def test_one_draw_from_the_exact_posterior_gives_the_evidence():
    """Then all weights are equal."""
    (model, matrix), x = linear_gaussian(diagonal=True, widening=1.0), draw(7, 3)
    for k in (1, 5):
        close(log_likelihood(model, x, k=k, batch_size=4), log_evidence(matrix, x), atol=1e-3)


@pytest.mark.parametrize("posterior", ["gaussian", "iaf"])
def test_many_draws_give_the_evidence(posterior):
    (model, matrix), x = linear_gaussian(posterior), draw(5, 3)
    close(log_likelihood(model, x, k=20_000, draws=2_000), log_evidence(matrix, x), atol=0.05)


@pytest.mark.parametrize("posterior", ["gaussian", "iaf"])
def test_the_bound_rises_with_k_and_starts_at_the_evidence_lower_bound(posterior):
    (model, matrix), x, n = linear_gaussian(posterior), draw(1, 3), 4_000
    many = np.repeat(x, n, axis=0)
    bounds = [log_likelihood(model, many, k=k, batch_size=n) for k in (1, 4, 16)]
    means, errors = [b.mean() for b in bounds], [b.std() / np.sqrt(n) for b in bounds]
    for index in (0, 1):
        assert means[index + 1] - means[index] > 5 * (errors[index] + errors[index + 1])
    assert means[-1] < log_evidence(matrix, x)[0] + 5 * errors[-1]
    outputs = model(many)
    terms = {name: ops.convert_to_numpy(term).mean() for name, term in model.terms(many, outputs).items()}
    assert means[0] == pytest.approx(-terms["reconstruction"] - terms["kl"], abs=10 * errors[0])


def test_one_draw_is_the_evidence_lower_bound_in_closed_form():
    (model, matrix), x, n = linear_gaussian(), draw(1, 3), 20_000
    found = log_likelihood(model, np.repeat(x, n, axis=0), k=1, batch_size=n)
    posterior = model.posterior(x)
    mean, variance = posterior["mean"][0].astype("float64"), np.exp(posterior["log_var"][0].astype("float64"))
    error = ((x[0] - OFFSET - mean @ matrix) ** 2).sum() + (variance[:, None] * matrix**2).sum()
    expected = -0.5 * error / SIGMA**2 - 3 * np.log(SIGMA) - 1.5 * np.log(2 * np.pi)
    expected -= 0.5 * (mean**2 + variance - np.log(variance) - 1).sum()
    assert found.mean() == pytest.approx(expected, abs=5 * found.std() / np.sqrt(n))


# small latent spaces: the evidence by quadrature

GRID = np.linspace(-7, 7, 281).astype("float32")


def evidence_by_quadrature(model, x):
    """log of the sum over a grid of z_1 and z_2 of p(x|z_1) p(z_1|z_2) p(z_2)."""
    step = np.log(GRID[1] - GRID[0])
    images = model.decode(GRID[:, None]).reshape(len(GRID), -1).astype("float64")
    if model.levels == 1:
        log_prior = stats.norm.logpdf(GRID)
    else:
        prior = model.priors[0](GRID[:, None])
        mean, log_var = (ops.convert_to_numpy(prior[name]).astype("float64") for name in ("mean", "log_var"))
        joint = stats.norm.logpdf(GRID[None, :], mean, np.exp(0.5 * log_var)) + stats.norm.logpdf(GRID)[:, None]
        log_prior = logsumexp(joint, axis=0) + step
    rows = x.reshape(len(x), 1, -1)
    if model.likelihood == "bernoulli":
        log_p = stats.bernoulli.logpmf(rows.astype(int), images[None])
    else:
        log_p = stats.norm.logpdf(rows, images[None], model.sigma)
    return logsumexp(log_p.sum(axis=2) + log_prior, axis=1) + step


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("levels", [1, 2])
def test_ladders_by_quadrature(levels, likelihood):
    keras.utils.set_random_seed(1)
    shape = {"image_shape": (3, 3, 1), "latent_dims": (1,) * levels, "widths": (6, 5)[:levels]}
    model = LadderVAE(**shape, likelihood=likelihood, sigma=0.4, seed=0)
    for level in range(1, levels + 1):  # q about as wide as the prior, as untrained networks need
        model.encoder.get_layer(f"raw_up_log_var_{level}").bias.assign([5.0])
    x = np.random.default_rng(0).integers(0, 2, (5, 3, 3, 1)).astype("float32")
    found = log_likelihood(model, x, k=20_000, draws=2_000)
    close(found, evidence_by_quadrature(model, x), atol=0.03)
    one = log_likelihood(model, np.repeat(x, 400, axis=0), k=1, batch_size=2_000).reshape(5, 400).mean(axis=1)
    assert (one < found + 0.05).all() and one.mean() < found.mean()


def test_the_ladder_s_bound_for_one_draw_is_its_loss():
    model, x = build("ladder_vae", warmup_steps=0), (blobs(1) > 127).astype("float32")
    many = np.repeat(x, 500, axis=0)
    found = log_likelihood(model, many, k=1, batch_size=500)
    model.compile()
    loss = model.evaluate(many, batch_size=500, verbose=0, return_dict=True)["loss"]
    assert found.mean() == pytest.approx(-loss, abs=6 * found.std() / np.sqrt(500))


# which p(x|z)


def test_the_observation_that_a_model_states():
    model, x = build("computed_gamma_vae"), blobs(3)
    model.gamma.gamma.assign(0.25)
    assert model.observation() == ("gaussian", 0.5)
    close(log_likelihood(model, x, k=3), log_likelihood(model, x, k=3, sigma=0.5), rtol=1e-6)
    assert (log_likelihood(model, x, k=3) != log_likelihood(model, x, k=3, sigma=0.4)).all()
    ladder = build("ladder_vae")
    close(log_likelihood(ladder, x, k=3), log_likelihood(ladder, x, k=3, likelihood="bernoulli"), rtol=1e-6)
    assert build("second_stage_cosine").observation() is None
    assert build("second_stage_gaussian").observation() == ("gaussian", 1.0)


def test_bytes_and_floats_are_the_same():
    model, x = build("ladder_vae"), blobs(3)
    close(log_likelihood(model, x, k=3), log_likelihood(model, x / np.float32(255), k=3), rtol=1e-5)


def test_the_likelihood_is_that_of_numpy():
    """Against the same draws, taken apart by hand."""
    model, x = build("vae"), (blobs(3) > 127).astype("float32")
    from_state(model, 4)
    outputs = {name: ops.convert_to_numpy(v).astype("float64") for name, v in model(x).items()}
    y, z = outputs["reconstruction"], outputs["z"]
    ratio = stats.norm.logpdf(z, outputs["mean"], np.exp(0.5 * outputs["log_var"])) - stats.norm.logpdf(z)
    expected = stats.bernoulli.logpmf(x.astype(int), y).sum(axis=(1, 2, 3)) - ratio.sum(axis=1)
    close(log_likelihood(model, x, k=1, likelihood="bernoulli", seed=4), expected, rtol=1e-4)
    expected = stats.norm.logpdf(x, y, 0.3).sum(axis=(1, 2, 3)) - ratio.sum(axis=1)
    close(log_likelihood(model, x, k=1, sigma=0.3, seed=4), expected, rtol=1e-4)


def from_state(model, seed):
    model.sample.generator.state.assign(np.array([seed, 0], "uint32"))


# use


def test_seeds_batches_and_the_state_of_the_noise():
    model, x = build("vae_iaf"), blobs(7)
    before = model.sample.generator.state.numpy().copy()
    first, again, other = (log_likelihood(model, x, k=7, sigma=1.0, draws=3, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all() and first.shape == (7,) and first.dtype == np.float64
    np.testing.assert_array_equal(model.sample.generator.state.numpy(), before)
    assert log_likelihood(model, x, k=2, sigma=1.0, batch_size=3).shape == (7,)
    with pytest.raises(ValueError):
        log_likelihood(model, x[..., :2, :], k=2, sigma=1.0)
    np.testing.assert_array_equal(model.sample.generator.state.numpy(), before)


def test_the_model_is_not_changed():
    model, x = build("ladder_vae"), blobs(4)
    before = model.get_weights()
    log_likelihood(model, x, k=3)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    model.compile(optimizer="adam")
    model.fit(x, batch_size=4, verbose=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"k": 0},
        {"k": 1.5},
        {"batch_size": 0},
        {"draws": 0},
        {"sigma": None},
        {"sigma": -1.0},
        {"likelihood": "laplace"},
        {"likelihood": "bernoulli", "sigma": 1.0},
        {"likelihood": "gaussian", "sigma": None},
        {"x": blobs(3) / 10},
    ],
)
def test_bad_arguments_are_refused(changes):
    with pytest.raises(ValueError, match="Received: "):
        log_likelihood(build("vae"), **{"x": blobs(3), "sigma": 1.0, "k": 2, **changes})


@pytest.mark.parametrize("variant", ["autoencoder", "rae_l2"])
def test_a_deterministic_model_has_no_likelihood(variant):
    with pytest.raises(ValueError, match="deterministic model has no likelihood. Received: "):
        log_likelihood(build(variant), blobs(3), sigma=1.0)


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed")
def test_on_jax():
    quickly = {"KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "true"}
    found = json.loads(run_script("script_jax_likelihood.py", **quickly).splitlines()[-1])
    assert found.pop("backend") == "jax" and found.pop("state_kept")
    assert found["iaf"] < 0.05
    here = log_likelihood(build("ladder_vae"), blobs(3), k=10, draws=5)  # other weights, other noise: near, not equal
    close(found["ladder"], here, rtol=0.1)
