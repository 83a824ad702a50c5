"""Memory traffic against closed forms."""

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from green_vae.cost import flops, layer_costs, layer_traffic, parameters, traffic


def model_of(*stack, shape=(8, 8, 3)):
    return keras.Sequential([keras.Input(shape), *stack])


@pytest.mark.parametrize("batch", [1, 10, 100])
def test_dense(batch):
    (row,) = layer_traffic(model_of(layers.Dense(5), shape=(7,)), batch)
    assert (row.weight_bytes, row.input_bytes, row.output_bytes) == (4 * (7 * 5 + 5), 4 * batch * 7, 4 * batch * 5)
    assert row.bytes == 4 * (40 + 12 * batch)
    assert row.intensity == pytest.approx(batch * 70 / row.bytes)


def test_convolution():
    (row,) = layer_traffic(model_of(layers.Conv2D(6, 4, strides=2, padding="same", activation="relu")), 10, "macs")
    weights, inputs, outputs = 4 * 4 * 3 * 6 + 6, 8 * 8 * 3, 4 * 4 * 6
    assert row.bytes == 4 * (weights + 10 * (inputs + outputs))
    assert row.intensity == pytest.approx(10 * 2 * outputs * 48 / row.bytes)


def test_views_move_nothing_and_sums_read_both():
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(inputs, layers.Flatten()(layers.Add()([inputs, layers.Dropout(0.5)(inputs)])))
    moved = {row.type: row.bytes for row in layer_traffic(model)}
    assert moved == {"Dropout": 0, "Add": 4 * 3 * 32, "Flatten": 0}


def test_bare_operations_move_memory_though_they_cost_no_flops():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.ops.exp(inputs) + inputs)
    assert flops(model) == 0
    assert traffic(model) == 4 * (2 * 6 + 3 * 6)


class Scaled(keras.Layer):
    """A custom layer: a layer inside, and a matrix of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(4)

    def build(self, shape):
        self.inner.build(shape)
        self.matrix = self.add_weight(shape=(4, 2), name="matrix")

    def call(self, x):
        return self.inner(x) @ self.matrix


def test_weights_are_read_at_every_call_and_once_per_batch():
    inputs, shared = keras.Input((3,)), layers.Dense(3)
    model = keras.Model(inputs, Scaled()(shared(shared(inputs))))
    rows = layer_traffic(model, 5)
    assert sum(row.weight_bytes for row in rows) == 4 * (12 + 12 + 16 + 8)
    assert sum(row.parameters for row in rows) == parameters(model) == 12 + 16 + 8
    assert sum(row.flops for row in rows) == flops(model)


@settings(max_examples=15, deadline=None)
@given(units=st.lists(st.integers(1, 9), min_size=1, max_size=4), batch=st.integers(1, 50))
def test_a_batch_saves_nothing_but_readings_of_weights(units, batch):
    model = model_of(*[layers.Dense(n) for n in units], shape=(4,))
    assert batch * traffic(model) - traffic(model, batch) == (batch - 1) * 4 * parameters(model)
    alone, together = layer_traffic(model), layer_traffic(model, batch)
    assert all(one.intensity <= many.intensity for one, many in zip(alone, together, strict=True))
    assert [row[:5] for row in alone] == [tuple(row) for row in layer_costs(model)]


def test_a_model_of_two_networks_is_opened():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = model_of(layers.Dense(2)), model_of(layers.Dense(3), shape=(2,))

    pair = Pair()
    assert [row.name.split("/")[0] for row in layer_traffic(pair)] == ["encoder", "decoder"]
    assert traffic(pair, 7) == traffic(pair.encoder, 7) + traffic(pair.decoder, 7)


def test_errors_say_what_was_received():
    with pytest.raises(ValueError, match="Received: batch_size=0"):
        traffic(model_of(layers.Dense(2)), 0)
    with pytest.raises(ValueError, match="Received: rule='mac'"):
        layer_traffic(model_of(layers.Dense(2)), rule="mac")
    with pytest.raises(ValueError, match="fully known shapes"):
        traffic(model_of(layers.Conv2D(2, 3), shape=(None, None, 3)))
    with pytest.raises(ValueError, match="count each .encoder, decoder.*Received: 3 of int"):
        traffic(3)
