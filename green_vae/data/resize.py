"""Bilinear resizing without antialiasing, in NumPy: four neighbours, half-pixel centres."""

import numpy as np


def bilinear(images, height, width):
    """Resize (..., h, w, c) to (..., height, width, c), float32 in the input's units.

    Output pixel i samples the input at (i + 0.5) * size / new - 0.5, between its two neighbours on each axis; at the
    border the nearest pixel is repeated. Equals `tf.image.resize(images, ..., antialias=False)`. PIL's BILINEAR does
    the same when enlarging, but averages over a wider window when shrinking.
    """
    images = np.asarray(images, dtype=np.float32)
    low, high, weight = _taps(images.shape[-3], height)
    weight = weight[:, None, None]
    images = images[..., low, :, :] * (1 - weight) + images[..., high, :, :] * weight
    low, high, weight = _taps(images.shape[-2], width)
    weight = weight[:, None]
    return images[..., low, :] * (1 - weight) + images[..., high, :] * weight


def _taps(size, new):
    """The two neighbours of each of `new` samples along an axis of `size` pixels, and the weight of the second."""
    centre = (np.arange(new) + 0.5) * size / new - 0.5
    low = np.floor(centre).astype(int)
    weight = (centre - low).astype(np.float32)
    return np.clip(low, 0, size - 1), np.clip(low + 1, 0, size - 1), weight


def to_uint8(images):
    """Round to the nearest of 0..255."""
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)
