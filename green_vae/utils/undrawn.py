"""How the first weights of a model are drawn: from a seed, or not at all where they are counted or read from a file."""

import contextlib
import random

import keras
import numpy as np

_I = keras.initializers
RANDOM = (_I.VarianceScaling, _I.RandomNormal, _I.RandomUniform, _I.TruncatedNormal, _I.Orthogonal)  # and subclasses


@contextlib.contextmanager
def undrawn_weights():
    """Inside, weights that would be drawn at random start at 0; biases, scales and seeds of noise start as ever.

    Drawing takes nearly all of the time in which a large network is built. JAX compiles a generator for every shape:
    15 s for the 28 million weights of "survey/resnet-s4-b64-l64", which are 1.4 s here.
    """
    before = [kind.__call__ for kind in RANDOM]
    try:
        for kind in RANDOM:
            kind.__call__ = _zeros
        yield
    finally:
        for kind, call in zip(RANDOM, before, strict=True):
            kind.__call__ = call


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


def _zeros(initializer, shape, dtype=None, **layout):
    return keras.ops.convert_to_tensor(np.zeros(shape, "float32"), dtype or keras.config.floatx())
