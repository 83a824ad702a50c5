"""Parameter counts against numbers worked out by hand."""

import keras
import pytest
from keras import layers

from green_vae.cost import parameters, trainable_parameters


def network():
    # convolution 3*3*3*4 + 4 = 112, BatchNorm 4*4 of which 2*4 trained, dense 4*2 + 2 = 10
    stack = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    return keras.Sequential([keras.Input((8, 8, 3)), *stack])


def test_total_and_trainable():
    model = network()
    assert parameters(model) == 112 + 16 + 10 == model.count_params()
    assert trainable_parameters(model) == 112 + 8 + 10


def test_models_add_and_shared_weights_count_once():
    model, other = network(), network()
    assert parameters(model, other) == 2 * 138
    assert parameters(model, model, model.layers[0]) == 138


def test_the_vector_of_spectral_normalisation_is_no_parameter():
    wrapped = keras.Sequential([keras.Input((7,)), layers.SpectralNormalization(layers.Dense(5))])
    assert wrapped.count_params() == 7 * 5 + 5 + 5
    assert parameters(wrapped) == trainable_parameters(wrapped) == 7 * 5 + 5


def test_random_state_is_no_parameter():
    assert parameters(keras.Sequential([keras.Input((7,)), layers.Dropout(0.5), layers.Dense(5)])) == 40


def test_frozen_layers_are_not_trainable():
    model = network()
    model.trainable = False
    assert (parameters(model), trainable_parameters(model)) == (138, 0)


def test_a_subclassed_model_counts_by_its_networks():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = network(), network()

    assert parameters(Pair()) == 2 * 138


def test_errors_say_what_was_received():
    with pytest.raises(ValueError, match="not built.*Received: 'waiting'"):
        parameters(keras.Sequential([layers.Dense(2)], name="waiting"))
    with pytest.raises(ValueError, match="Received: 'encoder'"):
        parameters("encoder")
    with pytest.raises(ValueError, match="Received: none"):
        parameters()
