"""What goes into a model: images are checked once, at the door, and become floats only there."""

import math
import numbers

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
    shape, dtype = tuple(images.shape), array_of(images[:0]).dtype
    if shape[1:] != tuple(image_shape):
        hint = "; put images into batches, say by dataset.batch(32)" if shape == tuple(image_shape) else ""
        expected = f"expected images of shape (n, {', '.join(map(str, image_shape))}){hint}"
        raise ValueError(f"{expected}. Received: shape {shape}")
    if shape[0] == 0:
        raise ValueError(f"expected at least one image. Received: shape {shape}")
    if dtype == np.uint8:
        return images
    if dtype.kind != "f" and dtype.name != "bfloat16":
        hint = {"b": ': images.astype("float32")', "i": ': images.astype("uint8") if values go from 0 to 255'}
        expected = f"expected uint8 images, or floats in [0, 1]{hint.get(dtype.kind, '')}"
        raise ValueError(f"{expected}. Received: dtype {dtype}")
    images_here = array_of(images)
    low, high = float(images_here.min()), float(images_here.max())  # NaN if any value is NaN
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        hint = "divide by 255, or pass uint8" if high > 1 else "remove NaN, or rescale to [0, 1]"
        raise ValueError(f"expected float images in [0, 1]: {hint}. Received: values from {low:g} to {high:g}")
    return images


def checked_shape(shape, axes):
    """`shape` of one example as a tuple, if it is one of so many axes, else raise a ValueError."""
    try:
        sides = tuple(shape)
    except TypeError:
        sides = ()
    if len(sides) != axes or not all(isinstance(side, numbers.Integral) and side >= 1 for side in sides):
        expected = "(height, width, channels)" if axes == 3 else "(size,)"
        raise ValueError(f"image_shape is {expected}, whole numbers of 1 or more. Received: image_shape={shape!r}")
    return tuple(map(int, sides))


def array_of(x):
    """x itself if it is an array of NumPy, else the array that it becomes."""
    return x if isinstance(x, np.ndarray) else ops.convert_to_numpy(x)


def to_unit(x):
    """uint8 tensors become float32 in [0, 1]; float tensors pass unchanged."""
    if keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        return x
    return ops.cast(x, "float32") / 255.0


def check_target(y, image_shape):
    """Return y, an array or tensor, if images are to be reconstructed as it, else say what is wrong.

    Raises:
        ValueError: another shape than that of the model's images; labels are none.
    """
    shape = tuple(y.shape)
    if len(shape) != len(image_shape) + 1 or any(
        known not in (None, side) for known, side in zip(shape[1:], image_shape, strict=True)
    ):
        expected = f"of the model's shape (n, {', '.join(map(str, image_shape))})"
        hint = "labels have no use here, leave them out, say by dataset.map(lambda image, label: image)"
        raise ValueError(f"y is what x is reconstructed as, {expected}; {hint}. Received: y of shape {shape}")
    return y


def is_labels(y, image_shape):
    """Whether y, of a data set with labels, says nothing of images: (n,), (n, 1) or (n, classes). Nobody uses it here.

    Flattened images are none, so that they are refused and not left out.

    Raises:
        ValueError: y whose rank TensorFlow forgot, because the model was fitted on some of another rank before.
    """
    if getattr(y.shape, "rank", 0) is None:
        if keras.backend.is_int_dtype(y.dtype) and y.dtype != "uint8":  # images have no such numbers
            return True
        hint = "the model was fitted on y of another rank before: compile it again"
        raise ValueError(f"{hint}. Received: {y.dtype} of any rank")
    shape = tuple(y.shape)
    return len(shape) < min(3, len(image_shape) + 1) and shape[1:] != (math.prod(image_shape),)


def as_weights(sample_weight):
    """Weights of examples as an array or tensor; of a dict {"reconstruction": ...} counts."""
    if isinstance(sample_weight, dict):
        sample_weight = sample_weight.get("reconstruction")
    return sample_weight if hasattr(sample_weight, "shape") else np.asarray(sample_weight, "float32")


def check_weights(sample_weight, count):
    """Raises ValueError if these are no weights of `count` examples: a number of 0 or more for each."""
    if (shape := tuple(sample_weight.shape)) != (count,):
        raise ValueError(f"sample_weight has one number for each example, ({count},). Received: shape {shape}")
    weights = array_of(sample_weight)
    low, high = float(weights.min()), float(weights.max())  # NaN if any weight is
    if not (low >= 0 and high < math.inf):
        raise ValueError(f"weights of examples are 0 or more, and finite. Received: values from {low:g} to {high:g}")


def example_weights(sample_weight, whole_batch=None):
    """`sample_weight` of Keras as float32 (batch,); None for none.

    Args:
        whole_batch: what the model's loss takes from the whole batch, in words, which no weight of an example reaches.

    Raises:
        ValueError: another shape, or a model whose loss takes something from the whole batch.
    """
    if sample_weight is None:
        return None
    if whole_batch:
        raise ValueError(f"sample_weight weighs examples, but {whole_batch} of a whole batch. Received: sample_weight")
    if len(sample_weight.shape) != 1:
        shape = tuple(sample_weight.shape)
        raise ValueError(f"sample_weight has one number for each example, (n,). Received: shape {shape}")
    return ops.cast(sample_weight, "float32")
