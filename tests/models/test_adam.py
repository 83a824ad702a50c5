"""Our Adam is Keras's, on TensorFlow by the kernel of TensorFlow."""

import keras
import numpy as np
import pytest

from green_vae.models.train_step import Adam

SETTINGS = [{}, {"clipnorm": 0.1}, {"weight_decay": 0.1}, {"use_ema": True, "ema_overwrite_frequency": 3},
            {"gradient_accumulation_steps": 2}, {"beta_1": 0.5, "epsilon": 0.01}, {"amsgrad": True}]  # fmt: skip
SHAPES = ((5, 7), (3,), ())


def weights_after(kind, steps, dtype="float32", **settings):
    """(weights, optimizer) after steps along gradients of sizes from 1e-6 to 1."""
    rng = np.random.default_rng(0)
    weights = [keras.Variable(rng.normal(size=shape), dtype=dtype, name=f"of_{len(shape)}") for shape in SHAPES]
    sizes = [10.0 ** -rng.uniform(0, 6, shape) for shape in SHAPES]
    optimizer = kind(learning_rate=0.01, **settings)
    optimizer.build(weights)
    for _ in range(steps):
        gradients = [rng.normal(size=shape) * size for shape, size in zip(SHAPES, sizes, strict=True)]
        optimizer.apply([keras.ops.convert_to_tensor(gradient, dtype) for gradient in gradients], weights)
    return [keras.ops.convert_to_numpy(weight).astype("float64") for weight in weights], optimizer


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_steps_are_those_of_keras(settings):
    (ours, optimizer), (theirs, plain) = (weights_after(kind, 7, **settings) for kind in (Adam, keras.optimizers.Adam))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=0.07 * 1e-4)  # of seven steps of 0.01
    assert int(optimizer.iterations) == int(plain.iterations) == (3 if "gradient_accumulation_steps" in settings else 7)
    for one, other in zip(optimizer.variables, plain.variables, strict=True):
        assert (one.name, one.shape) == (other.name, other.shape)  # a checkpoint of either is one of the other


def test_other_numbers_than_float32_take_the_steps_of_keras():
    for one, other in zip(
        *(weights_after(kind, 3, "float64")[0] for kind in (Adam, keras.optimizers.Adam)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of TensorFlow's graphs")
def test_the_step_of_a_weight_is_one_operation():
    """Two dozen make the step of a network of 150 weights take seconds to trace, and read every weight as often."""
    import tensorflow as tf

    weights = [keras.Variable(np.ones(3, "float32")) for _ in range(10)]
    optimizer = Adam()
    optimizer.build(weights)
    graph = tf.function(lambda: optimizer.apply(list(map(tf.ones_like, weights)))).get_concrete_function().graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("ResourceApplyAdam") == 10 and len(kinds) < 150
