"""The sampling layer and the computed balance, against NumPy and numbers worked out by hand."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from green_vae.models.layers import ComputedGamma, GaussianSample

close = np.testing.assert_allclose


def sample(layer, mean, log_var):
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(mean), ops.convert_to_tensor(log_var)))


def test_mean_and_deviation_of_the_samples():
    mean = np.tile(np.array([-2.0, 0.0, 5.0], "float32"), (40_000, 1))
    std = np.array([0.5, 1.0, 3.0], "float32")
    z = sample(GaussianSample(seed=3), mean, np.tile(2 * np.log(std), (40_000, 1)))
    close(z.mean(0), mean[0], atol=0.06)
    close(z.std(0), std, rtol=0.02)
    noise = (z - mean) / std
    close((noise**3).mean(0), 0, atol=0.1)
    close((noise**4).mean(0), 3, atol=0.2)
    close(np.corrcoef(noise.T), np.eye(3), atol=0.03)  # units do not share noise


def test_log_var_scales_the_same_noise_by_its_half():
    mean = np.full((4, 3), 1.5, "float32")
    narrow = sample(GaussianSample(seed=5), mean, np.zeros((4, 3), "float32")) - mean
    wide = sample(GaussianSample(seed=5), mean, np.full((4, 3), np.log(9.0), "float32")) - mean
    close(wide, 3 * narrow, rtol=1e-4, atol=1e-5)
    none = sample(GaussianSample(seed=5), mean, np.full((4, 3), -200.0, "float32"))
    np.testing.assert_array_equal(none, mean)


def test_noise_is_new_in_every_call_and_follows_the_seed():
    zeros = np.zeros((3, 2), "float32")
    layer = GaussianSample(seed=1)
    first, second = sample(layer, zeros, zeros), sample(layer, zeros, zeros)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(sample(GaussianSample(seed=1), zeros, zeros), first)
    assert not np.array_equal(sample(GaussianSample(seed=2), zeros, zeros), first)
    assert not np.array_equal(sample(GaussianSample(), zeros, zeros), sample(GaussianSample(), zeros, zeros))


def test_mixed_precision_rounds_no_mean_before_the_draw():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer, mean = GaussianSample(seed=0), np.array([[1.001, -2.003]], "float32")  # between numbers of 8 bits
        np.testing.assert_array_equal(sample(layer, mean, np.full((1, 2), -200.0, "float32")), mean)
    finally:
        keras.config.set_dtype_policy(before)


def test_samples_are_float32_whatever_comes_in():
    half = ops.zeros((2, 3), dtype="bfloat16")
    assert keras.backend.standardize_dtype(GaussianSample(seed=0)(half, half).dtype) == "float32"
    z = sample(GaussianSample(seed=0), np.zeros((2, 4, 4, 3), "float32"), np.zeros((2, 4, 4, 3), "float32"))
    assert z.shape == (2, 4, 4, 3)


def sampling_model(seed):
    mean, log_var = keras.Input((2,)), keras.Input((2,))
    return keras.Model([mean, log_var], GaussianSample(seed=seed)(mean, log_var))


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_the_state_of_the_generator_is_saved(suffix, tmp_path):
    zeros, path = np.zeros((3, 2), "float32"), tmp_path / f"model{suffix}"
    model, other = sampling_model(1), sampling_model(2)
    model([zeros, zeros])
    model.save(path) if suffix == ".keras" else model.save_weights(path)
    expected = ops.convert_to_numpy(model([zeros, zeros]))
    if suffix == ".keras":
        other = keras.models.load_model(path)
    else:
        other.load_weights(path)
    np.testing.assert_array_equal(ops.convert_to_numpy(other([zeros, zeros])), expected)


def test_gradient_of_the_sample():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("uses TensorFlow's tape")
    mean, log_var = tf.zeros((1, 3)), tf.fill((1, 3), np.log(4.0).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch([mean, log_var])
        z = GaussianSample(seed=3)(mean, log_var)
    d_mean, d_log_var = tape.gradient(z, [mean, log_var])
    close(d_mean, np.ones((1, 3)))
    close(d_log_var, 0.5 * z.numpy(), rtol=1e-5)  # d/dv exp(v / 2) noise = z / 2 at mean 0


def state(layer):
    return float(layer.mse.numpy()), float(layer.gamma.numpy())


def test_first_steps_by_hand():
    layer = ComputedGamma()
    assert state(layer) == (1.0, 1.0)
    expected = [(0.5, 0.995, 0.995), (0.1, 0.98605, 0.98605), (3.0, 1.0061895, 0.98605), (0.0, 0.996127605, 0.98605)]
    for batch_mse, mse, gamma in expected:
        before = state(layer)[1]
        value = layer.value()
        layer.update(batch_mse)
        assert float(value) == before  # read before the update: the gamma of the batches before
        close(state(layer), (mse, gamma), rtol=1e-6)
        assert float(layer.value()) == state(layer)[1]


def test_other_start_and_momentum():
    layer = ComputedGamma(start=0.2, momentum=0.5)
    layer.update(0.1)
    close(state(layer), (0.15, 0.15), rtol=1e-6)
    layer.update(0.45)
    close(state(layer), (0.3, 0.15), rtol=1e-6)


@pytest.mark.parametrize(
    ("minimum", "expected"),
    [("gamma", [(0.75, 0.75), (1.875, 0.75), (0.9375, 0.75), (0.46875, 0.46875)]),
     ("average", [(0.75, 0.75), (0.75, 0.75), (0.375, 0.375), (0.1875, 0.1875)]),
     ("none", [(0.75, 0.75), (1.875, 1.875), (0.9375, 0.9375), (0.46875, 0.46875)])],
)  # fmt: skip
def test_what_never_rises_by_hand(minimum, expected):
    layer = ComputedGamma(momentum=0.5, minimum=minimum)
    for error, (mse, gamma) in zip([0.5, 3.0, 0.0, 0.0], expected, strict=True):
        layer.update(error)
        close(state(layer), (mse, gamma), rtol=1e-6)
    assert ComputedGamma.from_config(layer.get_config()).minimum == minimum


def test_another_minimum_is_refused():
    with pytest.raises(ValueError, match="gamma, average, none. Received: 'lowest'"):
        ComputedGamma(minimum="lowest")


def reference(errors, start=1.0, momentum=0.99):
    """Independent: gamma as the smallest running average so far, the averages by their closed form."""
    averages = []
    for n in range(len(errors) + 1):
        taken = sum(error * momentum ** (n - 1 - index) for index, error in enumerate(errors[:n]))
        averages.append(start * momentum**n + (1 - momentum) * taken)
    return averages, np.minimum.accumulate(averages)


def test_fifty_batches_with_falling_and_rising_errors():
    errors = [0.6 * 0.9**i for i in range(25)] + [0.05 * 1.3**i for i in range(25)]
    averages, gammas = reference(errors)
    layer, seen = ComputedGamma(), []
    for error in errors:
        layer.update(np.float32(error))
        seen.append(state(layer))
    close([mse for mse, _ in seen], averages[1:], rtol=1e-4)
    close([gamma for _, gamma in seen], gammas[1:], rtol=1e-4)
    assert seen[-1][0] > seen[24][0]  # mse rose
    assert (np.diff([gamma for _, gamma in seen]) <= 0).all()  # gamma did not


@settings(max_examples=30, deadline=None)
@given(errors=st.lists(st.floats(0, 5, width=32), min_size=1, max_size=12))
def test_any_errors(errors):
    layer = ComputedGamma(momentum=0.7)
    for error in errors:
        layer.update(error)
    averages, gammas = reference(errors, momentum=0.7)
    close(state(layer), (averages[-1], gammas[-1]), rtol=1e-4, atol=1e-6)


def test_gamma_is_no_parameter_and_is_restored():
    layer = ComputedGamma(start=0.5, momentum=0.9)
    assert not layer.trainable_weights and len(layer.non_trainable_weights) == 2
    layer.update(0.1)
    copy = ComputedGamma.from_config(layer.get_config())
    assert (copy.start, copy.momentum) == (0.5, 0.9)
    assert state(copy) == (0.5, 0.5)
    copy.set_weights(layer.get_weights())
    assert state(copy) == state(layer)
