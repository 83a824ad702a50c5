"""Arrays of images as floats."""

import numpy as np


def unit_floats(images, dtype="float32"):
    """uint8 arrays divided by 255, so in [0, 1]; others as they are, and not copied if they are of that `dtype`."""
    images = np.asarray(images)
    return np.divide(images, 255, dtype=dtype) if images.dtype == np.uint8 else images.astype(dtype, copy=False)
