"""alpha-FLOPs of networks against sums by hand."""

import keras
import numpy as np
import pytest
from keras import layers

from green_vae.cost import flops
from green_vae.cost.alpha import alpha_flops
from green_vae.cost.dissect import TimeModel, alpha

SHAPES = {"beta_1": 0.1, "gamma_1": 0.9, "beta_3": 0.2, "gamma_3": 0.6, "beta_5": 0.4, "gamma_5": 0.8}
FITTED = TimeModel("alpha", SHAPES)


def network(*stack, shape=(8, 8, 3)):
    x = image = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return keras.Model(image, x)


def test_every_layer_has_the_alpha_of_its_kernel_and_map():
    """Convolutions by their output, transposed ones by their input, dense layers with an alpha of 1."""
    model = network(
        layers.Conv2D(4, 3, strides=2, padding="same"),  # 4 x 4
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(5, padding="same"),
        layers.Conv2DTranspose(2, 1, strides=2, padding="same"),
        layers.Flatten(),
        layers.Dense(7),
    )
    expected = 2 * 16 * 9 * 3 * 4 * alpha(16, 3, 0.2, 0.6)
    expected += 2 * 16 * 25 * 4 * alpha(16, 5, 0.4, 0.8)
    expected += 2 * 16 * 1 * 4 * 2 * alpha(16, 1, 0.1, 0.9)
    expected += 2 * 128 * 7
    assert alpha_flops(model, FITTED) == pytest.approx(expected, rel=1e-12)


def test_a_kernel_between_two_is_interpolated_and_one_beyond_is_the_nearest():
    for kernel, shape in ((4, (0.3, 0.7)), (7, (0.4, 0.8))):
        model = network(layers.Conv2D(2, kernel, padding="same", use_bias=False))
        expected = flops(model, "macs") * alpha(64, kernel, *shape)
        assert alpha_flops(model, FITTED) == pytest.approx(expected, rel=1e-12)


def test_wrapped_layers_and_several_networks_count():
    inside = layers.Conv2D(2, 3, padding="same")
    model = network(layers.SpectralNormalization(inside))
    assert alpha_flops(model, FITTED) == pytest.approx(2 * 64 * 9 * 3 * 2 * alpha(64, 3, 0.2, 0.6), rel=1e-12)


def test_without_a_map_or_without_a_fall_they_are_flops():
    dense = network(layers.Dense(5), shape=(3,))
    assert alpha_flops(dense, FITTED) == flops(dense, "macs")
    flat = TimeModel("alpha", {name: 1.0 for name in SHAPES})
    model = network(layers.Conv2D(2, 3, padding="same"), layers.Conv2D(2, 5, padding="same"))
    np.testing.assert_allclose(alpha_flops(model, flat), flops(model, "macs"), rtol=1e-12)


def test_another_model_of_time_is_refused():
    with pytest.raises(ValueError, match="take the model 'alpha'. Received: 'sum'"):
        alpha_flops(network(layers.Dense(1), shape=(1,)), TimeModel("sum", {}))
