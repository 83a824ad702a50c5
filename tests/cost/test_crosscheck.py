"""Our counts against keras-flops and TensorFlow's own profiler."""

import os
import subprocess
import sys

import keras
import pytest
from keras import layers

from green_vae.cost import flops, keras_flops_count, profiler_flops

needs_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts of TensorFlow")
COUNTERS = [keras_flops_count, profiler_flops]


def model_of(*stack, shape=(16, 16, 3)):
    return keras.Sequential([keras.Input(shape), *stack])


@needs_tensorflow
@pytest.mark.parametrize("count", COUNTERS)
def test_without_biases_the_macs_agree_to_the_digit(count):
    convolution = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)
    depthwise = layers.DepthwiseConv2D(5, padding="same", use_bias=False)
    transposed = layers.Conv2DTranspose(4, 4, strides=2, padding="same", use_bias=False)
    model = model_of(convolution, depthwise, transposed, layers.Flatten(), layers.Dense(5, use_bias=False))
    assert count(model) == flops(model, "macs")


@needs_tensorflow
@pytest.mark.parametrize("count", COUNTERS)
def test_a_bias_is_what_they_count_and_we_do_not(count):
    model = model_of(layers.Conv2D(32, 4, padding="same"))
    assert flops(model, "macs") == 786_432
    assert count(model) == 786_432 + 16 * 16 * 32 == 794_624


@needs_tensorflow
@pytest.mark.parametrize("count", COUNTERS)
def test_batch_norm_is_two_per_element_there_and_one_here(count):
    model = model_of(layers.BatchNormalization(), shape=(16, 16, 8))
    assert count(model) == 2 * 16 * 16 * 8 + 6 * 8
    assert flops(model) == 16 * 16 * 8


@needs_tensorflow
def test_models_with_two_inputs():
    left, right = keras.Input((4,)), keras.Input((6,))
    model = keras.Model([left, right], layers.Concatenate()([left, layers.Dense(3, use_bias=False)(right)]))
    assert [count(model) for count in COUNTERS] == [flops(model)] * 2 == [2 * 3 * 6] * 2


@pytest.mark.slow
@needs_tensorflow
def test_inception_v3():
    """The features behind FID: the rest is pooling, BatchNorm and sums, which are free in MACs."""
    model = keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg", input_shape=(299, 299, 3))
    assert keras_flops_count(model) == 11_464_887_680
    assert flops(model, "macs") == 11_422_336_192
    assert profiler_flops(model) == pytest.approx(flops(model, "macs"), rel=5e-3)


@pytest.mark.parametrize("count", COUNTERS)
def test_shapes_must_be_known(count):
    with pytest.raises(ValueError, match="Received: "):
        count(model_of(layers.Conv2D(2, 3), shape=(None, None, 3)))


def test_counting_imports_no_tensorflow():
    pytest.importorskip("jax")
    program = """
import sys, keras
from green_vae.cost import flops, profiler_flops
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
assert flops(model) == 12
try:
    profiler_flops(model)
except ValueError as error:
    assert "Received: 'jax'" in str(error), error
assert "tensorflow" not in sys.modules
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
