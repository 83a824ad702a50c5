"""Fault 19: what multiplies without a kernel is counted by what is inside, or refused; it never costs 0 in silence."""

import keras
import pytest
from keras import layers, ops

from green_vae.cost import flops, layer_costs, layer_traffic, parameters, rules


def model_of(layer, shape=(5, 8), inputs=1):
    tensors = [keras.Input(shape) for _ in range(inputs)]
    return keras.Model(tensors, layer(tensors if inputs > 1 else tensors[0]))


class Gram(keras.Layer):
    """An own layer without weights that multiplies: x x^T."""

    def call(self, x):
        return ops.matmul(x, ops.transpose(x, (0, 2, 1)))


class Rectified(keras.Layer):
    def call(self, x):
        return ops.relu(x)


class Halved(keras.Layer):
    def call(self, x):
        return 0.5 * x + 1.0


SCORES = 2 * 5 * 5 * 8  # every row with every row
# name -> (layer, inputs, FLOPs by the rule "macs")
BY_HAND = {
    "attention": (lambda: layers.Attention(), 2, SCORES + 2 * 5 * 8 * 5),  # 800: scores, and the sum that they weigh
    "attention with a scale": (lambda: layers.Attention(use_scale=True), 2, 800),
    "additive attention": (lambda: layers.AdditiveAttention(use_scale=False), 2, 2 * 5 * 8 * 5),  # its scores are sums
    "dot": (lambda: layers.Dot(axes=2), 2, SCORES),  # 400
    "lambda": (lambda: layers.Lambda(lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1)))), 1, SCORES),
    "own": (Gram, 1, SCORES),
    "elementwise": (Halved, 1, 0),
    "lambda elementwise": (lambda: layers.Lambda(lambda x: 2 * x), 1, 0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_fault_19_counts_by_hand(name):
    make, inputs, expected = BY_HAND[name]
    model = model_of(make(), inputs=inputs)
    assert flops(model, "macs") == flops(model, "survey") == expected
    assert sum(row.flops for row in layer_traffic(model, rule="macs")) == expected
    assert sum(row.parameters for row in layer_costs(model)) == parameters(model)
    assert flops(model, "macs") == expected  # counting has left the layer as it was


def test_fault_19_a_relu_inside_an_own_layer_costs_by_the_survey_rule():
    assert (flops(model_of(Rectified()), "survey"), flops(model_of(Rectified()), "macs")) == (40, 0)


def test_fault_19_an_own_layer_in_which_nothing_costs_stays_one_row():
    assert [row.type for row in layer_costs(model_of(Halved()))] == ["Halved"]


def test_fault_19_attention_in_a_nested_model():
    inputs = keras.Input((5, 8))
    inner = keras.Model(inputs, layers.Attention()([inputs, inputs]))
    assert flops(model_of(inner), "macs") == 800


class Foreign(keras.Layer):
    """Its code does not run on symbolic tensors, though Keras knows the shape of its output."""

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape)

    def call(self, x):
        raise TypeError("no symbolic tensors")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: layers.Lambda(lambda x, y=None: ops.einsum("bij,bkj->bik", x, x)), "no rule.*keras.ops.einsum"),
        (Foreign, "could not look inside a custom layer.*no symbolic tensors.*Received: Foreign"),
    ],
)
def test_fault_19_what_cannot_be_counted_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        flops(model_of(layer()), "macs")


def test_fault_19_attention_with_weights_is_refused():
    inputs = keras.Input((5, 8))
    with pytest.raises(ValueError, match="no rule.*Received: MultiHeadAttention"):
        flops(keras.Model(inputs, layers.MultiHeadAttention(2, 4)(inputs, inputs)), "macs")


def test_fault_19_wrappers_of_other_frameworks_are_refused():
    opaque = type("TFSMLayer", (), {"weights": [], "name": "saved"})
    foreign = type("TFSMLayer", (keras.Layer,), {"call": lambda self, x: x, "__module__": "keras.src.export"})
    assert opaque.__name__ in rules._OPAQUE
    with pytest.raises(ValueError, match="no rule.*Received: TFSMLayer"):
        flops(model_of(foreign()), "macs")
