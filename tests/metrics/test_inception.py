"""The extractor, from weights of every format, against Keras's network set by hand."""

import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest

from green_vae.metrics import FIDEvaluator, InceptionExtractor, frechet_from_moments
from green_vae.metrics.inception import (
    build_network,
    in_bfloat16,
    network_input,
    network_units,
    pooled_model,
    read_slim,
)
from green_vae.metrics.resize import resized

from .conftest import SHAPES, write_npz

# Keras's own reading of TensorFlow variables, with NumPy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLOSE = {"rtol": 1e-3, "atol": 1e-4}


def half_pixel(line, size):
    """Bilinear interpolation of a line at half-pixel centres, no antialiasing, edges held: by definition."""
    places = (np.arange(size) + 0.5) * len(line) / size - 0.5
    return np.interp(places, np.arange(len(line)), line.astype("float64"))


@pytest.fixture(scope="module")
def extractor(full_npz):
    """All layers in one pass; four images at a time, so that five are a batch and a rest."""
    return InceptionExtractor(("64", 192, "768", "mixed8", 2048), path=full_npz, batch_size=4)


def test_every_layer_in_one_pass(extractor, images, features):
    assert extractor.layers == ("64", "192", "mixed7", "mixed8", "avg_pool")
    measured = extractor(images[:4])
    assert [value.shape for value in measured.values()] == [(4, d) for d in (64, 192, 768, 1280, 2048)]
    for layer, value in measured.items():
        np.testing.assert_allclose(value, features[layer][:4], err_msg=layer, **CLOSE)
        assert value.std() > 1e-3  # something passed through


def test_the_last_batch_has_no_false_rows(extractor, images, features):
    rest = extractor(images[4:], ["mixed8", "avg_pool"])
    assert list(rest) == ["mixed8", "avg_pool"]
    for layer, value in rest.items():
        np.testing.assert_allclose(value, features[layer][4:], **CLOSE)
    with pytest.raises(ValueError, match="at most batch_size=4 images at a time. Received: 5"):
        extractor(images)


def test_a_rule_reaches_the_network(extractor, images):
    """The same network, given images that were resized before: then there is nothing left to resize."""
    plain, same = (extractor(x, ("64",))["64"] for x in (images[:2], np.asarray(resized(images[:2], "nearest"))))
    nearest = pooled_model(extractor._network, ("64",), "nearest").predict_on_batch(images[:2])["64"]
    np.testing.assert_allclose(nearest, same, **CLOSE)
    assert np.abs(nearest - plain).max() > 1e-3


def test_deeper_layers_are_not_computed(extractor):
    shallow = pooled_model(extractor._network, ("192", "mixed8"))
    trunk = next(layer for layer in shallow.layers if isinstance(layer, keras.Model))
    assert "mixed8" in {layer.name for layer in trunk.layers}
    assert not {layer.name for layer in trunk.layers} & {"mixed9", "mixed10"}
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in trunk.layers) == 76


def test_slim_checkpoint(checkpoint, arrays, images, features):
    """End to end; the extras of a training checkpoint are left alone."""
    for unit, expected in zip(read_slim(checkpoint), arrays, strict=True):
        for array, original in zip(unit, expected, strict=True):
            np.testing.assert_array_equal(array, original)
    extractor = InceptionExtractor(("avg_pool",), path=checkpoint, batch_size=2)
    assert extractor.protocols["avg_pool"].label == "FID"
    assert InceptionExtractor((64,), path=f"{checkpoint}.index").path == extractor.path == checkpoint
    np.testing.assert_allclose(extractor(images[:2])["avg_pool"], features["avg_pool"][:2], **CLOSE)


def test_slim_checkpoint_of_the_first_format(arrays, tmp_path):
    """One file, as the published one of 2016 is."""
    tf = pytest.importorskip("tensorflow")
    kernel, beta, mean, variance = arrays[0]
    base = "InceptionV3/Conv2d_1a_3x3"
    names = [f"{base}/weights", *(f"{base}/BatchNorm/{name}" for name in ("beta", "moving_mean", "moving_variance"))]
    path = tmp_path / "inception_v3.ckpt"
    tf.raw_ops.Save(filename=str(path), tensor_names=names, data=[kernel, beta, mean, variance])
    assert path.is_file()
    np.testing.assert_array_equal(read_slim(path, 1)[0][0], kernel)
    with pytest.raises(ValueError, match="lacks 4 variables, the first InceptionV3/Conv2d_2a_3x3/weights"):
        read_slim(path, 2)


@pytest.mark.parametrize("name", ["inception.weights.h5", pytest.param("notop.h5", marks=pytest.mark.slow)])
def test_keras_files_old_and_new(name, network, arrays, tmp_path):
    path = tmp_path / name
    if name.endswith(".weights.h5"):
        network.save_weights(path)
    else:
        legacy = pytest.importorskip("keras.src.legacy.saving.legacy_h5_format")
        import h5py

        with h5py.File(path, "w") as file:
            legacy.save_weights_to_hdf5_group(file, network)
    for (convolution, norm), unit in zip(network_units(build_network(path)), arrays, strict=True):
        for array, expected in zip(convolution.get_weights() + norm.get_weights(), unit, strict=True):
            np.testing.assert_array_equal(array, expected)
    assert InceptionExtractor(("avg_pool",), path=path).protocols["avg_pool"].label == "FID"
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ValueError, match=f"{name}.*Received: .* of 100,000 bytes"):
        build_network(path)


def test_weights_are_matched_by_creation_not_by_depth_or_count(full_npz, arrays):
    """Also where the process made convolutions before, so that the names start at another number."""
    keras.layers.Conv2D(1, 1), keras.layers.BatchNormalization()
    units = network_units(build_network(full_npz, 94))
    assert [tuple(convolution.kernel.shape) for convolution, _ in units] == SHAPES
    for number in (0, 40, 79, 93):
        np.testing.assert_array_equal(units[number][0].get_weights()[0], arrays[number][0])
        np.testing.assert_array_equal(units[number][1].get_weights()[2], arrays[number][3])


def test_weights_that_do_not_fit_are_refused(arrays, tmp_path):
    bad = [list(unit) for unit in arrays[:5]]
    bad[3][1] = np.full_like(bad[3][1], np.nan)
    with pytest.raises(
        ValueError, match="NaN or infinite numbers, or no numbers, in convolution 4, beta.*Received: .*nan.npz"
    ):
        build_network(write_npz(tmp_path / "nan.npz", bad, 5), 5)
    bad[3] = arrays[2]
    with pytest.raises(ValueError, match=r"wrong shape of convolution 4, kernel.*\(3, 3, 32, 64\)"):
        build_network(write_npz(tmp_path / "shape.npz", bad, 5), 5)


def test_the_users_settings_and_random_numbers_are_left_alone(full_npz):
    """Mixed precision would change features, and initialisers of our network must not change a seeded training."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        random.seed(5)
        network = build_network(full_npz, 3)
        model = pooled_model(network, ("64",))
        assert random.random() == random.Random(5).random()
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in network.layers + model.layers} == {"float32"}


def small_network():
    """Three convolutions with batch norm, a pool behind the first, and a branch, named as in Keras's network."""
    x = inputs = keras.Input((15, 15, 3))
    for name in ("", "_1", "_2"):
        x = keras.layers.Conv2D(8, 3, use_bias=False, name=f"conv2d{name}")(x)
        x = keras.layers.BatchNormalization(scale=False, epsilon=1e-3, name=f"batch_normalization{name}")(x)
        x = keras.layers.Activation("relu")(x)
        x = x if name else keras.layers.MaxPooling2D(3, 1)(x)
    return keras.Model(inputs, keras.layers.concatenate([x, keras.layers.AveragePooling2D(3, 1, "same")(x)]))


def test_batch_norm_within_the_kernels_in_bfloat16():
    """Beside the float32 network that it is made of, which stays as it was."""
    rng, network = np.random.default_rng(0), small_network()
    for convolution, norm in network_units(network):
        convolution.set_weights([0.3 * rng.standard_normal(convolution.kernel.shape)])
        norm.set_weights([rng.standard_normal(8), rng.standard_normal(8), rng.uniform(0.2, 4, 8)])
    rounded = in_bfloat16(network)
    assert [layer.compute_dtype for layer in rounded.layers[1:]] == 4 * ["float32"] + 8 * ["bfloat16"]
    assert rounded.output.dtype == "bfloat16"
    assert {weight.dtype for weight in rounded.weights} == {"float32"} and not rounded.trainable_variables
    x = rng.uniform(-1, 1, (5, 15, 15, 3)).astype("float32")
    expected, found = (np.asarray(keras.ops.cast(net(x), "float32")) for net in (network, rounded))
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert 1e-4 < error < 2**-7
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def test_features_in_bfloat16(full_npz, images, features):
    """The whole way. Random weights amplify rounding more than trained ones do: the first layers are near."""
    extractor = InceptionExtractor(("64", "192"), path=full_npz, batch_size=5, precision="bfloat16")
    found = extractor(images)
    assert {value.dtype.name for value in found.values()} == {"float32"}
    error = {layer: np.linalg.norm(x - features[layer]) / np.linalg.norm(features[layer]) for layer, x in found.items()}
    assert error["64"] < 1e-4 < error["192"] < 0.02  # the first max pool, and the second
    assert {protocol.precision for protocol in extractor.protocols.values()} == {"bfloat16"}


@pytest.mark.parametrize("size", [8, 700])
def test_resize_rule(size):
    """Half-pixel bilinear without antialiasing, also when shrinking; then 2x - 1."""
    line = np.random.default_rng(size).random(size).astype("float32")
    image = np.broadcast_to(line[None, None, :, None], (1, size, size, 3))
    expected = 2 * half_pixel(line, 299) - 1
    for images, row in ((image, np.s_[0, 17, :, 1]), (image.swapaxes(1, 2), np.s_[0, :, 17, 1])):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(network_input(images))[row], expected, atol=3e-4)
        if keras.config.backend() == "tensorflow":
            import tensorflow as tf

            np.testing.assert_allclose(network_input(images), 2 * tf.image.resize(images, (299, 299)) - 1, atol=1e-6)


def test_on_jax_without_tensorflow():
    """Imports, measures and resizes by the same rule where there is no TensorFlow."""
    pytest.importorskip("jax")
    code = """
import sys; sys.modules["tensorflow"] = None
import numpy as np, green_vae.metrics as metrics
from green_vae.metrics.inception import network_input, tensorflow
from green_vae.metrics.resize import resized
line = np.linspace(0, 1, 7) ** 2
image = np.broadcast_to(line[None, None, :, None], (1, 7, 7, 3)).astype("float32")
places = (np.arange(299) + 0.5) * 7 / 299 - 0.5
assert np.abs(np.asarray(network_input(image))[0, 5, :, 0] - 2 * np.interp(places, np.arange(7), line) + 1).max() < 1e-5
nearest, tf1 = (np.asarray(resized(image, rule))[0, 5, :, 0] for rule in ("nearest@75", "bilinear-tf1@75"))
steps = np.arange(75)
assert np.abs(nearest - line[((steps + 0.5) * 7 / 75).astype(int)]).max() < 1e-6
assert np.abs(tf1 - np.interp(steps * 7 / 75, np.arange(7), line)).max() < 1e-5
images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 1), "uint8")
print(metrics.fid(images, images[:6], protocol="tiny"))
try:
    tensorflow("a file")
except ImportError as error:
    print(error)
"""
    settings = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    run = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "FID@tiny = " in run.stdout and "reading a file needs TensorFlow" in run.stdout


@pytest.mark.slow
def test_real_weights_agree_and_are_deterministic(real_data):
    """Both files at 1280, two batch sizes, twice."""
    images = np.random.default_rng(0).random((20, 8, 8, 3)).repeat(4, 1).repeat(4, 2).astype("float32")
    folder = real_data / "inception"
    files = [folder / "keras_to_mixed8.npz", folder / "keras_notop_approx.npz"]
    if not all(file.is_file() for file in files):
        pytest.skip(f"no {files[0].name} and {files[1].name} in {folder}")
    short = FIDEvaluator(("mixed8",), data_dir=real_data, batch_size=16)
    long = FIDEvaluator(("mixed8", "avg_pool"), weights=files[1], batch_size=7)
    assert short.extractor.path == files[0]
    assert short.protocols["mixed8"] == long.protocols["mixed8"]  # the same arrays up to there
    a, b, again = short.moments(images), long.moments(images), short.moments(images)
    np.testing.assert_array_equal(a["mixed8"].covariance, again["mixed8"].covariance)
    np.testing.assert_allclose(a["mixed8"].mean, b["mixed8"].mean, rtol=1e-3, atol=1e-5)
    assert frechet_from_moments(a["mixed8"], b["mixed8"]) < 1e-6 * np.trace(a["mixed8"].covariance)
    assert long.protocols["avg_pool"].label == "FID~"
