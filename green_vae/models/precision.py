"""The precision that Keras builds layers in, for the time of a block."""

import contextlib

import keras


@contextlib.contextmanager
def dtype_policy(policy):
    """Inside, new layers have this policy, a name such as "mixed_bfloat16" or a `DTypePolicy`; None leaves it."""
    before = keras.config.dtype_policy()
    if policy is not None:
        keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
