"""The training step: Keras's own on every backend, in which schedules move; and two things that differ by backend."""

import contextlib
import contextvars
import math

import keras
from keras import ops

LARGE = 4_000_000  # trainable weights; fewer are updated faster than XLA compiles the update
_MOVES = contextvars.ContextVar("schedules move", default=False)  # a thread has its own, and replicas are threads


def replicas():
    """Number of replicas that share one batch under `tf.distribute`; 1 anywhere else."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


@contextlib.contextmanager
def schedules_move():
    """Inside, `compute_loss` moves the schedule of its model (gamma, warm-up), as a training step must."""
    token = _MOVES.set(True)
    try:
        yield
    finally:
        _MOVES.reset(token)


def in_training_step():
    """Whether the loss is asked for by a training step, and not by `evaluate` or by hand."""
    return _MOVES.get()


class TrainStep:
    """Mixed in before `keras.Model`; the model supplies `compute_loss`, already divided by `replicas()`.

    Keras's step asks `compute_loss` for the loss, on JAX inside a function that it differentiates. The terms of the
    batch are known there alone, so a schedule moves there, but only while this step runs.
    """

    def train_step(self, *args, **kwargs):
        with schedules_move():
            return super().train_step(*args, **kwargs)

    def make_train_function(self, force=False):
        """Build the optimizer first: TensorFlow traces a step that creates variables twice, which doubles the wait."""
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        return super().make_train_function(force)


@keras.saving.register_keras_serializable(package="green_vae")
class Adam(keras.optimizers.Adam):
    """Keras's Adam. On TensorFlow XLA fuses its step where a network is large, outside `tf.distribute`.

    TensorFlow's operations one by one read and write every weight a dozen times: for 13 million weights they take
    46 ms on one core, fused ones 17 ms.
    """

    def apply(self, grads, trainable_variables=None):
        def update():
            super(Adam, self).apply(grads, trainable_variables)

        (update if not self._fuses(trainable_variables) else _compiled(update))()

    def _fuses(self, variables):
        if keras.backend.backend() != "tensorflow" or replicas() > 1 or variables is None:
            return False
        import tensorflow as tf

        return not tf.executing_eagerly() and sum(math.prod(variable.shape) for variable in variables) >= LARGE


def _compiled(function):
    import tensorflow as tf

    return tf.function(function, jit_compile=True)


def decode_with_gradient(decoder, z, training=True):
    """Decode z, and differentiate the sum of the squared output with respect to z, in ONE pass of the decoder.

    The gradient can be differentiated again (a gradient penalty). Batch-norm statistics move once.

    Args:
        decoder: functional Keras model, (batch, d) -> (batch, h, w, c).
        z: (batch, d).

    Returns:
        (decoded images, gradient of sum(images^2) with respect to z, of the shape of z). As examples do not mix
        in the sum, row i is the gradient of image i (up to what batch norm mixes while training).
    """
    return _GRADIENTS[keras.backend.backend()](decoder, z, training)


def _gradient_tensorflow(decoder, z, training):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(z)
        images = decoder(z, training=training)
        total = ops.sum(ops.square(images))
    return images, tape.gradient(total, z)


def _gradient_jax(decoder, z, training):
    import jax

    trainable = [v.value for v in decoder.trainable_variables]
    others = [v.value for v in decoder.non_trainable_variables]

    def total(z):  # writes to Keras variables are not allowed inside a JAX gradient, hence stateless
        images, new = decoder.stateless_call(trainable, others, z, training=training)
        return ops.sum(ops.square(images)), (images, new)

    (_, (images, new)), gradient = jax.value_and_grad(total, has_aux=True)(z)
    for variable, value in zip(decoder.non_trainable_variables, new, strict=True):
        variable.assign(value)
    return images, gradient


def _gradient_torch(decoder, z, training):
    import torch

    with torch.enable_grad():
        z = z if z.requires_grad else z.detach().requires_grad_(True)
        images = decoder(z, training=training)
        return images, torch.autograd.grad(ops.sum(ops.square(images)), z, create_graph=True)[0]


_GRADIENTS = {"tensorflow": _gradient_tensorflow, "jax": _gradient_jax, "torch": _gradient_torch}
