"""The custom training step, and the two things in it that differ by backend.

TensorFlow gets an explicit step. JAX and torch run Keras's own step over the same `compute_loss`.
"""

import math

import keras
from keras import ops

LARGE = 4_000_000  # trainable weights; fewer are updated faster than XLA compiles the update


def replicas():
    """Number of replicas that share one batch under `tf.distribute`; 1 anywhere else."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


class TrainStep:
    """Mixed in before `keras.Model`; the model supplies `compute_loss`, already divided by `replicas()`."""

    def train_step(self, *args, **kwargs):
        if keras.backend.backend() != "tensorflow":
            return super().train_step(*args, **kwargs)
        return self._tensorflow_step(*args, **kwargs)

    def _tensorflow_step(self, data):
        import tensorflow as tf

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            outputs = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss)  # only float16 training scales
        # replicas each hold a part of the loss, and their gradients are summed
        self._loss_tracker.update_state(loss * replicas(), sample_weight=ops.shape(x)[0])
        gradients = tape.gradient(scaled, self.trainable_weights)
        self._update(gradients)
        return self.compute_metrics(x, y, outputs, sample_weight=sample_weight)

    def _update(self, gradients):
        """The optimizer's step. XLA fuses what else reads and writes every large weight a dozen times."""
        import tensorflow as tf

        def update():
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))

        # TensorFlow's operations one by one take 46 ms for 13 million weights on one core, fused ones 17 ms
        alone = replicas() == 1 and not tf.executing_eagerly()
        fused = alone and sum(math.prod(weight.shape) for weight in self.trainable_weights) >= LARGE
        (tf.function(update, jit_compile=True) if fused else update)()


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
