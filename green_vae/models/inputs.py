"""What goes into a model: images are checked once, at the door, and become floats only there."""

import keras
import numpy as np
from keras import ops


def check_images(images, image_shape):
    """Return `images` if they are what a model expects, else say what is wrong.

    Args:
        images: array (n, h, w, c), uint8 or float in [0, 1].
        image_shape: (h, w, c) of the model.

    Raises:
        ValueError: another rank, size, dtype or range, NaN, or no image at all.
    """
    shape, dtype = np.shape(images), np.asarray(images[:0]).dtype
    if len(shape) != len(image_shape) + 1 or tuple(shape[1:]) != tuple(image_shape):
        raise ValueError(f"expected images of shape (n, {', '.join(map(str, image_shape))}). Received: shape {shape}")
    if shape[0] == 0:
        raise ValueError(f"expected at least one image. Received: shape {shape}")
    if dtype == np.uint8:
        return images
    if not np.issubdtype(dtype, np.floating) and dtype.name != "bfloat16":
        raise ValueError(f"expected uint8 images, or floats in [0, 1]. Received: dtype {dtype}")
    low, high = float(np.min(images)), float(np.max(images))  # NaN if any value is NaN
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        hint = "divide by 255, or pass uint8" if high > 1 else "remove NaN, or rescale to [0, 1]"
        raise ValueError(f"expected float images in [0, 1]: {hint}. Received: values from {low:g} to {high:g}")
    return images


def to_unit(x):
    """uint8 tensors become float32 in [0, 1]; float tensors pass unchanged."""
    if keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        return x
    return ops.cast(x, "float32") / 255.0
