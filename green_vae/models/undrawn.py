"""How the first weights of a model are drawn: from a seed, or not at all where they are counted or read from a file."""

import contextlib
import math
import random

import keras
import numpy as np

from green_vae.keras_internals import without_values

_I = keras.initializers
RANDOM = (_I.VarianceScaling, _I.RandomNormal, _I.RandomUniform, _I.TruncatedNormal, _I.Orthogonal)  # and subclasses


@contextlib.contextmanager
def undrawn_weights(at_most=None):
    """Inside, weights that would be drawn at random start at 0; biases, scales and seeds of noise start as ever.

    JAX compiles a generator for every shape, which takes nearly all of the time in which a network is built: 8.8 s of
    processor time for "survey/resnet-s4-b64-l64", which is 0.3 s here. TensorFlow goes from 0.6 to 0.4 s.

    Args:
        at_most: numbers in all these weights together; None for any. A configuration that somebody else wrote may ask
            for more than the machine has.

    Raises:
        ValueError: more than that, before they take memory.
    """
    left = math.inf if at_most is None else at_most

    def zeros(initializer, shape, dtype=None, **layout):
        nonlocal left
        if (left := left - math.prod(shape)) < 0:
            raise ValueError(f"the model has more weights than its file can hold. Received: a weight of shape {shape}")
        return _zeros(shape, dtype)

    before = [kind.__call__ for kind in RANDOM]
    try:
        for kind in RANDOM:
            kind.__call__ = zeros
        yield
    finally:
        for kind, call in zip(RANDOM, before, strict=True):
            kind.__call__ = call


@contextlib.contextmanager
def no_weights():
    """Inside, weights have shapes and no values: a model that is built here can be counted, and nothing else."""
    with undrawn_weights(), without_values():
        yield


@contextlib.contextmanager
def python_seed(seed):
    """Inside, fresh weights follow `seed`, if it is not None; Python's random numbers go on afterwards as if unused.

    Keras's initializers take their seeds from Python's generator, and only from there.
    """
    if seed is None:
        yield
        return
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def _zeros(shape, dtype):
    dtype = dtype or keras.config.floatx()
    if keras.backend.backend() == "jax":  # which compiles zeros for every shape, too
        return keras.ops.convert_to_tensor(np.zeros(shape, "float32"), dtype)
    return keras.ops.zeros(shape, dtype)
