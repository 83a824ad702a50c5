"""Regularised autoencoders by their formulas: the Jacobian in closed form, Hutchinson's estimate, L2; and CV-VAE."""

import keras
import numpy as np
import pytest
from core_models import SIDE, as_float, blobs, fixed_weights, loss_of, numpy, step
from keras import layers, ops

from green_vae.models import RAE, ConstantVarianceVAE
from green_vae.models.jacobian import decode_with_jacobian
from green_vae.models.train_step import decode_with_gradient

DENSE = {"image_shape": (8, 8, 1), "latent_dim": 3, "network": "mlp", "network_options": {"widths": [6]}, "seed": 7}
GP = {**DENSE, "regularizer": "gp", "regularizer_weight": 2.0, "latent_weight": 0.0}
X = blobs(6, side=8)


@pytest.fixture(scope="module")
def linear():
    """(a decoder x = W z + b, W of shape (12, 3), codes, directions of signs)."""
    rng = np.random.default_rng(0)
    z = keras.Input((3,))
    decoder = keras.Model(z, layers.Reshape((2, 3, 2))(layers.Dense(12)(z)))
    kernel, bias = rng.normal(size=(3, 12)).astype("float32"), rng.normal(size=12).astype("float32")
    decoder.set_weights([kernel, bias])
    codes = rng.normal(size=(5, 3)).astype("float32")
    return decoder, kernel.T.astype("float64"), codes, rng.choice([-1.0, 1.0], (5, 3)).astype("float32")


def squared(decoder, z, directions=None, training=False):
    directions = None if directions is None else ops.convert_to_tensor(directions)
    images, found = decode_with_jacobian(decoder, ops.convert_to_tensor(z), directions, training)
    return ops.convert_to_numpy(images), ops.convert_to_numpy(found).astype("float64")


def test_a_linear_decoder_has_its_kernel_as_jacobian(linear):
    decoder, kernel, z, directions = linear
    images, exact = squared(decoder, z)
    np.testing.assert_allclose(images, decoder(z), rtol=1e-6)
    np.testing.assert_allclose(exact, np.full(5, (kernel**2).sum()), rtol=1e-6)
    _, along = squared(decoder, z, directions)
    np.testing.assert_allclose(along, ((directions @ kernel.T) ** 2).sum(axis=1), rtol=1e-6)


def test_the_form_of_the_code_is_the_jacobian_along_the_image(linear):
    decoder, kernel, z, _ = linear
    images, gradient = decode_with_gradient(decoder, ops.convert_to_tensor(z), False)
    flat = ops.convert_to_numpy(images).reshape(5, -1).astype("float64")
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), 2 * flat @ kernel, rtol=1e-5)


def test_noise_adds_the_jacobian_to_the_error(linear):
    """E ||D(z + s e) - x||^2 = ||D(z) - x||^2 + s^2 ||J||^2, exactly where D is linear: CV-VAE and GP."""
    decoder, kernel, z, _ = linear
    rng, sigma, n = np.random.default_rng(1), 0.7, 200_000
    x = rng.normal(size=12)
    base = z[0] @ kernel.T + decoder.get_weights()[1]
    noisy = base + sigma * rng.normal(size=(n, 3)) @ kernel.T
    errors = ((noisy - x) ** 2).sum(axis=1)
    expected = ((base - x) ** 2).sum() + sigma**2 * squared(decoder, z)[1][0]
    assert errors.mean() == pytest.approx(expected, abs=4 * errors.std() / np.sqrt(n))


def test_hutchinsons_mean_is_the_exact_norm():
    """Of a decoder that is not linear; for signs v the variance of ||J v||^2 is twice the sum of squares beside the
    diagonal of J^T J."""
    decoder, n = fixed_weights(RAE(**GP)).decoder, 20_000
    z = np.repeat(np.array([[0.4, -0.8, 0.3]], "float32"), n, axis=0)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], z.shape).astype("float32")
    found, (exact,) = squared(decoder, z, signs)[1], squared(decoder, z[:1])[1]
    assert exact > 0.1 and found.std() > 0.05 * exact
    assert found.mean() == pytest.approx(exact, abs=4 * found.std() / np.sqrt(n))
    columns = np.stack([ops.convert_to_numpy(decoder(z[:1] + 1e-2 * unit)) for unit in np.eye(3, dtype="float32")])
    columns = (columns.reshape(3, -1) - ops.convert_to_numpy(decoder(z[:1])).reshape(1, -1)) / 1e-2
    gram = columns @ columns.T
    assert found.var() == pytest.approx(2 * (gram**2).sum() - 2 * (np.diag(gram) ** 2).sum(), rel=0.1)


@pytest.fixture
def normed():
    """A decoder with batch norm after a dense layer and a transposed convolution, and codes."""
    z = keras.Input((3,))
    x = layers.BatchNormalization(momentum=0.9)(layers.Dense(8)(z))
    x = layers.Conv2DTranspose(2, 3, strides=2, padding="same")(layers.Reshape((2, 2, 2))(layers.Activation("tanh")(x)))
    decoder = fixed_weights(keras.Model(z, layers.Activation("sigmoid")(layers.BatchNormalization(momentum=0.9)(x))))
    return decoder, np.random.default_rng(2).normal(size=(7, 3)).astype("float32")


def norms(decoder):
    return [layer for layer in decoder.layers if isinstance(layer, layers.BatchNormalization)]


def test_batch_norm_is_held_at_the_statistics_of_the_batch(normed):
    """Against finite differences of a twin in evaluation whose moving statistics are those of the batch."""
    decoder, z = normed
    twin = keras.models.clone_model(decoder)
    twin.set_weights(decoder.get_weights())
    for norm in norms(twin):
        norm.momentum = 0.0
    trained = ops.convert_to_numpy(twin(z, training=True))
    images, found = squared(decoder, z, training=True)
    np.testing.assert_allclose(images, trained, rtol=1e-5)
    expected, width = np.zeros(7), 1e-2
    for unit in np.eye(3, dtype="float32"):
        ends = [ops.convert_to_numpy(twin(z + side * width * unit)).astype("float64") for side in (1, -1)]
        expected += (((ends[0] - ends[1]) / (2 * width)) ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=2e-3)
    evaluated = squared(decoder, z)[1]
    assert np.abs(evaluated / found - 1).max() > 0.1  # by the moving statistics it is another network
    for own, other in zip(norms(decoder), norms(twin), strict=True):  # moved once, by a tenth
        start = np.asarray(fixed_weights(keras.models.clone_model(decoder)).get_layer(own.name).moving_mean)
        np.testing.assert_allclose(own.moving_mean, 0.9 * start + 0.1 * np.asarray(other.moving_mean), rtol=1e-4)


def test_a_scale_that_batch_norm_undoes_does_not_lower_the_penalty(normed):
    decoder, z = normed
    for norm in norms(decoder):
        norm.epsilon = 1e-9
    before = squared(decoder, z, training=True)[1]
    kernel = decoder.layers[1].kernel
    kernel.assign(0.2 * ops.convert_to_tensor(kernel))
    decoder.layers[1].bias.assign(np.zeros(8))
    np.testing.assert_allclose(squared(decoder, z, training=True)[1], before, rtol=1e-3)


def test_batch_norm_within_a_layer_is_refused(normed):
    outer = keras.Sequential([keras.Input((3,)), normed[0]])
    with pytest.raises(ValueError, match="not within a layer. Received: sequential"):
        squared(outer, normed[1], training=True)


@pytest.mark.parametrize("gradient", ["jacobian", "hutchinson"])
def test_the_penalty_is_seen_in_the_loss_and_can_be_learned(gradient):
    """Its slope along itself against a difference of two losses."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("uses TensorFlow's tape")
    model = fixed_weights(RAE(**GP, gradient=gradient))
    loss, outputs = step(model, X, training=False)
    outputs = numpy(outputs)
    error = 0.5 * ((as_float(X) - outputs["reconstruction"]) ** 2).sum(axis=(1, 2, 3))
    assert loss == pytest.approx((error + 2.0 * outputs["squared_jacobian"]).mean(), rel=1e-5)

    def penalty():
        model.sample.restart(3)
        return ops.mean(model(tf.constant(X), training=False)["squared_jacobian"])

    kernel = model.decoder.trainable_weights[0]
    with tf.GradientTape() as tape:
        value = penalty()
    slope, before, ends = tape.gradient(value, kernel).numpy(), kernel.numpy(), []
    for side in (1, -1):
        kernel.assign(before + side * 1e-2 * slope / np.linalg.norm(slope))
        ends.append(float(penalty()))
    assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(np.linalg.norm(slope), rel=0.02)


def test_l2_of_the_decoder_is_that_of_all_its_trained_weights():
    model = RAE(**{**DENSE, "network_options": {"widths": (6,), "normed": True}}, l2_on="decoder",
                regularizer_weight=0.5, latent_weight=0.0)  # fmt: skip
    loss, outputs = step(model, X, training=False)
    weights = sum((np.asarray(w, "float64") ** 2).sum() for w in model.decoder.trainable_weights)
    moving = sum((np.asarray(w, "float64") ** 2).sum() for w in model.decoder.non_trainable_weights)
    error = 0.5 * ((as_float(X) - numpy(outputs)["reconstruction"]) ** 2).sum(axis=(1, 2, 3)).mean()
    assert weights > 1 and moving > 1 and model.losses == []
    assert loss == pytest.approx(error + 0.5 * weights, rel=1e-5)
    assert model.logged == ("reconstruction", "latent", "squared_weights")


def test_the_two_forms_of_l2_penalise_other_weights():
    forms = {}
    for l2_on in ("stride2", "decoder"):
        keras.utils.set_random_seed(1)
        model = RAE(image_shape=(SIDE, SIDE, 1), latent_dim=3, network_options={"base": 2}, seed=1, l2_on=l2_on,
                    regularizer_weight=1.0)  # fmt: skip
        forms[l2_on] = loss_of(model, blobs(2))
    assert forms["decoder"] > forms["stride2"] + 1


REFUSED = {
    "l2_on='all'": {"l2_on": "all"},
    "sn_on='all' with 'l2'": {"sn_on": "all"},
    "gradient='exact'": {"regularizer": "gp", "gradient": "exact"},
    "l2_on='decoder' with 'gp'": {"regularizer": "gp", "l2_on": "decoder"},
    "gradient='jacobian' with 'sn'": {"regularizer": "sn", "gradient": "jacobian"},
}


@pytest.mark.parametrize("received", REFUSED)
def test_a_form_of_another_regulariser_is_refused(received):
    with pytest.raises(ValueError, match=received.split("=")[0]) as caught:
        RAE(**DENSE, **REFUSED[received])
    assert f"Received: {received}" in str(caught.value).replace("Received: 'all'", "Received: l2_on='all'").replace(
        "Received: 'exact'", "Received: gradient='exact'"
    )


def test_a_resumed_training_goes_on_to_the_bit(tmp_path):
    """Signs of Hutchinson's estimate included: two epochs at once, or one, a file, and another one."""

    def fitted(model, epochs):
        model.fit(X, batch_size=3, epochs=epochs, shuffle=False, verbose=0)
        return model

    whole, parts = (RAE(**{**GP, "gradient": "hutchinson"}) for _ in range(2))
    parts.set_weights(whole.get_weights())
    for model in (whole, parts):
        model.compile(keras.optimizers.SGD(1e-3, momentum=0.9))
    start = np.asarray(whole.sample.generator.state)
    fitted(whole, 2)
    fitted(parts, 1).save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    assert resumed.get_config() == parts.get_config() and resumed.gradient == "hutchinson"
    fitted(resumed, 1)
    for own, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    state = np.asarray(resumed.sample.generator.state)
    np.testing.assert_array_equal(state, np.asarray(whole.sample.generator.state))
    assert not np.array_equal(state, start)


# CV-VAE


def test_the_kl_of_a_constant_variance_is_half_the_squared_mean_and_a_constant():
    """Survey (16), whose factor 1/2 is amiss; against the whole KL of two Gaussians."""
    model = ConstantVarianceVAE(**DENSE, sigma=0.4, beta=3.0)
    loss, outputs = step(model, X, training=False)
    outputs = numpy(outputs)
    norm = 0.5 * (outputs["mean"] ** 2).sum(axis=1)
    constant = 3 * (0.5 * 0.4**2 - 0.5 - np.log(0.4))
    error = 0.5 * ((as_float(X) - outputs["reconstruction"]) ** 2).sum(axis=(1, 2, 3))
    assert loss == pytest.approx((error + 3.0 * (norm + constant)).mean(), rel=1e-5)
    np.testing.assert_allclose(outputs["log_var"], 2 * np.log(0.4), rtol=1e-6)
    assert outputs["z"].std() != outputs["mean"].std()


def test_codes_are_noised_by_sigma():
    model = ConstantVarianceVAE(**DENSE, sigma=0.4)
    images = np.repeat(X[:1], 4000, axis=0)
    noise = model.encode(images, sample=True, seed=1, batch_size=4000) - model.encode(images, batch_size=4000)
    np.testing.assert_allclose(noise.std(axis=0), 0.4, rtol=0.05)
    assert not any("log_var" in weight.path for weight in model.encoder.weights)  # no head that nothing trains
    with pytest.raises(ValueError, match="above 0. Received: 0"):
        ConstantVarianceVAE(**DENSE, sigma=0)
