"""What Keras builds layers in for the time of a block, precision and order of axes; and the precision of products."""

import contextlib

import keras


def product_precision():
    """What JAX was told to compute products of float32 numbers in, say "highest"; None for the device's own way.

    Its own way is float32 on CPUs, and TF32 on NVIDIA GPUs from the A100 on.
    """
    if keras.backend.backend() != "jax":
        return None
    import jax

    return jax.config.jax_default_matmul_precision


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


@contextlib.contextmanager
def channels_last():
    """Inside, new layers take images (h, w, c), as ours are, whatever keras.json says; they keep that order."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)
