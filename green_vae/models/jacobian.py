"""The Jacobian of a decoder: its squared Frobenius norm for each example, exact or along given directions."""

import keras
from keras import ops

from green_vae.keras_internals import layers_inside


def decode_with_jacobian(decoder, z, directions=None, training=True):
    """Decode z, and measure how fast each image changes with its own code.

    The norm can be differentiated again (a penalty). Batch norm shifts and scales by the statistics of this batch in
    training, by its moving ones otherwise. The derivative holds them fixed, so that an image depends on its own code
    alone; they still depend on the weights, so that a penalty cannot be lowered by a scale that batch norm undoes.
    Its moving statistics move once.

    Args:
        decoder: functional Keras model, (batch, d) -> (batch, h, w, c).
        z: (batch, d).
        directions: (batch, d), one for each code; None for the unit vectors, one after the other.

    Returns:
        (decoded images; (batch,), the squared Frobenius norm of J, the Jacobian of an image with respect to its code,
        or with directions v the squared norm of J v). The mean of the second over v with mean 0 and covariance I is the
        first (Hutchinson 1990). The exact norm takes d times the memory and work.

    Raises:
        ValueError: batch norm inside a nested network or a wrapper, where its input cannot be seen.
    """
    images, state = _decode(decoder, z, training)
    units = 1 if directions is not None else z.shape[-1]
    if directions is None:
        directions = ops.tile(ops.eye(units, dtype=z.dtype), (ops.shape(z)[0], 1))
        z = ops.repeat(z, units, axis=0)
    weights = [variable.value for variable in decoder.trainable_variables]

    def network(z):
        return decoder.stateless_call(weights, state, z, training=False)[0]

    change = ops.cast(_DERIVATIVES[keras.backend.backend()](network, z, directions), "float32")
    squares = ops.sum(ops.square(change), axis=tuple(range(1, len(change.shape))))
    return images, ops.sum(ops.reshape(squares, (-1, units)), axis=-1)


def _decode(decoder, z, training):
    """(images, values of the decoder's variables that are not trained, those of batch norm as these images saw them)"""
    norms = [layer for layer in layers_inside(decoder) if isinstance(layer, keras.layers.BatchNormalization)]
    if not training or not norms:
        return decoder(z, training=training), [variable.value for variable in decoder.non_trainable_variables]
    if not all(norm in decoder.layers for norm in norms):
        raise ValueError(f"batch norm stands in the decoder itself, not within a layer. Received: {decoder.name}")
    *inputs, images = keras.Model(decoder.input, [*(norm.input for norm in norms), decoder.output])(z, training=True)
    seen = {}
    for norm, x in zip(norms, inputs, strict=True):
        axes = [axis for axis in range(len(x.shape)) if axis != norm.axis % len(x.shape)]
        mean, variance = ops.moments(ops.cast(x, "float32"), axes)
        seen |= {id(norm.moving_mean): mean, id(norm.moving_variance): variance}
    return images, [seen.get(id(variable), variable.value) for variable in decoder.non_trainable_variables]


def _derivative_tensorflow(network, z, directions):
    """The gradient of J^T u along the directions with respect to u, whatever u is: in plain operations, which can be
    counted, where TensorFlow's forward mode calls functions."""
    import tensorflow as tf

    z = tf.convert_to_tensor(z)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(z)
            images = network(z)
        u = tf.zeros_like(images)
        outer.watch(u)
        backward = inner.gradient(images, z, output_gradients=u)
    return outer.gradient(backward, u, output_gradients=directions)


def _derivative_jax(network, z, directions):
    import jax

    return jax.jvp(network, (z,), (directions,))[1]


def _derivative_torch(network, z, directions):
    import torch

    with torch.enable_grad():
        return torch.autograd.functional.jvp(network, z, directions, create_graph=True)[1]


_DERIVATIVES = {"tensorflow": _derivative_tensorflow, "jax": _derivative_jax, "torch": _derivative_torch}
