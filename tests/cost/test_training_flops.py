"""FLOPs of a training step against hand counts, and against three times the forward pass."""

import keras
import pytest
from keras import layers

from green_vae.cost import flops, profiler_flops, training_flops
from green_vae.cost.crosscheck import training_step_flops
from green_vae.models import RAE

counted = pytest.mark.skipif(keras.backend.backend() not in ("tensorflow", "jax"), reason="no graph to count")


def model_of(*stack, shape=(40,)):
    return keras.Sequential([keras.Input(shape), *stack])


def rae(regularizer, side=32):
    return RAE(image_shape=(side, side, 1), latent_dim=8, network_options={"base": 4}, regularizer=regularizer, seed=0)


@counted
def test_dense_layers_by_hand():
    """Forward, gradients of the kernels, gradients of the inputs but the first; element-wise costs on top."""
    model, batch = model_of(layers.Dense(60, use_bias=False), layers.Dense(10, use_bias=False)), 8
    products = 2 * batch * (2 * 40 * 60 + 3 * 60 * 10)
    found = training_flops(model, batch)
    assert found.source == f"{keras.backend.backend()} graph"
    assert products <= found.flops <= products + 10 * batch * (60 + 10)


@counted
def test_nothing_that_is_frozen_needs_a_gradient():
    model, batch = model_of(layers.Dense(60, use_bias=False), layers.Dense(10, use_bias=False)), 8
    model.layers[0].trainable = False
    products = 2 * batch * (40 * 60 + 2 * 60 * 10)
    assert products <= training_flops(model, batch).flops <= products + 10 * batch * (60 + 10)


@counted
def test_a_deep_plain_network_costs_about_three_forward_passes():
    stack = [layers.Dense(100) for _ in range(8)]
    model = model_of(*stack, shape=(100,))
    assert training_flops(model, 16).per_image == pytest.approx(3 * flops(model, "macs"), rel=0.06)
    stack = [layers.Conv2D(16, 3, padding="same") for _ in range(4)]
    model = model_of(*stack, layers.Conv2DTranspose(16, 4, strides=2, padding="same"), shape=(32, 32, 16))
    assert training_flops(model, 4).per_image == pytest.approx(3 * flops(model, "macs"), rel=0.15)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts of TensorFlow")
def test_our_walk_through_a_graph_gives_the_profilers_total():
    stack = [layers.Conv2D(8, 3, strides=2, padding="same"), layers.BatchNormalization(), layers.ReLU()]
    model = model_of(*stack, layers.Conv2DTranspose(4, 4, strides=2, padding="same"), shape=(16, 16, 3))
    assert training_step_flops(lambda x: model(x, training=False), [(1, 16, 16, 3)]) == profiler_flops(model)

    def half_for_nothing(x):
        keras.ops.matmul(x, keras.ops.ones((5, 100)))
        return keras.ops.matmul(x, keras.ops.ones((5, 2)))

    assert training_step_flops(half_for_nothing, [(3, 5)]) == 2 * 3 * 5 * 2  # what nobody needs is not computed


@counted
def test_the_gradient_penalty_costs_what_an_estimate_does_not_see():
    """It differentiates the decoder twice: survey, where the GP-RAE trains far slower than the L2-RAE."""
    plain, penalised = training_flops(rae("l2"), 10), training_flops(rae("gp"), 10)
    assert plain.per_image == pytest.approx(training_flops(rae("l2"), 10, estimate=True).per_image, rel=0.15)
    assert 1.4 < penalised.flops / plain.flops < 3
    assert training_flops(rae("gp"), 10, estimate=True) == training_flops(rae("l2"), 10, estimate=True)


@counted
def test_the_batch_hardly_matters_per_image():
    model = rae("l2")
    assert training_flops(model, 20).per_image == pytest.approx(training_flops(model, 5).per_image, rel=0.01)


@counted
def test_counting_leaves_the_model_as_it_was():
    model = rae("gp")
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.weights]
    trackers = {name: float(metric.result()) for name, metric in model.trackers.items()}
    training_flops(model, 5)
    assert all((old == keras.ops.convert_to_numpy(new)).all() for old, new in zip(before, model.weights, strict=True))
    assert {name: float(metric.result()) for name, metric in model.trackers.items()} == trackers


def test_the_estimate_is_three_forward_passes_and_says_so():
    model = model_of(layers.Dense(5))
    found = training_flops(model, 7, estimate=True)
    assert found == (3 * 7 * flops(model, "macs"), 7, "estimated")
    assert found.per_image == 3 * flops(model, "macs")


def test_errors_say_what_was_received():
    with pytest.raises(ValueError, match="Received: batch_size=0"):
        training_flops(model_of(layers.Dense(5)), 0)
    with pytest.raises(ValueError, match="fully known shapes"):
        training_flops(model_of(layers.Conv2D(2, 3), shape=(None, None, 3)))
    with pytest.raises(ValueError, match="Received: 3 of int"):
        training_flops(3)
