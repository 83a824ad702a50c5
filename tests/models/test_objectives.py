"""The loss of every variant against independent NumPy, numbers worked out by hand, and finite differences."""

import keras
import numpy as np
import pytest
from core_models import (
    HIERARCHICAL,
    LATENT,
    VARIANTS,
    as_float,
    blobs,
    build,
    examples,
    fixed_weights,
    numpy,
    step,
    vectors,
)
from keras import layers, ops

from green_vae.models import RAE, ComputedGammaVAE, SecondStageVAE
from green_vae.models.train_step import decode_with_gradient, schedules_move

SIGMAS = np.linspace(-1.0, 0.5, 1024)  # log sigma of every pixel


def sse(x, outputs):
    return ((as_float(x).astype("float64") - outputs["reconstruction"]) ** 2).reshape(len(x), -1).sum(axis=1)


def kl(outputs):
    variance = np.exp(outputs["log_var"])
    return 0.5 * (outputs["mean"] ** 2 + variance - np.log(variance) - 1).sum(axis=1)


def estimated_kl(outputs):
    """log q(z|x) - log p(z), from the parts of log q."""
    return (outputs["log_q"] + 0.5 * outputs["z"] ** 2 + 0.5 * np.log(2 * np.pi)).sum(axis=1)


def cross_entropy(x, outputs):
    x, y = as_float(x).astype("float64"), outputs["reconstruction"]
    return -np.where(x > 0, x * np.log(y), 0).sum(axis=(1, 2, 3)) - ((1 - x) * np.log(1 - y)).sum(axis=(1, 2, 3))


def ladder_kl(outputs, levels):
    total = 0
    for level in range(1, levels + 1):
        names = ("mean", "log_var", "prior_mean", "prior_log_var")
        mean_q, log_var_q, mean_p, log_var_p = (outputs[f"{name}_{level}"] for name in names)
        ratio = np.exp(log_var_q - log_var_p)
        unit = ratio - np.log(ratio) - 1 + (mean_q - mean_p) ** 2 / np.exp(log_var_p)
        total = total + 0.5 * unit.sum(axis=1)
    return total


def log_sigma(variant, x, outputs):
    """Of a sigma-VAE, for every value of an image where it is "pixels"; that of "data" has no soft limit."""
    if variant in ("sigma_vae_data", "lagging_vae", "reslag_vae"):
        return np.log(as_float(x).astype("float64").std())
    known = {"sigma_vae_learned": 0.4, "sigma_vae_pixels": SIGMAS}
    value = known[variant] if variant in known else 0.5 * np.log(sse(x, outputs).mean() / x[0].size)
    return -6 + np.log1p(np.exp(value + 6))


def mmd(x, y):
    """The biased squared MMD, pair by pair."""

    def mean(a, b):
        return np.mean([[np.exp(-((p - q) ** 2).mean() / len(p)) for q in b] for p in a])

    return mean(x, x) + mean(y, y) - 2 * mean(x, y)


def transposed_kernels(model):
    """Sum of squares of the decoder's stride-2 transposed kernels: those of rank 4, without the last."""
    kernels = [w.numpy().astype("float64") for w in model.decoder.weights if w.name == "kernel" and len(w.shape) == 4]
    return sum((kernel**2).sum() for kernel in kernels[:-1])  # the last one makes the image


def reference(variant, model, x, outputs):
    if variant in ("vae", "vae_split", "constant_variance_vae", "control_vae"):
        return (0.5 * sse(x, outputs) + 900.0 * kl(outputs)).mean()
    if variant == "autoencoder":
        return 0.5 * sse(x, outputs).mean()
    if variant == "beta_vae":
        return (0.5 * sse(x, outputs) + 900.0 * 0.3 * kl(outputs)).mean()  # after 3 of 10 steps of warm-up
    if variant == "vae_iaf":
        return (0.5 * sse(x, outputs) + estimated_kl(outputs)).mean()
    if variant == "free_bits_vae":  # two groups of two units, with 1/2 nat free
        units = 0.5 * (outputs["mean"] ** 2 + np.exp(outputs["log_var"]) - outputs["log_var"] - 1).mean(axis=0)
        return 0.5 * sse(x, outputs).mean() + 900.0 * sum(max(0.5, pair.sum()) for pair in units.reshape(2, 2))
    if variant == "bernoulli_vae":
        return (cross_entropy(x, outputs) + 900.0 * 0.3 * kl(outputs)).mean()
    if variant == "capacity_vae":  # 9 of 30 nats, after 3 of 10 steps
        return cross_entropy(x, outputs).mean() + 900.0 * abs(kl(outputs).mean() - 9.0)
    if variant == "review_vae":
        return (sse(x, outputs) + 900.0 * kl(outputs)).mean()
    if variant == "review_vae_published":
        units = outputs["mean"] ** 2 + np.exp(outputs["log_var"]) - 0.5 * outputs["log_var"] - 0.5
        return (sse(x, outputs) + 900.0 * units.sum(axis=1)).mean()
    if variant.startswith("info_vae"):
        weight = 100 if variant == "info_vae_sum" else 100 / LATENT
        return (sse(x, outputs) + weight * kl(outputs)).mean() + 800 * mmd(outputs["z"], outputs["prior"])
    if variant.startswith("sigma_vae") or variant in ("lagging_vae", "reslag_vae"):
        log_s = np.broadcast_to(log_sigma(variant, x, outputs), x[0].size)
        errors = ((as_float(x).astype("float64") - outputs["reconstruction"]) ** 2).reshape(len(x), -1)
        nll = (0.5 * errors / np.exp(2 * log_s) + log_s + 0.5 * np.log(2 * np.pi)).sum(axis=1)
        return (nll + 900.0 * kl(outputs)).mean()
    if variant == "ladder_vae":
        return (cross_entropy(x, outputs) + 900.0 * 0.3 * ladder_kl(outputs, levels=3)).mean()
    if variant in ("computed_gamma_vae", "split_vae"):
        return (0.5 * sse(x, outputs) / 0.25 + 900.0 * kl(outputs)).mean()  # gamma 0.25
    if variant in ("second_stage_cosine", "second_stage_both"):
        unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x.astype("float64"), outputs["reconstruction"])]
        loss = -(unit[0] * unit[1]).sum(axis=1)
        if variant == "second_stage_cosine":
            return (loss + 0.005 * kl(outputs)).mean()
        return (loss + 0.0005 * 0.5 * sse(x, outputs) / 0.25 + 0.0075 * kl(outputs)).mean()  # gamma 0.25
    if variant == "second_stage_gaussian":
        nll = 0.5 * sse(x, outputs) / np.exp(2 * 0.4) + 6 * (0.4 + 0.5 * np.log(2 * np.pi))  # log gamma 0.4
        return (nll + kl(outputs)).mean()
    loss = 0.5 * sse(x, outputs) + 20.0 * 0.5 * (outputs["z"] ** 2).sum(axis=1)
    if variant == "rae_l2":
        loss = loss + 3.0 * transposed_kernels(model)
    if variant == "rae_gp":
        loss = loss + 3.0 * (outputs["gradient"] ** 2).sum(axis=1)
    return loss.mean()


def visible_weights(variant):
    """Every term must show in the loss, unlike with the papers' 1e-6 and 0.024."""
    if variant.startswith("rae"):
        return {"latent_weight": 20.0, "regularizer_weight": 3.0}
    if variant == "control_vae":
        return {"lowest": 900.0, "highest": 901.0}  # it starts at the lowest
    if variant.startswith("info_vae"):
        return {"alpha": -99.0, "lambda_": 900.0}
    weighted = variant.endswith(("vae", "vae_split")) or variant.startswith(("review", "sigma"))
    return {"beta": 900.0} if weighted else {}


def test_the_capacity_rises_to_its_end():
    model, x = build("capacity_vae", warmup_steps=4), blobs(4)
    seen = []
    for _ in range(6):
        seen.append(float(model.capacity_now()))
        model.update_schedule({})
    assert seen == [0.0, 7.5, 15.0, 22.5, 30.0, 30.0]
    gap = float(model.terms(x / np.float32(255), model(x))["capacity_gap"])
    assert gap == pytest.approx(abs(float(np.mean(model.terms(x / np.float32(255), model(x))["kl"])) - 30), rel=0.2)
    with pytest.raises(ValueError, match="negative. Received: capacity=-1"):
        build("capacity_vae", capacity=-1)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in HIERARCHICAL])  # test_hierarchy.py
def test_loss_against_numpy(variant, training):
    model, x = build(variant, **visible_weights(variant)), examples(variant, 6)
    for weight in model.weights:
        known = {"steps": 3.0, "gamma": 0.25, "mse": 0.3, "log_gamma": 0.4, "log_sigma": 0.4}
        if weight.name in known and weight.shape == ():
            weight.assign(known[weight.name])
        elif weight.name == "log_sigma":
            weight.assign(SIGMAS)
    loss, outputs = step(model, x, training)
    assert loss == pytest.approx(reference(variant, model, x, numpy(outputs)), rel=1e-4)


def test_the_l2_penalty_is_seen_in_the_loss():
    """Its weight is small; with a large one it must be the loss, of two kernels and of no other weight."""
    model, x = build("rae_l2", regularizer_weight=1.0, latent_weight=0.0), blobs(4)
    assert model.get_config()["regularizer_weight"] == 1.0
    loss, outputs = step(model, x, training=False)
    assert loss - 0.5 * sse(x, numpy(outputs)).mean() == pytest.approx(transposed_kernels(model), rel=1e-4)
    assert transposed_kernels(model) > 1


def test_a_sigma_model_of_the_data_trains_as_a_beta_vae():
    """SSE / (2 s^2) + KL is 1 / s^2 times 1/2 SSE + s^2 KL, and Adam does not see a factor: the same weights, but for
    its epsilon (ResLag study, which gives 2 s^2 beside the SSE).
    """
    x, dense = blobs(8), {"network": "mlp", "network_options": {"widths": (8,)}}
    variance = float((x / 255.0).var())
    models = [build("sigma_vae_data", **dense), build("vae", beta=variance, **dense)]
    for model in models:
        model.compile(optimizer=keras.optimizers.Adam(1e-3, epsilon=1e-12))
        model.fit(x, batch_size=8, epochs=10, verbose=0)
    for one, other in zip(*(model.trainable_weights for model in models), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=2e-4, err_msg=one.path)


def test_info_vae_without_a_discrepancy_is_the_vae():
    """alpha 0, lambda 1 and a summed KL: SSE + KL, which is twice 1/2 SSE + beta KL with a beta of 1/2."""
    info, vae, x = build("info_vae_sum"), build("vae", network="cnn", beta=0.5), blobs(6)
    vae.set_weights(info.get_weights())
    outputs = info(x)
    losses = [float(model.compute_loss(x=ops.convert_to_tensor(x), y_pred=outputs)) for model in (info, vae)]
    assert losses[0] == pytest.approx(2 * losses[1], rel=1e-6)
    with pytest.raises(ValueError, match="kl must be mean or sum.*Received: 'max'"):
        build("info_vae", kl="max")


def test_warm_up_of_the_kl():
    model, x = build("beta_vae", warmup_steps=4), blobs(4)
    seen = []
    for _ in range(6):
        seen.append(float(model.term_weights()["kl"]))
        step(model, x)
    assert seen == [0, 1, 2, 3, 4, 4]
    step(model, x, training=False)
    assert float(model.steps.numpy()) == 6
    assert float(build("beta_vae", warmup_steps=0).term_weights()["kl"]) == 4.0


# computed gamma


def test_gamma_over_several_batches():
    """Every batch is weighted by the gamma of the batches before it; the error per pixel moves it afterwards."""
    model = build("computed_gamma_vae")
    gamma = mse = 1.0
    for seed in range(5):
        x = np.full((4, 32, 32, 1), 40 * seed, "uint8") if seed % 2 else blobs(4, seed)
        loss, outputs = step(model, x)
        outputs = numpy(outputs)
        expected = (0.5 * sse(x, outputs) / gamma + 0.25 * kl(outputs)).mean()
        assert loss == pytest.approx(expected, rel=1e-4), seed
        mse = 0.99 * mse + 0.01 * sse(x, outputs).mean() / 1024
        gamma = min(gamma, mse)
        assert float(model.gamma.gamma.numpy()) == pytest.approx(gamma, rel=1e-5)
        assert float(model.gamma.mse.numpy()) == pytest.approx(mse, rel=1e-5)


def test_gamma_by_hand():
    """Black against a gray of 1/2: the error per pixel is 1/4, over 1,024 pixels 256."""
    model, x = build("computed_gamma_vae"), np.zeros((2, 32, 32, 1), "uint8")
    zeros, gray = np.zeros((2, LATENT), "float32"), np.full((2, 32, 32, 1), 0.5, "float32")
    outputs = {"mean": zeros, "log_var": zeros, "z": zeros, "reconstruction": gray}
    outputs = {name: ops.convert_to_tensor(value) for name, value in outputs.items()}
    with schedules_move():
        losses = [float(model.compute_loss(x=ops.convert_to_tensor(x), y_pred=outputs)) for _ in range(3)]
    # gamma: 1, then 0.99 + 0.01 / 4 = 0.9925, then 0.99 * 0.9925 + 0.0025 = 0.985075
    assert losses == pytest.approx([128.0, 128 / 0.9925, 128 / 0.985075], rel=1e-6)


def test_pixels_of_a_colour_image_include_its_channels():
    model = ComputedGammaVAE(image_shape=(32, 32, 3), latent_dim=4, network="cnn", network_options={"base": 2})
    assert model.pixels == 32 * 32 * 3


# gradient penalty


def total_squares(decoder, z, training):
    images = decoder.stateless_call(decoder.trainable_variables, decoder.non_trainable_variables, z, training=training)
    return (ops.convert_to_numpy(images[0]).astype("float64") ** 2).sum()


@pytest.mark.parametrize("training", [True, False])
def test_the_gradient_of_the_decoder_against_finite_differences(training):
    model = fixed_weights(build("rae_gp"))
    z = 0.5 * np.random.default_rng(0).normal(size=(3, LATENT)).astype("float32")
    images, gradient = decode_with_gradient(model.decoder, ops.convert_to_tensor(z), training)
    gradient, width = ops.convert_to_numpy(gradient), 1e-2
    expected = np.empty_like(gradient)
    for index in np.ndindex(*z.shape):
        ends = []
        for side in (1, -1):
            moved = z.copy()
            moved[index] += side * width
            ends.append(total_squares(model.decoder, moved, training))
        expected[index] = (ends[0] - ends[1]) / (2 * width)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(gradient, expected, rtol=0.02, atol=0.02 * np.abs(expected).max())
    if not training:
        np.testing.assert_allclose(ops.convert_to_numpy(images), model.decode(z), atol=1e-6)


def test_the_penalty_is_the_squared_gradient_and_can_be_learned():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("uses TensorFlow's tape")
    model = fixed_weights(build("rae_gp", regularizer_weight=1.0, latent_weight=0.0))
    x = tf.constant(blobs(3))
    with tf.GradientTape() as tape:
        outputs = model(x, training=False)
        penalty = ops.mean(model.terms(as_float(x.numpy()), outputs)["gradient_penalty"])
    _, gradient = decode_with_gradient(model.decoder, outputs["z"], False)
    assert float(penalty) == pytest.approx((gradient.numpy() ** 2).sum(axis=1).mean(), rel=1e-5)
    kernel = model.decoder.trainable_weights[0]
    slope = tape.gradient(penalty, kernel).numpy()
    before, direction = kernel.numpy(), slope / np.linalg.norm(slope)
    ends = []
    for side in (1, -1):
        kernel.assign(before + side * 1e-3 * direction)  # small: at the kinks of ReLU the penalty jumps
        outputs = model(x, training=False)
        ends.append(float(ops.mean(model.terms(as_float(x.numpy()), outputs)["gradient_penalty"])))
    assert (ends[0] - ends[1]) / 2e-3 == pytest.approx(np.linalg.norm(slope), rel=0.05)


# batch norm


def first_norm(network, x):
    """(first batch norm of a network, its input on x) in training."""
    norm = next(layer for layer in network.layers if isinstance(layer, layers.BatchNormalization))
    before = keras.Model(network.input, norm.input)(x, training=True)
    return norm, ops.convert_to_numpy(before).astype("float64")


@pytest.mark.parametrize("variant", ["autoencoder", "rae_l2", "rae_gp"])
def test_batch_norm_statistics_move_once_per_step(variant):
    """A gradient penalty differentiates the decoder a second time; its statistics must not move a second time."""
    model, twin, x = build(variant), build(variant), blobs(8)
    twin.set_weights(model.get_weights())
    z = twin.encoder(as_float(x), training=True)["z"]
    twin.set_weights(model.get_weights())
    model.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    model.fit(x, batch_size=8, verbose=0)
    for network, own, inputs in ((twin.encoder, model.encoder, as_float(x)), (twin.decoder, model.decoder, z)):
        norm, values = first_norm(network, inputs)
        moved = next(layer for layer in own.layers if isinstance(layer, layers.BatchNormalization))
        mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
        np.testing.assert_allclose(moved.moving_mean.numpy(), 0.01 * mean, rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(moved.moving_variance.numpy(), 0.99 + 0.01 * variance, rtol=1e-5)
        assert norm is not moved


# second stage


def compare(model, x, reconstruction):
    zeros = ops.zeros((len(x), model.latent_dim))
    outputs = {"mean": zeros, "log_var": zeros, "z": zeros, "reconstruction": ops.convert_to_tensor(reconstruction)}
    return float(model.compute_loss(x=ops.convert_to_tensor(x), y_pred=outputs, training=False))


def test_the_cosine_is_rewarded():
    model = SecondStageVAE(latent_dim=2, reconstruction="cosine", widths=(4,))
    x = np.array([[1, 0]], "float32")
    for vector, loss in (([2, 0], -1.0), ([0.6, 0.8], -0.6), ([0, 5], 0.0), ([-3, 0], 1.0)):
        assert compare(model, x, np.array([vector], "float32")) == pytest.approx(loss, abs=1e-6)


def test_the_squared_error_is_the_cosine_for_vectors_of_the_length_of_noise():
    model, rng = SecondStageVAE(latent_dim=4, reconstruction="squared_error", widths=(4,)), np.random.default_rng(0)
    x, y = (2 * v / np.linalg.norm(v, axis=1, keepdims=True) for v in rng.normal(size=(2, 5, 4)).astype("float32"))
    assert compare(model, x, y) == pytest.approx(1 - (x * y).sum(axis=1).mean() / 4, rel=1e-5)
    assert compare(model, x, x + 2) == pytest.approx(0.5 * 4, rel=1e-5)


def cosine(model, x):
    y = model.reconstruct(x, sample=False)
    return ((x * y).sum(axis=1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)).mean()


def test_training_turns_the_vectors_towards_each_other():
    model, x = build("second_stage_cosine"), vectors(64)
    before = cosine(model, x)
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    model.fit(x, batch_size=16, epochs=15, verbose=0)
    assert cosine(model, x) > max(before + 0.2, 0.5)


def test_the_likelihood_against_tensorflow_probability():
    tfp = pytest.importorskip("tensorflow_probability")
    model = SecondStageVAE(latent_dim=3, reconstruction="gaussian", widths=(4,))
    model.log_gamma.assign(-0.7)
    x, y = (np.random.default_rng(seed).normal(size=(5, 3)).astype("float32") for seed in (0, 1))
    normal = tfp.distributions.MultivariateNormalDiag(y.astype("float64"), np.full(3, np.exp(-0.7)))
    assert compare(model, x, y) == pytest.approx(-normal.log_prob(x.astype("float64")).numpy().mean(), rel=1e-5)
    assert any(weight is model.log_gamma for weight in model.trainable_weights)


def test_spectral_norm_adds_no_term():
    assert set(build("rae_sn").term_weights()) == {"reconstruction", "latent"}
    assert build("rae_sn").losses == []
    assert RAE(image_shape=(32, 32, 1), latent_dim=4, network_options={"base": 2}, regularizer="sn").logged == (
        "reconstruction",
        "latent",
    )
