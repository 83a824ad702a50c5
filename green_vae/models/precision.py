"""The precision that Keras builds layers in, for the time of a block."""

import contextlib

import keras


@contextlib.contextmanager
def dtype_policy(name):
    """Inside, new layers have this policy, "float32" or "mixed_bfloat16"; None leaves it as it is."""
    before = keras.config.dtype_policy()
    if name is not None:
        keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
