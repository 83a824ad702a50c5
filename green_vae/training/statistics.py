"""The statistics that batch normalisation uses in evaluation, estimated from the weights that a training ends with."""

import keras

from green_vae.keras_internals import layers_inside
from green_vae.training.batches import Batches
from green_vae.utils.progress import progress


def recalibrate_batch_norm(model, x, batch_size=100, batches=200, seed=0):
    """Set the moving statistics of every BatchNormalization to plain averages over batches of x, as in training.

    A moving average lags behind the weights, the longer the higher its momentum (0.999 in the residual networks), so
    that the network in evaluation is not the one that was trained. Trained weights do not change, but for the power
    steps of spectral normalisation where there is any.

    Args:
        model: a trained model of the package. Nested networks count.
        x: training examples (n, ...), taken in the shuffled order of epoch 0 of `seed`.
        batch_size: of the training: the statistics are those of batches of this size.
        batches: how many at most; more than 200 change nothing (Wu and Johnson 2021, precise batch norm). None for all.
        seed: of the order.

    Raises:
        ValueError: fewer examples than one batch.
    """
    norms = batch_norms(model)
    if not norms:
        return
    order = Batches(x, min(batch_size, len(x)), seed)
    count = len(order) if batches is None else min(batches, len(order))
    momenta, run = [norm.momentum for norm in norms], _pass(model, norms)
    try:
        with progress() as bar:
            for index in bar.track(range(count), description="statistics of batch norm"):
                run(*order[index], index / (index + 1))  # the running mean of the first index + 1 batches
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _pass(model, norms):
    """f(x, momentum): a compiled pass as in training, in which the statistics move with this momentum."""

    def move(x, momentum):
        for norm in norms:
            norm.momentum = momentum
        model(x, training=True)

    return _COMPILED[keras.backend.backend()](model, move)


def _tensorflow(model, move):
    import tensorflow as tf

    moved = tf.function(move, autograph=False, reduce_retracing=True)
    return lambda x, momentum: moved(x, tf.constant(momentum, "float32"))


def _jax(model, move):
    import jax

    @jax.jit
    def moved(values, x, momentum):
        with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))) as scope:
            move(x, momentum)
        return [scope.get_current_value(variable) for variable in model.non_trainable_variables]

    def compiled(x, momentum):
        values = moved([variable.value for variable in model.variables], x, momentum)
        for variable, value in zip(model.non_trainable_variables, values, strict=True):
            if value is not None:
                variable.assign(value)

    return compiled


_COMPILED = {"tensorflow": _tensorflow, "jax": _jax, "torch": lambda model, move: move}


def batch_norms(model):
    """Every BatchNormalization of a model, those of networks inside its networks too, each once."""
    inside = [layer for network in model.networks().values() for layer in layers_inside(network)]
    norms = {id(layer): layer for layer in inside if isinstance(layer, keras.layers.BatchNormalization)}
    return list(norms.values())
