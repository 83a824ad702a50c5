"""Operation counts against numbers worked out by hand, and against a formula that never looks at a layer."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from green_vae.cost import flops, layer_costs, mflops, parameters
from green_vae.keras_internals import calls_of


def model_of(*stack, shape=(8, 8, 3)):
    return keras.Sequential([keras.Input(shape), *stack])


# (layer, input shape, rule "survey", rule "macs"), with products 2 * output elements * multiplications per element
BY_HAND = {
    "dense": (layers.Dense(5), (7,), 2 * 5 * 7, 2 * 5 * 7),
    "dense on pixels": (layers.Dense(5), (8, 8, 3), 2 * 64 * 5 * 3, 2 * 64 * 5 * 3),
    "dense relu": (layers.Dense(5, activation="relu"), (7,), 2 * 5 * 7 + 5, 2 * 5 * 7),
    "conv same": (layers.Conv2D(6, 3, padding="same"), (8, 8, 3), 2 * 64 * 6 * 27, 2 * 64 * 6 * 27),
    "conv strided": (layers.Conv2D(6, 4, strides=2, padding="same"), (8, 8, 3), 2 * 16 * 6 * 48, 2 * 16 * 6 * 48),
    "conv valid": (layers.Conv2D(6, 3), (8, 8, 3), 2 * 36 * 6 * 27, 2 * 36 * 6 * 27),
    "conv groups": (layers.Conv2D(6, 3, groups=3, padding="same"), (8, 8, 3), 2 * 64 * 6 * 9, 2 * 64 * 6 * 9),
    "conv no bias": (layers.Conv2D(6, 1, use_bias=False), (8, 8, 3), 2 * 64 * 6 * 3, 2 * 64 * 6 * 3),
    "conv relu": (layers.Conv2D(6, 1, activation="relu"), (8, 8, 3), 2 * 64 * 6 * 3 + 64 * 6, 2 * 64 * 6 * 3),
    "conv swish": (layers.Conv2D(6, 1, activation="swish"), (8, 8, 3), 2 * 64 * 6 * 3, 2 * 64 * 6 * 3),
    # the kernel is placed once per INPUT pixel: 64, not 256
    "transposed": (
        layers.Conv2DTranspose(6, 3, strides=2, padding="same"),
        (8, 8, 3),
        2 * 64 * 9 * 18,
        2 * 64 * 9 * 18,
    ),
    "depthwise": (layers.DepthwiseConv2D(5, padding="same"), (8, 8, 3), 0, 2 * 64 * 3 * 25),
    "separable": (
        layers.SeparableConv2D(6, 3, strides=2, padding="same"),
        (8, 8, 3),
        2 * 16 * 3 * 6,
        2 * 16 * (3 * 9 + 3 * 6),
    ),
    "conv 1d": (layers.Conv1D(6, 3, padding="same"), (8, 3), 2 * 8 * 6 * 9, 2 * 8 * 6 * 9),
    "conv 3d": (layers.Conv3D(2, 3, padding="same"), (4, 4, 4, 3), 2 * 64 * 2 * 81, 2 * 64 * 2 * 81),
    "batch norm": (layers.BatchNormalization(), (8, 8, 3), 192, 0),
    "relu": (layers.ReLU(), (8, 8, 3), 192, 0),
    "activation relu": (layers.Activation("relu"), (8, 8, 3), 192, 0),
    "activation swish": (layers.Activation("swish"), (8, 8, 3), 0, 0),
    "sigmoid": (layers.Activation("sigmoid"), (8, 8, 3), 0, 0),
    "pooling": (layers.GlobalAveragePooling2D(), (8, 8, 3), 0, 0),
    "spectral norm": (layers.SpectralNormalization(layers.Dense(5)), (7,), 2 * 5 * 7, 2 * 5 * 7),
    "time distributed": (layers.TimeDistributed(layers.Conv2D(6, 1)), (4, 8, 8, 3), 2 * 256 * 18, 2 * 256 * 18),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    layer, shape, survey, macs = BY_HAND[name]
    model = model_of(layer, shape=shape)
    assert flops(model) == flops(model, "survey") == survey
    assert flops(model, rule="macs") == macs


def test_a_layer_used_twice_counts_twice_and_keeps_its_parameters_once():
    inputs, shared = keras.Input((7,)), layers.Dense(7)
    model = keras.Model(inputs, shared(shared(inputs)))
    assert flops(model) == 2 * (2 * 7 * 7)
    assert [row.parameters for row in layer_costs(model)] == [56, 0]


def test_rows_of_nested_models_add_up():
    inner = model_of(layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(), layers.ReLU())
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.Flatten()(inner(inputs))))
    rows = layer_costs(model)
    assert [row.type for row in rows] == ["Conv2D", "BatchNormalization", "ReLU", "Flatten", "Dense"]
    assert rows[0].name.startswith(f"{inner.name}/")
    assert rows[0].shape == (8, 8, 4)
    assert rows[-1] == ("head", "Dense", (2,), 256 * 2 + 2, 2 * 256 * 2)
    assert sum(row.flops for row in rows) == flops(model) == flops(inner) + 2 * 256 * 2
    assert sum(row.parameters for row in rows) == parameters(model)


def test_a_nested_model_is_counted_at_the_size_it_is_called_with():
    inner = model_of(layers.Conv2D(4, 3, padding="same"), shape=(None, None, 3))
    inputs = keras.Input((8, 8, 3))
    assert flops(keras.Model(inputs, inner(inputs))) == 2 * 64 * 4 * 27


class Noisy(keras.Layer):
    """A custom layer: layers, an own matrix, a bare ReLU, random noise."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.convolution = layers.Conv2D(3, 3, padding="same")
        self.noise = keras.random.SeedGenerator(1)

    def build(self, shape):
        self.convolution.build(shape)
        self.matrix = self.add_weight(shape=(3, 5), name="matrix")

    def call(self, x, training=False):
        noise = keras.random.normal(keras.ops.shape(x), seed=self.noise)
        return keras.ops.relu(self.convolution(x) + noise) @ self.matrix


def test_custom_layers_are_opened_and_left_as_they_were():
    layer = Noisy()
    model = model_of(layer)
    convolution, relu, matrix = 2 * 64 * 3 * 27, 64 * 3, 2 * 64 * 3 * 5
    state = keras.ops.convert_to_numpy(layer.noise.state.value)
    assert flops(model) == convolution + relu + matrix
    assert flops(model, "macs") == convolution + matrix
    assert sum(row.parameters for row in layer_costs(model)) == parameters(model) == 27 * 3 + 3 + 15
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer.noise.state.value), state)
    assert calls_of(layer.convolution)[0] == 0


def test_bare_convolutions_in_a_custom_layer_count():
    class Bare(keras.Layer):
        def build(self, shape):
            self.down = self.add_weight(shape=(3, 3, 3, 4), name="down")
            self.up = self.add_weight(shape=(3, 3, 2, 4), name="up")

        def call(self, x):
            x = keras.ops.conv(x, self.down, strides=2, padding="same")
            return keras.ops.conv_transpose(x, self.up, strides=2, padding="same")

    assert flops(model_of(Bare())) == 2 * 16 * 4 * 27 + 2 * 16 * 4 * 18


def test_counting_leaves_the_layers_usable():
    inner = model_of(layers.Conv2D(4, 3), shape=(None, None, 3))
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, inner(inputs))
    assert flops(model) == flops(model)
    assert inner.layers[0].output.shape == (None, None, None, 4)  # fails on a layer with two recorded calls


@pytest.mark.parametrize("value, printed", [(2_397_036_544, 2397), (2_395_999_999, 2395), (999_999, 0), (1_000_000, 1)])
def test_mflops_are_cut_off(value, printed):
    assert mflops(value) == printed


def test_errors_say_what_was_received():
    with pytest.raises(ValueError, match=r"Received: rule='mac'"):
        flops(model_of(layers.Dense(2)), "mac")
    with pytest.raises(ValueError, match="built Sequential.*Received: 'unbuilt'"):
        flops(keras.Sequential([layers.Dense(2)], name="unbuilt"))
    with pytest.raises(ValueError, match="Received: 3 of int"):
        flops(3)
    with pytest.raises(ValueError, match=r"fully known shapes.*Received: \(None, None, None, 3\)"):
        flops(model_of(layers.Conv2D(2, 3), shape=(None, None, 3)))


def test_layers_without_a_rule_are_refused_rather_than_free():
    with pytest.raises(ValueError, match="no rule.*Received: LSTM"):
        flops(model_of(layers.LSTM(4), shape=(5, 3)))
    with pytest.raises(ValueError, match="no rule"):
        flops(model_of(layers.EinsumDense("bc,cd->bd", output_shape=4), shape=(3,)))


class Opaque(keras.Layer):
    """Keras can say its output shape, but its code does not run on symbolic tensors."""

    def build(self, shape):
        self.matrix = self.add_weight(shape=(3, 3), name="matrix")

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape)

    def call(self, x):
        return np.asarray(x) @ np.asarray(self.matrix)


def test_a_custom_layer_that_cannot_be_opened_is_named():
    with pytest.raises(ValueError, match="could not look inside.*Received: Opaque"):
        flops(model_of(Opaque(), shape=(3,)))


stages = st.lists(
    st.tuples(
        st.sampled_from(["conv", "transposed", "depthwise"]),
        st.integers(1, 5),  # channels
        st.integers(1, 4),  # kernel
        st.integers(1, 2),  # stride
        st.booleans(),  # followed by BatchNorm and ReLU
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20, deadline=None)
@given(stages=stages, side=st.sampled_from([4, 6, 8]), channels=st.integers(1, 3))
def test_random_stacks_against_counting_by_hand(stages, side, channels):
    """An independent count from the settings alone: sides by stride arithmetic, kernels by their definition."""
    stack, survey, macs, here, width = [], 0, 0, side, channels
    for kind, filters, kernel, stride, normalised in stages:
        if kind == "depthwise":
            stack.append(layers.DepthwiseConv2D(kernel, strides=stride, padding="same"))
            here = -(-here // stride)
            macs += 2 * here * here * width * kernel**2
        elif kind == "conv":
            stack.append(layers.Conv2D(filters, kernel, strides=stride, padding="same"))
            here = -(-here // stride)
            cost = 2 * here * here * filters * width * kernel**2
            survey, macs, width = survey + cost, macs + cost, filters
        else:
            stack.append(layers.Conv2DTranspose(filters, kernel, strides=stride, padding="same"))
            cost = 2 * here * here * filters * width * kernel**2
            survey, macs, width, here = survey + cost, macs + cost, filters, here * stride
        if normalised:
            stack += [layers.BatchNormalization(), layers.ReLU()]
            survey += 2 * here * here * width
    model = model_of(*stack, shape=(side, side, channels))
    assert flops(model) == survey
    assert flops(model, "macs") == macs
