"""The autoregressive network and the flow: against TensorFlow Probability, finite differences, and by hand."""

import keras
import numpy as np
import pytest
from core_models import LATENT, SIDE, blobs, build, numpy, only
from keras import ops
from scipy import stats

from green_vae.models import MODELS
from green_vae.models.flows import FLOWS, InverseAutoregressiveFlow
from green_vae.networks.made import AutoregressiveNetwork, MaskedDense

close = np.testing.assert_allclose
IAF = {"posterior": "iaf", "posterior_options": {"steps": 2, "widths": [8]}}
on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses TensorFlow")


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def scrambled(layer, seed=0, scale=0.7):
    """The layer with random weights: no zero bias, no weak head."""
    for index, weight in enumerate(layer.weights):
        weight.assign(scale * draw(*weight.shape, seed=seed + index))
    return layer


def arrays(outputs):
    return [ops.convert_to_numpy(output).astype("float64") for output in outputs]


# the masked network


def test_masks_by_hand():
    layer = MaskedDense([1, 2, 3], [0, 1, 2])
    np.testing.assert_array_equal(layer.mask(), [[0, 1, 1], [0, 0, 1], [0, 0, 0]])
    strict = MaskedDense([0, 1, 2], [1, 2, 3], strict=True)
    np.testing.assert_array_equal(strict.mask(), [[1, 1, 1], [0, 1, 1], [0, 0, 1]])
    layer.build((None, 3))
    layer.kernel.assign(np.full((3, 3), 2.0))
    layer.bias.assign([10.0, 20.0, 30.0])
    close(ops.convert_to_numpy(layer(np.array([[1.0, 3.0, 5.0]]))), [[10, 22, 38]])
    copy = MaskedDense.from_config(layer.get_config())
    np.testing.assert_array_equal(copy.mask(), layer.mask())


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("dim", "widths"), [(1, (5,)), (4, (9,)), (5, (12, 11)), (6, (3,))])
def test_a_unit_sees_the_units_before_it_and_the_context(dim, widths, reverse):
    network = scrambled(AutoregressiveNetwork(dim, 3, widths, reverse))
    z, context = draw(2, dim), draw(2, 3, seed=1)
    before = arrays(network(z, context))
    place = np.arange(dim)[::-1] if reverse else np.arange(dim)
    for unit in range(dim):
        moved = z.copy()
        moved[:, unit] += 1.5
        for old, new in zip(before, arrays(network(moved, context)), strict=True):
            seen = (old != new).all(axis=0)
            assert not seen[place <= place[unit]].any()
            if widths[0] >= dim:
                assert seen[place > place[unit]].all()
    for old, new in zip(before, arrays(network(z, context + 1.0)), strict=True):
        assert (old != new).all()


def test_the_network_from_its_configuration():
    network = AutoregressiveNetwork(3, 2, (4, 5), reverse=True, gate=1.0)
    copy = AutoregressiveNetwork.from_config(network.get_config())
    assert copy.get_config() == network.get_config() and len(copy.weights) == len(network.weights) == 9
    np.testing.assert_array_equal(network.a.bias.numpy(), [1, 1, 1])
    copy.set_weights(network.get_weights())
    z, context = draw(2, 3), draw(2, 2)
    close(arrays(copy(z, context)), arrays(network(z, context)))


# the flow


def test_a_step_by_hand():
    flow = InverseAutoregressiveFlow(2, 2, steps=1, widths=(4,))
    for weight in flow.weights:
        if len(weight.shape) == 2:
            weight.assign(np.zeros(weight.shape))
    flow.networks[0].m.bias.assign([0.0, 10.0])
    z, log_diagonal = arrays(flow(np.array([[1.0, 3.0]], "float32"), np.zeros((1, 2), "float32")))
    g = 1 / (1 + np.exp(-2.0))
    close(z, [[g, 3 * g + 10 * (1 - g)]], rtol=1e-6)
    close(log_diagonal, [[np.log(g)] * 2], rtol=1e-6)


def jacobian(flow, z, context, width=1e-2):
    """By central differences, (n, out, in)."""
    columns = []
    for unit in range(z.shape[1]):
        ends = [
            arrays(flow(z + side * width * np.eye(z.shape[1], dtype="float32")[unit], context))[0] for side in (1, -1)
        ]
        columns.append((ends[0] - ends[1]) / (2 * width))
    return np.stack(columns, axis=-1)


def test_one_step_has_a_triangular_jacobian_with_g_on_its_diagonal():
    flow = scrambled(InverseAutoregressiveFlow(4, 3, steps=1, widths=(16,)))
    z, context = draw(5, 4), draw(5, 3, seed=1)
    found, log_diagonal = jacobian(flow, z, context), arrays(flow(z, context))[1]
    close(np.triu(found, 1), 0, atol=1e-6)
    assert (np.abs(np.tril(found, -1)).max(axis=0) > 1e-3)[np.tril_indices(4, -1)].all()
    close(np.log(np.einsum("nii->ni", found)), log_diagonal, atol=2e-3)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_log_determinant_against_finite_differences(steps):
    flow = scrambled(InverseAutoregressiveFlow(4, 3, steps=steps, widths=(16, 16)), scale=0.4)
    z, context = draw(5, 4), draw(5, 3, seed=1)
    found = jacobian(flow, z, context)
    close(np.linalg.slogdet(found)[1], arrays(flow(z, context))[1].sum(axis=1), atol=5e-3)
    if steps > 1:  # the second step runs backwards: together they are not triangular
        assert np.abs(np.triu(found, 1)).max() > 1e-2


def bijector(flow, context):
    """The same flow in TensorFlow Probability: inverse masked autoregressive flows, with our networks in them."""
    tfb = pytest.importorskip("tensorflow_probability").bijectors

    def inverse_of(network):
        def shift_and_log_scale(z):  # (z - shift) exp(-log_scale) = g z + (1 - g) m
            m, a = network(z, context)
            g = ops.sigmoid(a)
            return -(1 - g) * m / g, -ops.log(g)

        return tfb.Invert(tfb.MaskedAutoregressiveFlow(shift_and_log_scale))

    return tfb.Chain([inverse_of(network) for network in reversed(flow.networks)])


@on_tensorflow
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_flow_against_tensorflow_probability(steps):
    flow, context = scrambled(InverseAutoregressiveFlow(4, 3, steps=steps, widths=(16,)), scale=0.4), draw(6, 3, seed=1)
    z, expected = draw(6, 4), bijector(flow, context)
    found, log_diagonal = arrays(flow(z, context))
    close(found, expected.forward(z).numpy(), rtol=1e-4, atol=1e-5)
    close(log_diagonal.sum(axis=1), expected.forward_log_det_jacobian(z, 1).numpy(), rtol=1e-4, atol=1e-5)
    close(expected.inverse(found.astype("float32")).numpy(), z, atol=1e-3)  # unit by unit: the network sees no more


@on_tensorflow
def test_the_density_of_a_draw_against_tensorflow_probability():
    tfd = pytest.importorskip("tensorflow_probability").distributions
    model, x = build("vae_iaf"), blobs(6)
    scrambled(model.flow, scale=0.4)
    outputs = model(x)
    known = numpy(outputs)
    base = tfd.MultivariateNormalDiag(outputs["mean"], ops.exp(0.5 * outputs["log_var"]))
    q = tfd.TransformedDistribution(base, bijector(model.flow, outputs["context"]))
    log_q = q.log_prob(outputs["z"]).numpy()
    close(known["log_q"].sum(axis=1), log_q, rtol=1e-3, atol=1e-3)
    log_p = tfd.MultivariateNormalDiag(np.zeros(LATENT, "float32")).log_prob(outputs["z"]).numpy()
    close(ops.convert_to_numpy(model.terms(x / 255.0, outputs)["kl"]), log_q - log_p, rtol=1e-3, atol=1e-3)
    close(ops.convert_to_numpy(model.log_ratio(outputs)), log_q - log_p, rtol=1e-3, atol=1e-3)


def test_the_estimate_of_the_kl_is_right_on_average_and_negative_for_some_draws():
    """With constant gates and no shift z is Gaussian after the flow, too, and its KL has a closed form."""
    model = build("vae_iaf")
    for network in model.flow.networks:
        for layer in (network.m, network.a):
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    n = 40_000
    mean, log_var = np.array([0.3, -0.5, 0.0, 0.1]), np.array([-0.2, 0.5, 0.0, 0.3])
    posterior = {"mean": np.tile(mean, (n, 1)), "log_var": np.tile(log_var, (n, 1)), "context": np.zeros((n, 4))}
    posterior = {name: ops.convert_to_tensor(value.astype("float32")) for name, value in posterior.items()}
    z = model.sample(posterior["mean"], posterior["log_var"])
    estimates = ops.convert_to_numpy(model.kl(model.bend(posterior, z)))
    c = (1 / (1 + np.exp(-2.0))) ** 2
    variance = c**2 * np.exp(log_var)
    exact = 0.5 * ((c * mean) ** 2 + variance - np.log(variance) - 1).sum()
    assert estimates.mean() == pytest.approx(exact, abs=5 * estimates.std() / np.sqrt(n))
    assert estimates.min() < 0


def test_float32_under_mixed_precision():
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build("vae_iaf")
        outputs = model(blobs(3))
    finally:
        keras.config.set_dtype_policy(previous)
    assert {keras.backend.standardize_dtype(outputs[name].dtype) for name in ("context", "z", "log_q")} == {"float32"}
    exact = build("vae_iaf")
    exact.set_weights(model.get_weights())
    again = exact.bend({name: ops.cast(outputs[name], "float32") for name in exact.heads}, outputs["z"])
    policy_free = model.bend({name: outputs[name] for name in model.heads}, outputs["z"])
    close(ops.convert_to_numpy(policy_free["z"]), ops.convert_to_numpy(again["z"]), rtol=1e-6)


# as a posterior


def test_the_gaussian_is_the_default_and_has_nothing_of_a_flow():
    model, plain = build("vae", posterior="gaussian"), build("vae")
    assert model.flow is None and model.heads == ("mean", "log_var")
    assert [(w.name, w.shape) for w in model.weights] == [(w.name, w.shape) for w in plain.weights]
    np.testing.assert_array_equal(model.encoder.weights[0].numpy(), plain.encoder.weights[0].numpy())
    assert set(model(blobs(2))) == {"mean", "log_var", "z", "reconstruction"}
    assert len(build("vae_iaf").weights) > len(model.weights)


TAKERS = {
    "vae": {"network_options": {"base": 2}},
    "beta_vae": {"network_options": {"base": 2}},
    "computed_gamma_vae": {"network": "cnn", "network_options": {"base": 2}},
    "control_vae": {"network_options": {"base": 2}},
    "free_bits_vae": {"network_options": {"base": 2}, "groups": 2},
    "split_vae": {"network": "cnn", "network_options": {"base": 2}},
    "second_stage_vae": {"widths": (8,), "reconstruction": "gaussian", "beta": 1.0},
}


@pytest.mark.parametrize("name", only(TAKERS, "vae", "second_stage_vae"))
def test_any_model_with_one_latent_vector_takes_it(name):
    shape = {} if name == "second_stage_vae" else {"image_shape": (SIDE, SIDE, 1)}
    model = MODELS[name](**shape, latent_dim=4, **TAKERS[name], **IAF, seed=1)
    x = draw(8, 4) if name == "second_stage_vae" else blobs(8)
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    before = [weight.numpy().copy() for weight in model.flow.trainable_weights]
    logs = model.fit(x, batch_size=4, verbose=0).history
    assert np.isfinite([value for values in logs.values() for value in values]).all()
    assert all((weight.numpy() != old).any() for weight, old in zip(model.flow.trainable_weights, before, strict=True))
    assert model.get_config()["posterior"] == "iaf"
    assert model.posterior(x)["context"].shape == (8, 4)


def test_the_residual_network_has_the_context_head_too():
    model = build("computed_gamma_vae", network="resnet", **IAF)
    outputs = model(blobs(2))
    assert set(model.heads) == {"mean", "log_var", "context"} and tuple(outputs["z"].shape) == (2, 4)


def test_codes_are_draws_after_the_flow():
    model, x = build("vae_iaf"), blobs(5)
    posterior = model.posterior(x)
    np.testing.assert_array_equal(model.encode(x), posterior["mean"])
    noise = np.random.default_rng(3).standard_normal((5, LATENT), dtype="float32")
    z = posterior["mean"] + np.exp(0.5 * posterior["log_var"]) * noise
    expected = arrays(model.flow(z, posterior["context"]))[0]
    close(model.encode(x, sample=True, seed=3), expected, rtol=1e-5, atol=1e-7)  # exp of two libraries
    with pytest.raises(ValueError, match="take draws. Received: sample=False"):
        model.reconstruct(x, sample=False)


@pytest.mark.parametrize("name", ["autoencoder", "rae"])
def test_refused_where_there_is_no_single_gaussian(name):
    with pytest.raises(TypeError, match="unexpected keyword argument 'posterior'"):
        MODELS[name](image_shape=(SIDE, SIDE, 1), posterior="iaf")


@pytest.mark.parametrize(
    "changes",
    [
        {"posterior": "flow"},
        {"posterior": None},
        {"posterior_options": {"steps": 2}},
        {"posterior": "iaf", "posterior_options": {"steps": 0}},
        {"posterior": "iaf", "posterior_options": {"steps": 1.5}},
        {"posterior": "iaf", "posterior_options": {"widths": []}},
    ],
)
def test_bad_posteriors_are_refused(changes):
    with pytest.raises(ValueError, match="Received: "):
        build("vae", **changes)


def test_the_flow_from_its_configuration():
    flow = FLOWS["iaf"](3, 2, steps=3, widths=(4, 4), gate=1.5)
    copy = InverseAutoregressiveFlow.from_config(flow.get_config())
    assert copy.get_config() == flow.get_config() and len(copy.networks) == 3
    assert [network.reverse for network in copy.networks] == [False, True, False]


A = np.array([[1.0, 1.0], [1.0, 0.8]], "float32")


def linear_model(posterior):
    """x = A z + noise with a fixed A: z given x is a correlated Gaussian, which independent units cannot follow."""
    model = build("second_stage_gaussian", seed=0, latent_dim=2, widths=(), posterior=posterior)
    kernel = model.decoder.trainable_weights[0]  # z stands there twice
    kernel.assign(0.5 * np.tile(A, (2, 1)))
    model.log_gamma.assign(-1.0)
    model.decoder.trainable = model.log_gamma.trainable = False
    return model


def test_a_flow_follows_what_a_gaussian_cannot():
    x, bounds = draw(256, 2) @ A, {}
    for posterior in ("gaussian", "iaf"):
        model = linear_model(posterior)
        model.compile(optimizer=keras.optimizers.Adam(3e-2))
        model.fit(x, batch_size=128, epochs=50, verbose=0)
        bounds[posterior] = -np.mean(
            [model.evaluate(x, batch_size=256, verbose=0, return_dict=True)["loss"] for _ in range(10)]
        )
    evidence = stats.multivariate_normal(np.zeros(2), A.T @ A + np.exp(-2.0) * np.eye(2)).logpdf(x).mean()
    assert bounds["gaussian"] + 0.5 < bounds["iaf"] < evidence + 0.05


# free bits


def test_the_maximum_is_taken_after_the_batch_mean():
    """Two units, one free nat each: one costs 0 and 4.5 nats, 2.25 on average; the other 0.5 and 0.5."""
    two_units = {"latent_dim": 2, "free_bits": 1.0}
    model = build("free_bits_vae", **two_units, groups=None, beta=3.0)
    mean = ops.convert_to_tensor([[0.0, 1.0], [3.0, 1.0]])
    image = ops.zeros((2, SIDE, SIDE, 1))
    outputs = {"mean": mean, "log_var": ops.zeros((2, 2)), "z": mean, "reconstruction": image}
    terms = {name: ops.convert_to_numpy(term) for name, term in model.terms(image, outputs).items()}
    close(terms["kl"], [0.5, 5.0])
    close(terms["free_kl"], 2.25 + 1.0)
    assert float(model.compute_loss(x=image, y_pred=outputs)) == pytest.approx(3 * 3.25)
    one_group = build("free_bits_vae", **two_units, groups=1)
    close(ops.convert_to_numpy(one_group.terms(image, outputs)["free_kl"]), 2.75)


def test_free_bits_with_a_bernoulli_likelihood():
    x, options = (blobs(3) > 127).astype("float32"), {"seed": 3, "free_bits": 0.0, "beta": 1.0}
    free, plain = (
        build("free_bits_vae", likelihood="bernoulli", **options),
        build("bernoulli_vae", warmup_steps=0, beta=1.0),
    )
    outputs = free(x)
    found, expected = (numpy(model.terms(x, outputs)) for model in (free, plain))
    close(found["reconstruction"], expected["reconstruction"])
    weights = {name: float(weight) for name, weight in free.term_weights().items()}
    assert weights == {"reconstruction": 1.0, "free_kl": 1.0}
    assert free.observation() == ("bernoulli", None) and build("free_bits_vae").observation() is None


@pytest.mark.parametrize("posterior", [{}, IAF])
def test_groups_are_consecutive_units_and_add_up_to_the_kl(posterior):
    model = build("free_bits_vae", free_bits=0.0, groups=2, **posterior)
    outputs = model(blobs(5))
    groups = ops.convert_to_numpy(model.group_kl(outputs))
    assert groups.shape == (5, 2)
    close(groups.sum(axis=1), ops.convert_to_numpy(model.kl(outputs)), rtol=1e-4, atol=1e-5)
    units = ops.convert_to_numpy(build("free_bits_vae", groups=4, **posterior).group_kl(outputs))
    close(groups, units.reshape(5, 2, 2).sum(axis=2), rtol=1e-4, atol=1e-5)


def test_a_group_within_its_allowance_is_not_pulled():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("uses TensorFlow's tape")
    model = build("free_bits_vae", free_bits=1.0, groups=2)
    mean = tf.Variable([[0.1, 0.2, 2.0, 2.0]])
    with tf.GradientTape() as tape:
        rows = {"mean": mean, "log_var": tf.zeros((1, 4)), "z": mean, "reconstruction": tf.zeros((1, SIDE, SIDE, 1))}
        paid = model.terms(tf.zeros((1, SIDE, SIDE, 1)), rows)["free_kl"]
    close(tape.gradient(paid, mean).numpy(), [[0, 0, 2, 2]])


@pytest.mark.parametrize(
    "changes",
    [{"groups": 3}, {"groups": 0}, {"free_bits": -0.1}, {"free_bits": float("nan")}, {"likelihood": "laplace"}],
)
def test_bad_groups_and_allowances_are_refused(changes):
    with pytest.raises(ValueError, match="Received: "):
        build("free_bits_vae", **changes)
