"""The training step: Keras's own on every backend, in which schedules move; and two things that differ by backend."""

import contextlib
import contextvars

import keras
from keras import ops

from green_vae.keras_internals import adam_moments, variable_index

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
    """Keras's Adam, whose step on TensorFlow is one operation for each weight, outside `tf.distribute`.

    Keras composes the step of two dozen operations, each of which reads and writes the whole weight. For 13 million
    numbers that takes 39 ms on one core, and 17 ms so. To trace the step of a network with 150 weights takes 2.7 s of
    processor time, and 0.6 s so. The formula is the same; rounding differs by some 1e-5 of a step.
    """

    _shared = None  # numbers of the step that is being made

    def apply(self, grads, trainable_variables=None):
        self._shared = self._numbers() if self._has_kernel() else None
        super().apply(grads, trainable_variables)
        self._shared = None  # tensors of this step, which would keep its graph

    def update_step(self, gradient, variable, learning_rate):
        if self._shared is None or variable.dtype != "float32":
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        moments = adam_moments(self, variable_index(self, variable))
        m, v = (moment.value.handle for moment in moments)
        rate, gradient = tf.cast(learning_rate, "float32"), tf.cast(gradient, "float32")
        tf.raw_ops.ResourceApplyAdam(var=variable.handle, m=m, v=v, lr=rate, grad=gradient, **self._shared)

    def _has_kernel(self):
        return keras.backend.backend() == "tensorflow" and replicas() == 1 and not self.amsgrad

    def _numbers(self):
        """What the steps of all weights share, as tensors."""
        import tensorflow as tf

        names = {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
        shared = {name: tf.constant(value, "float32") for name, value in names.items()}
        step = tf.cast(self.iterations, "float32") + 1.0
        return {**shared, **{f"{name}_power": tf.pow(shared[name], step) for name in ("beta1", "beta2")}}


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
