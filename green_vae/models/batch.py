"""What is in a batch: images, what they are to be reconstructed as, and weights; labels are left out."""

import os

import keras
import numpy as np
from keras import ops

from green_vae.models.inputs import is_labels

KEYS = ("image", "images", "x")  # what images are called in a dict


def images_of(x, image_shape):
    """The images in x of a batch, as an array or tensor.

    Args:
        x: array or tensor; a dict of them, whose images are called "image", "images" or "x", or are all that has the
            rank of images; a list of images, or of arrays of images; a tuple (x, y, ...), of which x counts; or
            anything with `images`, such as a `green_vae.data.Dataset`.
        image_shape: (h, w, c) of the model.

    Raises:
        ValueError: a dict without images, or with several that could be; an empty list; images of several sizes; or
            what holds no images.
    """
    if hasattr(x, "images"):
        return x.images
    if isinstance(x, dict):
        return _named(x, image_shape)
    if isinstance(x, tuple) and x:
        return images_of(x[0], image_shape)
    return _joined(x, image_shape) if isinstance(x, (list, tuple)) else as_array(x)


def as_array(x):
    """x itself if it is an array or tensor; the array of what NumPy takes for one, say a picture of PIL.

    Raises:
        ValueError: anything else, such as the name of a data set.
    """
    if hasattr(x, "shape"):
        return x
    if hasattr(x, "__array_interface__") or hasattr(x, "__array__"):
        return np.asarray(x)
    hint = "; green_vae.data.load reads a data set or a folder" if isinstance(x, (str, os.PathLike)) else ""
    raise ValueError(f"expected images, an array (n, h, w, c) or what holds some{hint}. Received: {x!r:.200}")


def _named(batch, image_shape):
    named = [name for name in KEYS if name in batch]
    found = named or [name for name, value in batch.items() if rank(value) == len(image_shape) + 1]
    if len(found) != 1:
        there_is = ", ".join(f"{name} {tuple(np.shape(value))}" for name, value in batch.items()) or "nothing"
        raise ValueError(f"a dict names its images one of {', '.join(KEYS)}. Received: a dict with {there_is}")
    return batch[found[0]]


def _joined(parts, image_shape):
    if not parts:
        raise ValueError("expected at least one image. Received: an empty list")
    ranks = {rank(part) for part in parts}
    if ranks == {len(image_shape)}:
        return np.stack(_of_one_size(parts, 0))
    if len(parts) == 1 or ranks != {len(image_shape) + 1}:  # [images], or [images, labels]
        return images_of(parts[0], image_shape)
    return np.concatenate(_of_one_size(parts, 1))


def _of_one_size(parts, first):
    """The parts as arrays, which are of one shape from the axis `first` on."""
    arrays = [ops.convert_to_numpy(as_array(part) if not isinstance(part, (list, tuple)) else part) for part in parts]
    for array in arrays:
        if array.shape[first:] != arrays[0].shape[first:]:
            raise ValueError(f"expected images of one size. Received: shapes {arrays[0].shape} and {array.shape}")
    return arrays


def rank(value):
    """Number of axes of an array, tensor or nested list; 0 for anything else."""
    try:
        return len(value.shape if hasattr(value, "shape") else np.shape(value))
    except ValueError:  # a list of lists of several lengths; or a tensor of any rank
        return 0


def batch_of(data, image_shape):
    """A batch as Keras takes it, with nothing in it but images and weights: x, (x, y) or (x, y, sample_weight).

    y is what x is reconstructed as; labels are left out, and of a dict y {"reconstruction": ...} counts.
    """
    if isinstance(data, list) and {rank(part) for part in data} == {len(image_shape)}:
        data = (data,)  # a list of images, and no (x, y)
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    x, y = images_of(x, image_shape), target_of(y, image_shape)
    if y is None and sample_weight is not None:  # Keras drops weights that come without a y
        y = x
    return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)


def target_of(y, image_shape, labels=False):
    """y of a batch if it is images, or anything that should have been; None for labels, unless they are asked for."""
    if isinstance(y, dict):
        y = y.get("reconstruction")
    if y is None:
        return None
    y = images_of(y, image_shape) if hasattr(y, "images") or isinstance(y, (list, tuple)) else y
    y = y if hasattr(y, "shape") else np.asarray(y)  # nested lists, too
    return None if is_labels(y, image_shape) and not labels else y


def numbers_of(x):
    """x as a NumPy array; None where it is symbolic, as in the trace of a compiled step."""
    try:
        return ops.convert_to_numpy(x)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return None
