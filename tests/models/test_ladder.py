"""The ladder: its merge, its levels and their divergences, against SciPy, TensorFlow Probability and NumPy."""

import numpy as np
import pytest
from core_models import LATENT, SIDE, as_float, blobs, build, numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops
from scipy import stats

from green_vae.models import LadderVAE, losses
from green_vae.models.ladder_vae import log_softplus, precision_merge

close = np.testing.assert_allclose
DIMS = (LATENT, 3, 2)
ONE_LEVEL = {"image_shape": (8, 8, 1), "latent_dims": (3,), "widths": (6,)}
TWO_LEVELS = {"image_shape": (8, 8, 1), "latent_dims": (3, 2), "widths": (6, 5)}


def merged(*arguments):
    return [
        ops.convert_to_numpy(value).astype("float64")
        for value in precision_merge(*map(ops.convert_to_tensor, arguments))
    ]


def test_the_merge_is_the_product_of_the_densities():
    grid = np.linspace(-12, 12, 40_001)
    for mean_a, sigma_a, mean_b, sigma_b in ((0.5, 1.0, -1.0, 0.6), (2.0, 0.3, -1.0, 2.0), (0.0, 1.0, 0.0, 1.0)):
        product = stats.norm.pdf(grid, mean_a, sigma_a) * stats.norm.pdf(grid, mean_b, sigma_b)
        product /= product.sum()
        mean = (grid * product).sum()
        variance = ((grid - mean) ** 2 * product).sum()
        rows = [[np.float32(v)] for v in (mean_a, 2 * np.log(sigma_a), mean_b, 2 * np.log(sigma_b))]
        found_mean, found_log_var = merged(*rows)
        close(found_mean, [mean], atol=1e-5)
        close(np.exp(found_log_var), [variance], rtol=1e-5)


few, logs = settings(max_examples=60, deadline=None), st.floats(-8, 8, width=32)


@few
@given(mean_a=logs, log_var_a=logs, mean_b=logs, log_var_b=logs)
def test_precisions_add_and_the_order_does_not_matter(mean_a, log_var_a, mean_b, log_var_b):
    mean, log_var = merged([mean_a], [log_var_a], [mean_b], [log_var_b])
    precisions = np.exp(-np.float64(log_var_a)), np.exp(-np.float64(log_var_b))
    close(np.exp(-log_var), sum(precisions), rtol=1e-4)
    close(mean, (mean_a * precisions[0] + mean_b * precisions[1]) / sum(precisions), rtol=1e-3, atol=1e-4)
    other = merged([mean_b], [log_var_b], [mean_a], [log_var_a])
    close(other[0], mean, rtol=1e-3, atol=1e-4)
    close(other[1], log_var, atol=1e-5)


def test_the_merge_of_one_that_knows_nothing():
    for far in (80.0, 300.0):
        close(merged([5.0], [far], [1.0], [-2.0]), [[1.0], [-2.0]], rtol=1e-6)
        close(merged([1.0], [-2.0], [5.0], [far]), [[1.0], [-2.0]], rtol=1e-6)


def test_variances_are_softplus_with_a_floor():
    x = np.array([-40.0, -2.0, 0.0, 3.0, 50.0], "float32")
    close(ops.convert_to_numpy(log_softplus(x)), np.log(np.logaddexp(0, x.astype("float64")) + 1e-5), rtol=1e-5)


# one pass


@pytest.fixture(scope="module")
def one_pass():
    model, x = build("ladder_vae"), blobs(6)
    for weight in model.trainable_weights:  # not near the standard normal
        weight.assign_add(0.2 * np.random.default_rng(weight.shape[0]).normal(size=weight.shape))
    return model, x, numpy(model(x))


def test_shapes_of_every_level(one_pass):
    model, x, outputs = one_pass
    for level, dim in enumerate(DIMS, start=1):
        for name in ("up_mean", "up_log_var", "mean", "log_var", "prior_mean", "prior_log_var", "z"):
            assert outputs[f"{name}_{level}"].shape == (6, dim)
    np.testing.assert_array_equal(outputs["z"], outputs["z_1"])
    assert model.latent_dim == LATENT and len(model.priors) == 2


def test_the_top_is_not_merged_and_the_levels_below_are(one_pass):
    _, _, outputs = one_pass
    np.testing.assert_array_equal(outputs["mean_3"], outputs["up_mean_3"])
    np.testing.assert_array_equal(outputs["log_var_3"], outputs["up_log_var_3"])
    assert not outputs["prior_mean_3"].any() and not outputs["prior_log_var_3"].any()
    for level in (1, 2):
        up, prior = (np.exp(-outputs[f"{name}_log_var_{level}"]) for name in ("up", "prior"))
        mean = (outputs[f"up_mean_{level}"] * up + outputs[f"prior_mean_{level}"] * prior) / (up + prior)
        close(outputs[f"mean_{level}"], mean, rtol=1e-3, atol=1e-5)
        close(outputs[f"log_var_{level}"], -np.log(up + prior), rtol=1e-3, atol=1e-5)


def test_priors_are_made_from_the_draw_above(one_pass):
    model, _, outputs = one_pass
    for level in (1, 2):
        prior = numpy(model.priors[level - 1](outputs[f"z_{level + 1}"].astype("float32")))
        close(prior["mean"], outputs[f"prior_mean_{level}"], rtol=1e-4, atol=1e-5)
        close(prior["log_var"], outputs[f"prior_log_var_{level}"], rtol=1e-4, atol=1e-5)
    close(ops.convert_to_numpy(model.decoder(outputs["z"].astype("float32"))), outputs["reconstruction"], atol=1e-5)


def test_the_divergence_of_every_level_against_tensorflow_probability(one_pass):
    tfd = pytest.importorskip("tensorflow_probability").distributions
    model, x, outputs = one_pass

    def normal(name, level):
        return tfd.MultivariateNormalDiag(
            outputs[f"{name}mean_{level}"], np.exp(0.5 * outputs[f"{name}log_var_{level}"])
        )

    terms = numpy(model.terms(as_float(x), {name: value.astype("float32") for name, value in outputs.items()}))
    for level in (1, 2, 3):
        expected = normal("", level).kl_divergence(normal("prior_", level)).numpy()
        close(terms[f"kl_{level}"], expected, rtol=1e-4, atol=1e-5)
        assert expected.min() > 1e-3
    close(terms["kl"], sum(terms[f"kl_{level}"] for level in (1, 2, 3)), rtol=1e-5)
    ratio = sum(
        (
            normal("", level).log_prob(outputs[f"z_{level}"]) - normal("prior_", level).log_prob(outputs[f"z_{level}"])
        ).numpy()
        for level in (1, 2, 3)
    )
    found = model.log_ratio({name: ops.convert_to_tensor(value.astype("float32")) for name, value in outputs.items()})
    close(ops.convert_to_numpy(found), ratio, rtol=1e-3, atol=1e-3)


def test_one_level_is_a_plain_vae():
    model = LadderVAE(**ONE_LEVEL, seed=0)
    outputs = model(blobs(4, side=8))
    kl = losses.kl_standard_normal(outputs["up_mean_1"], outputs["up_log_var_1"])
    terms = model.terms(blobs(4, side=8) / 255, outputs)
    close(ops.convert_to_numpy(terms["kl"]), ops.convert_to_numpy(kl), rtol=1e-4, atol=1e-6)
    assert model.priors == [] and model.generate(2).shape == (2, 8, 8, 1)


# likelihood, warm-up, size


def test_weights_of_the_terms():
    model = LadderVAE(**TWO_LEVELS, likelihood="gaussian", sigma=0.5, beta=2.0, warmup_steps=4)
    weights = {name: float(weight) for name, weight in model.term_weights().items()}
    assert weights == {"reconstruction": 2.0, "kl": 0.0}
    model.steps.assign(3.0)
    assert float(model.term_weights()["kl"]) == 1.5
    model.steps.assign(9.0)
    assert float(model.term_weights()["kl"]) == 2.0
    assert float(LadderVAE(**ONE_LEVEL).term_weights()["reconstruction"]) == 1.0
    assert model.observation() == ("gaussian", 0.5)
    assert LadderVAE(**ONE_LEVEL).observation() == ("bernoulli", None)


def test_a_learned_sigma_pays_the_whole_likelihood():
    model, x = LadderVAE(**TWO_LEVELS, likelihood="gaussian", sigma="learned", beta=2.0, seed=0), blobs(3, side=8)
    x = x / np.float32(255)
    assert model.observation()[1] == pytest.approx(1, abs=0.003)  # softly kept above exp(-6)
    model.log_sigma.assign(-1.0)
    kind, sigma = model.observation()
    outputs = model(x)
    terms, weights = model.terms(x, outputs), model.term_weights()
    assert kind == "gaussian" and sigma == pytest.approx(np.exp(-1), rel=0.01)
    made = ops.convert_to_numpy(outputs["reconstruction"])
    expected = -stats.norm.logpdf(x, made, sigma).reshape(3, -1).sum(1)
    close(ops.convert_to_numpy(terms["nll"]), expected, rtol=1e-5)
    assert float(terms["sigma"]) == pytest.approx(sigma) and weights["nll"] == 1.0 and float(weights["kl"]) == 2.0
    assert set(weights) == {"nll", "kl"} and {*model.logged} >= {"reconstruction", "nll", "sigma"}


def test_the_best_sigma_is_the_error():
    """Of all, the root of the mean squared error costs least; it is trained, and comes back from a configuration."""
    model, x = LadderVAE(**TWO_LEVELS, likelihood="gaussian", sigma="learned", seed=0), blobs(3, side=8)
    outputs, found = model(x / np.float32(255)), {}
    for log_sigma in np.linspace(-3, 1, 401):
        model.log_sigma.assign(log_sigma)
        terms = model.terms(x / np.float32(255), outputs)
        found[float(terms["sigma"])] = float(ops.mean(terms["nll"]))
    error = np.sqrt(float(ops.mean(terms["reconstruction"])) / 64)
    assert min(found, key=found.get) == pytest.approx(error, rel=0.01)
    assert any(weight is model.log_sigma for weight in model.trainable_variables)
    assert LadderVAE.from_config(model.get_config()).sigma == "learned"


def test_reconstruction_is_the_squared_error_or_the_cross_entropy():
    x = blobs(3, side=8) / np.float32(255)
    for likelihood, loss in (("gaussian", losses.squared_error), ("bernoulli", losses.bernoulli_nll)):
        model = LadderVAE(**TWO_LEVELS, likelihood=likelihood)
        outputs = model(x)
        expected = ops.convert_to_numpy(loss(x, outputs["reconstruction"]))
        close(ops.convert_to_numpy(model.terms(x, outputs)["reconstruction"]), expected)


def test_the_default_is_the_five_levels_of_the_paper():
    model = LadderVAE()
    dims, widths = (64, 32, 16, 8, 4), (512, 256, 128, 64, 32)
    assert model.latent_dims == dims and model.widths == widths

    def mlp(inputs, width):  # two dense layers without bias, each with a norm of 4 numbers per unit
        return inputs * width + width * width + 8 * width

    def heads(width, dim):
        return 2 * (width + 1) * dim

    below = (784, *widths)
    up = sum(mlp(below[i], widths[i]) + heads(widths[i], dims[i]) for i in range(5))
    down = sum(mlp(dims[i + 1], widths[i + 1]) + heads(widths[i + 1], dims[i]) for i in range(4))
    image = mlp(64, 512) + 513 * 784
    assert model.encoder.count_params() == up
    assert sum(prior.count_params() for prior in model.priors) == down
    assert model.decoder.count_params() == image
    for network in (model.encoder, model.decoder, *model.priors):
        slopes = {layer.negative_slope for layer in network.layers if isinstance(layer, layers.LeakyReLU)}
        assert slopes == {0.1}


# use


def test_codes_of_every_level():
    model, x = build("ladder_vae"), blobs(5)
    codes = model.encode(x, level="all")
    assert {level: code.shape for level, code in codes.items()} == {1: (5, LATENT), 2: (5, 3), 3: (5, 2)}
    for level in (1, 2, 3):
        np.testing.assert_array_equal(model.encode(x, level=level), codes[level])
    np.testing.assert_array_equal(codes[3], model.posterior(x)["up_mean_3"])
    draws = [model.encode(x, sample=True, seed=seed, level="all") for seed in (1, 1, 2)]
    for level in (1, 2, 3):
        np.testing.assert_array_equal(draws[0][level], draws[1][level])
        assert (draws[0][level] != draws[2][level]).all() and (draws[0][level] != codes[level]).all()
    for level in (0, 4, "top", None):
        with pytest.raises(ValueError, match="Received: "):
            model.encode(x, level=level)


def test_draws_of_codes_have_the_posterior_s_moments():
    model, n = build("ladder_vae"), 20_000
    top = model.encode(np.repeat(blobs(1), n, axis=0), sample=True, level=3, batch_size=1000)
    posterior = model.posterior(blobs(1))
    close(top.mean(axis=0), posterior["up_mean_3"][0], atol=0.05)
    close(top.var(axis=0), np.exp(posterior["up_log_var_3"][0]), rtol=0.05)


def test_temperatures():
    model = build("ladder_vae")
    cold = model.draw(4, seed=0, temperature=0.0)
    np.testing.assert_array_equal(cold, model.draw(4, seed=1, temperature=[0, 0, 0]))
    assert (cold == cold[0]).all()
    first = model.draw(4, seed=0, temperature=[0.0, 1.0, 1.0])  # all but the last draw
    assert not np.array_equal(first, model.draw(4, seed=0)) and not (first == first[0]).all()
    np.testing.assert_array_equal(model.generate(4, seed=3, temperature=0.5), model.decode(model.draw(4, 3, 0.5)))
    z = build("vae").draw(4, seed=3)
    np.testing.assert_array_equal(build("vae").draw(4, seed=3, temperature=2.0), 2 * z)
    with pytest.raises(ValueError, match="or 3. Received: "):
        model.draw(4, temperature=[1.0, 1.0])


def test_levels_that_are_held_leave_open_what_the_priors_below_say():
    model = build("ladder_vae")
    top = np.random.default_rng(4).standard_normal((6, DIMS[2]), dtype="float32")
    np.testing.assert_array_equal(model.draw(6, seed=4), model.draw_below(3, top, generator_after(top)))
    z = np.ones((6, DIMS[0]), "float32")
    np.testing.assert_array_equal(model.draw_below(1, z), z)
    held = np.zeros((20_000, DIMS[1]), "float32")
    prior = numpy(model.priors[0](held[:1]))
    drawn = model.draw_below(2, held, seed=1)
    close(drawn.mean(0), prior["mean"][0], atol=0.05)
    close(drawn.std(0), np.exp(0.5 * prior["log_var"][0]), rtol=0.05)
    cold = model.draw_below(2, held[:3], temperature=0.0)
    close(cold, np.repeat(prior["mean"], 3, axis=0), atol=1e-6)
    for level, codes in ((0, z), (4, z), (2, z), (2, z[0])):
        with pytest.raises(ValueError, match="Received: level="):
            model.draw_below(level, codes)


def generator_after(top):
    """A generator of seed 4 that has drawn the top level already."""
    rng = np.random.default_rng(4)
    rng.standard_normal(top.shape, dtype="float32")
    return rng


def test_draws_of_the_prior_follow_the_priors():
    model, n = LadderVAE(image_shape=(SIDE, SIDE, 1), latent_dims=(2, 1), widths=(6, 5), seed=0), 50_000
    z = model.draw(n, seed=0)
    rng = np.random.default_rng(5)
    prior = numpy(model.priors[0](rng.standard_normal((n, 1), dtype="float32")))
    expected = prior["mean"] + np.exp(0.5 * prior["log_var"]) * rng.standard_normal((n, 2))
    for column in range(2):
        assert stats.ks_2samp(z[:, column], expected[:, column]).statistic < 0.015


@pytest.mark.parametrize(
    "changes",
    [
        {"latent_dims": ()},
        {"widths": (8,)},
        {"likelihood": "laplace"},
        {"likelihood": "gaussian", "sigma": 0.0},
        {"sigma": "learned"},
    ],
)
def test_bad_arguments_are_refused(changes):
    with pytest.raises(ValueError, match="Received: "):
        build("ladder_vae", **changes)
