"""Hierarchical models: counts, KLs against TensorFlow Probability, a toy with a known likelihood, flows, schedules."""

import keras
import numpy as np
import pytest
from core_models import blobs, build, numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops
from scipy import stats

from green_vae import data
from green_vae.cost import flops, mflops, parameters
from green_vae.keras_internals import layers_inside
from green_vae.models import HierarchicalVAE, hierarchical_vae
from green_vae.models.balancing import balancing
from green_vae.models.layers import SpectralNorms
from green_vae.models.likelihood import log_likelihood, log_weights
from green_vae.networks import hfvae, nvae, nvae_survey
from green_vae.networks.hierarchy import Group, assemble
from green_vae.networks.pixel_flow import channel_mask, pixel_mask, volume_preserving_flow

close = np.testing.assert_allclose
COLOUR = (32, 32, 3)


# counts


@pytest.mark.parametrize(("options", "count"), [({}, 41_805_257), ({"base": 48, "group_dim": 4}, 23_575_615)])
def test_parameters_of_the_authors_hfvae(options, count):
    encoder, bidirectional, decoder = hfvae.build(COLOUR, **options)
    assert parameters(encoder, bidirectional) == count
    assert parameters(encoder, bidirectional, decoder) == count  # the last two share their layers
    if not options:
        assert round((flops(encoder) + flops(bidirectional)) / 1e6, 2) == 1163.19


@pytest.mark.parametrize(("norms", "count", "millions"), [(2, 8_307_921, 4479), (1, 8_305_521, 4478)])
def test_parameters_and_flops_of_the_surveys_nvae(norms, count, millions):
    encoder, bidirectional, _ = nvae_survey.build(COLOUR, final_norms=norms)
    assert parameters(encoder, bidirectional) == count
    assert mflops(flops(encoder) + flops(bidirectional)) == millions


def test_groups_of_the_original_nvae():
    _, bidirectional, _, flow = nvae.build((64, 64, 3), base=4, group_dim=2, groups=(2, 3, 1), cells=1, flows=2)
    shapes = [bidirectional.output[f"z_{n}"].shape[1:] for n in range(1, 6)]
    assert shapes == [(8, 8, 2), (16, 16, 2), (16, 16, 2), (16, 16, 2), (32, 32, 2)]
    assert bidirectional.input["z"].shape[1:] == (8 * 8 * 2,) and flow.output.shape == bidirectional.input["z"].shape
    # every halving doubles the channels, in the features that the encoder gives too
    assert [bidirectional.input[f"features_{n}"].shape[-1] for n in range(1, 6)] == [32, 16, 16, 16, 8]


def test_the_head_of_ten_logistics_by_hand():
    """100 numbers per pixel where an image has 3: one logit, three means, scales and coefficients per component."""
    options = {"base": 4, "group_dim": 2, "groups": (1, 1), "cells": 1, "flows": 0}
    image, mixture = (nvae.build(COLOUR, **options, components=k)[1] for k in (0, 10))
    assert parameters(mixture) - parameters(image) == (9 * 4 + 1) * (100 - 3)
    assert mixture.output["mixture"].shape[1:] == (32, 32, 100)
    assert mixture.output["reconstruction"].shape == image.output["reconstruction"].shape


@pytest.mark.parametrize("network", [hfvae, nvae, nvae_survey])
def test_images_that_do_not_fit(network):
    for shape in ((30, 32, 3), (33, 33, 3)):
        with pytest.raises(ValueError, match="Received: "):
            network.build(shape)


def test_wrong_options():
    with pytest.raises(ValueError, match="choose one of hfvae, nvae, nvae-survey. Received: 'cnn'"):
        HierarchicalVAE(network="cnn")
    with pytest.raises(ValueError, match="expected 3 weights, one per group. Received: "):
        build("hfvae", group_weights=[1.0])
    with pytest.raises(ValueError, match="gaussian, computed_gamma, bernoulli, logistics. Received: 'mixture'"):
        build("hfvae", likelihood="mixture")
    for variant, likelihood in (("hfvae", "logistics"), ("nvae_logistics", "gaussian")):
        with pytest.raises(ValueError, match=f"goes with network='nvae'.* Received: '{likelihood}'"):
            build(variant, likelihood=likelihood)
    with pytest.raises(ValueError, match="'paper', 'code' or None. Received: 'both'"):
        build("hfvae", balance="both")
    with pytest.raises(ValueError, match="final_norms is 2.*Received: 3"):
        nvae_survey.build(COLOUR, final_norms=3)


# divergences


@pytest.mark.parametrize("variant", ["hfvae", "nvae_survey"])
def test_residual_kl_against_tensorflow_probability(variant):
    tfd = pytest.importorskip("tensorflow_probability").distributions
    model = build(variant)
    outputs = model(blobs(5))
    terms = numpy(model.terms(ops.convert_to_tensor(blobs(5) / 255.0), outputs))
    outputs = numpy(outputs)
    total = 0.0
    for n in range(model.groups):
        end = f"_{n}" if n else ""
        log_var = outputs[f"log_var{end}"]
        q = tfd.Normal(outputs[f"mean{end}"], np.exp(0.5 * log_var))
        prior = (outputs[f"prior_mean{end}"], np.exp(0.5 * outputs[f"prior_log_var{end}"])) if n else (0.0, 1.0)
        p = tfd.Normal(*(np.broadcast_to(x, log_var.shape).astype("float64") for x in prior))
        expected = np.asarray(tfd.kl_divergence(q, p)).reshape(5, -1).sum(-1)
        close(terms[f"kl_{n}"], expected, rtol=1e-3, atol=1e-3)
        total += expected
        close(outputs[f"z{end}"].shape, log_var.shape)
    close(terms["kl"], total, rtol=1e-3)


@pytest.mark.parametrize("variant", ["hfvae", "nvae_survey", "nvae"])
def test_without_a_difference_the_posterior_is_the_prior(variant):
    model, x = build(variant), blobs(4)
    for layer in layers_inside(model.bidirectional):
        if layer.name.startswith("delta_"):
            for weight in layer.weights:
                weight.assign(ops.zeros_like(weight))
        if layer.name.startswith("flow_"):
            for weight in layer.weights:
                weight.assign(ops.zeros_like(weight))
    outputs = model(x)
    for n in model.shapes:
        close(ops.convert_to_numpy(model.group_kl(n, outputs)), 0.0, atol=1e-4)


# a toy that can be solved: z ~ N(0, 1), z_1 | z ~ N(a z, s^2), x | z_1 ~ N(b z_1 + c, t^2), all of one dimension

A, B, C, S, T = 0.8, 0.15, 0.5, 0.6, 0.1


def scalar_network(image_shape):
    """The toy with its exact posteriors: q(z|x) and q(z_1|z, x) are Gaussians, linear in x and z."""

    def line(x, slope, offset, **names):
        return layers.Dense(1, kernel_initializer=keras.initializers.Constant(slope),
                            bias_initializer=keras.initializers.Constant(offset), **names)(x)  # fmt: skip

    variance_1 = A**2 + S**2  # of z_1
    variance_x = B**2 * variance_1 + T**2
    gain = A * B / variance_x  # of z, given x
    kept = S**2 * T**2 / (T**2 + B**2 * S**2)  # variance of z_1, given z and x
    pull = kept * B / T**2

    image = keras.Input(image_shape)
    x = layers.Reshape((1,))(image)
    log_var = float(np.log(1 - A**2 * B**2 / variance_x))
    encoder = keras.Model(
        image, {"mean": line(x, gain, -gain * C), "log_var": line(x, 0.0, log_var), "features_1": line(x, 1.0, 0.0)}
    )
    z = keras.Input((1,))
    seed = keras.Model(z, line(z, 1.0, 0.0))
    prior = keras.Model(z, {"map": line(z, 1.0, 0.0), "mean": line(z, A, 0.0), "log_var": line(z, 0.0, 2 * np.log(S))})
    z, told = keras.Input((1,)), keras.Input((1,))
    # posterior mean of z_1 minus prior mean: pull (x - C - B A z)
    difference = layers.Add()([line(told, pull, -pull * C), line(z, -pull * B * A, 0.0)])
    delta = keras.Model([z, told], {"mean": difference, "log_var": line(z, 0.0, float(np.log(kept / S**2)))})
    merged = keras.Model([z, told], layers.Lambda(lambda pair: pair[1])([z, told]))
    z = keras.Input((1,))
    output = keras.Model(z, layers.Reshape(image_shape)(line(z, B, C)))
    return encoder, *assemble(1, seed, [Group(prior, delta, merged)], output)


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(hierarchical_vae.HIERARCHIES, "toy", scalar_network)
    return HierarchicalVAE(image_shape=(1, 1, 1), network="toy", seed=3)


def test_bounds_of_a_toy_whose_likelihood_is_known(toy):
    x = np.linspace(0.05, 0.95, 10).astype("float32").reshape(-1, 1, 1, 1)
    truth = stats.norm(C, np.sqrt(B**2 * (A**2 + S**2) + T**2)).logpdf(x.ravel())
    # with exact posteriors every single draw gives log p(x)
    close(log_likelihood(toy, x, k=1, sigma=T), truth, atol=1e-4)
    # and the bound of the loss, with KLs in closed form, is log p(x) on average
    many = np.repeat(x, 20_000, axis=0)
    outputs = toy(many)
    terms = numpy(toy.terms(ops.convert_to_tensor(many), outputs))
    bound = -terms["reconstruction"] / (2 * T**2) - np.log(T) - 0.5 * np.log(2 * np.pi) - terms["kl"]
    close(bound.reshape(10, -1).mean(1), truth, atol=0.03)


def test_codes_and_images_of_the_toy(toy):
    images = toy.generate(40_000, seed=5).ravel()
    close(images.mean(), C, atol=4e-3)
    close(images.std(), B * np.sqrt(A**2 + S**2), rtol=0.02)
    z = np.array([[-1.0], [2.0]])
    close(toy.decode(z, temperature=0.0).ravel(), C + B * A * z.ravel(), rtol=1e-5)
    spread = np.array([toy.decode(z, seed=seed, temperature=0.5).ravel() for seed in range(300)])
    close(spread.std(0), 0.5 * B * S, rtol=0.15)
    close(toy.generate(3, seed=1, temperature=(0.0, 0.0)).ravel(), C, rtol=1e-6)
    with pytest.raises(ValueError, match="one temperature, or 2. Received: "):
        toy.generate(3, temperature=(1.0, 1.0, 1.0))


# flows


@pytest.mark.parametrize("cells", [1, 2])
def test_the_flow_keeps_volumes_and_its_order(cells):
    shape = (3, 3, 2)
    flow = volume_preserving_flow(shape, cells)
    rng = np.random.default_rng(0)
    for weight in flow.weights:
        weight.assign(0.3 * rng.standard_normal(weight.shape))
    z = rng.standard_normal((1, *shape)).astype("float32")
    step = 1e-2
    jacobian = np.stack(
        [
            np.ravel(flow(z + step * unit) - flow(z - step * unit)) / (2 * step)
            for unit in np.eye(18, dtype="float32").reshape(18, *shape)
        ],
        axis=1,
    )
    close(np.linalg.det(jacobian), 1.0, rtol=5e-3)
    assert np.abs(jacobian - np.eye(18)).max() > 0.05
    if cells == 1:  # in the order of rows, columns, channels
        close(np.triu(jacobian, 1), 0.0, atol=1e-4)
        close(np.diag(jacobian), 1.0, atol=1e-3)


def test_masks():
    assert pixel_mask(3).tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert pixel_mask(3, mirror=True).tolist() == [[0, 0, 0], [0, 0, 1], [1, 1, 1]]
    assert channel_mask(2, 4, exclude_self=True).tolist() == [[0, 0, 1, 1], [0, 0, 0, 0]]
    assert channel_mask(4, 2, exclude_self=False).tolist() == [[1, 1], [1, 1], [0, 1], [0, 1]]
    with pytest.raises(ValueError, match="multiple of the other. Received: 2 and 3"):
        channel_mask(2, 3, exclude_self=True)


def test_the_kl_of_a_flow_is_right_on_average():
    model, x = build("nvae"), np.repeat(blobs(1), 400, axis=0)
    for layer in layers_inside(model):
        if layer.name.startswith("flow_"):
            layer.set_weights([0.0 * weight for weight in layer.get_weights()])
    outputs = model(x)
    for n in range(model.groups):
        estimate = ops.convert_to_numpy(model.group_kl(n, outputs))
        end = f"_{n}" if n else ""
        names = [f"mean{end}", f"log_var{end}", f"prior_mean{end}", f"prior_log_var{end}"]
        mean, log_var, *prior = (ops.convert_to_numpy(outputs[name]) if name in outputs else 0.0 for name in names)
        prior = prior if n else (0.0, 0.0)
        exact = 0.5 * (np.exp(log_var - prior[1]) + (mean - prior[0]) ** 2 / np.exp(prior[1]) - 1 + prior[1] - log_var)
        exact = exact.reshape(400, -1).sum(1).mean()
        assert abs(estimate.mean() - exact) < 5 * estimate.std() / 20 + 1e-3


# schedules and penalties


@pytest.mark.parametrize("rule", ["paper", "code"])
def test_balancing_against_numpy(rule):
    kls = np.random.default_rng(0).normal(1.0, 3.0, (4, 6)).astype("float32")  # estimates: some are negative
    sizes = [8, 8, 32, 128]
    pulls = {
        "paper": np.array(sizes) * abs(kls.mean(1)),
        "code": (abs(kls).mean(1) + 0.01) / [1 / 2, 1 / 2, 4, 16],  # 4^scale / groups of the scale, as the code has it
    }[rule]
    gamma = ops.convert_to_numpy(balancing(list(kls), sizes, rule))
    close(gamma, pulls / pulls.mean(), rtol=1e-5)
    assert gamma.mean() == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize(("balance", "rule"), [(True, "paper"), ("paper", "paper"), ("code", "code")])
def test_balancing_while_the_weight_rises(balance, rule):
    model, x = build("hfvae", balance=balance, warmup_steps=4, group_weights=[1.0, 2.0, 3.0]), blobs(6)
    assert model.get_config()["balance"] == rule
    unit = ops.convert_to_tensor(x / 255.0)
    terms = numpy(model.terms(unit, model(x)))
    kls = np.array([terms[f"kl_{n}"] for n in range(3)])
    sizes = np.array([model.latent_dim, 3, 3])
    pull = {"paper": sizes * kls.mean(1), "code": (kls.mean(1) + 0.01) * [1, 2, 2] / sizes}[rule]
    gamma = pull / pull.mean()
    close(terms["weighted_kl"], (np.array([1.0, 2.0, 3.0]) * gamma) @ kls, rtol=1e-4)
    for _ in range(4):
        model.update_schedule({})
    terms = numpy(model.terms(unit, model(x)))
    close(terms["weighted_kl"], sum((n + 1) * terms[f"kl_{n}"] for n in range(3)), rtol=1e-5)
    assert float(model.term_weights()["weighted_kl"]) == pytest.approx(model.beta)


@given(
    shapes=st.lists(st.tuples(st.integers(1, 8), st.integers(1, 6)), min_size=1, max_size=3), seed=st.integers(0, 99)
)
@settings(max_examples=6, deadline=None)
def test_spectral_norms_are_those_of_numpy(shapes, seed):
    rng = np.random.default_rng(seed)
    matrices = [rng.standard_normal(shape).astype("float32") for shape in shapes]
    norms = SpectralNorms(matrices, seed=seed)
    tensors = [ops.convert_to_tensor(matrix) for matrix in matrices]
    truth = sum(np.linalg.norm(matrix, 2) for matrix in matrices)
    assert float(norms(tensors)) <= truth * (1 + 1e-5)  # from below
    for _ in range(100):
        norms.step(tensors)
    close(float(norms(tensors)), truth, rtol=5e-2)


def test_spectral_term_pulls_at_every_kernel():
    model = build("nvae")
    assert len(model.kernels()) == len(model.norms.vectors) > 20
    widest = max(np.linalg.norm(np.asarray(kernel), 2) for kernel in map(ops.convert_to_numpy, model.kernels()))
    terms = numpy(model.terms(ops.convert_to_tensor(blobs(2) / 255.0), model(blobs(2))))
    assert 0 < terms["spectral"] < len(model.kernels()) * widest
    assert model.term_weights()["spectral"] == 0.01 and "spectral" in model.logged
    assert build("hfvae").norms is None


def test_computed_gamma_takes_the_place_of_the_variance():
    model, x = build("hfvae", likelihood="computed_gamma", beta=1.0, warmup_steps=0), blobs(16)
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    errors = [log / 32**2 for log in model.fit(x, batch_size=16, epochs=3, verbose=0).history["reconstruction"]]
    gamma = mse = 1.0
    for error in errors:
        mse = 0.99 * mse + 0.01 * error
        gamma = min(gamma, mse)
    assert gamma < 1 and model.observation() == ("gaussian", pytest.approx(np.sqrt(gamma), rel=1e-5))
    logs = model.evaluate(x, batch_size=16, verbose=0, return_dict=True)
    assert logs["gamma"] == pytest.approx(gamma, rel=1e-5)
    assert logs["loss"] == pytest.approx(0.5 * logs["reconstruction"] / gamma + logs["kl"], rel=1e-4)


def test_the_bound_of_the_mixture_is_that_of_the_loss():
    model, x = build("nvae_logistics"), blobs(2)
    terms = numpy(model.terms(ops.convert_to_tensor(x / 255.0), model(x)))
    weights = log_weights(model, x, k=60)
    bound = -terms["reconstruction"] - terms["kl"]  # of one draw, as spread as any of these
    assert (abs(weights.mean(1) - bound) < 6 * weights.std(1)).all()
    assert (weights < 0).all()  # probabilities of bytes, not densities


def test_heads_draws_and_losses_are_float32_in_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model, x = build("nvae_logistics"), blobs(2)
        outputs = model(x)
        terms = model.terms(ops.convert_to_tensor(x / 255.0), outputs)
    finally:
        keras.config.set_dtype_policy(before)
    assert "bfloat16" in {layer.compute_dtype for layer in layers_inside(model.encoder)}
    assert {keras.backend.standardize_dtype(value.dtype) for value in {**outputs, **terms}.values()} == {"float32"}
    # drawn from what the heads say, not from what is left of it in 8 bits
    sharp = {**outputs, "log_var": ops.full_like(outputs["log_var"], -200.0)}
    np.testing.assert_array_equal(numpy(model.bend(sharp, model.sample(sharp["mean"], sharp["log_var"])))["z"],
                                  numpy(outputs)["mean"])  # fmt: skip


def test_activity_of_groups():
    model = build("nvae_survey")
    rows = model.activity(blobs(12))
    assert [row["size"] for row in rows] == [model.latent_dim, 256]
    outputs = model.levels(blobs(12))
    ratio = np.exp(outputs["log_var_1"] - outputs["prior_log_var_1"]).mean(0)
    assert rows[1]["active"] == (ratio <= 0.9).sum()
    units = np.exp(outputs["log_var"]) + outputs["mean"] ** 2 - 1 - outputs["log_var"]
    close(rows[0]["kl"], 0.5 * units.sum(1).mean(), rtol=1e-4)


# on real images


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("hfvae", {"base": 4, "latent_dim": 16, "group_dim": 4}),
        ("nvae-survey", {"base": 4, "group_dim": 2, "groups": 2}),
    ],
)
def test_200_steps_on_real_images_stay_finite(network, options, policy):
    try:
        images = data.load("cifar10", "train").images[:400]
    except data.DataNotFoundError as reason:
        pytest.skip(f"real CIFAR-10 is needed: {reason}")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        keras.utils.set_random_seed(0)
        model = HierarchicalVAE(image_shape=COLOUR, network=network, network_options=options, beta=0.01, seed=0)
        model.compile(optimizer=keras.optimizers.Adam(1e-3))
        history = model.fit(images, batch_size=4, epochs=2, verbose=0).history
    finally:
        keras.config.set_dtype_policy(before)
    assert all(np.isfinite(values).all() for values in history.values())
    assert history["loss"][1] < 0.9 * history["loss"][0]
    assert min(history[f"kl_{n}"][1] for n in range(model.groups)) > 0.1  # every group is used
