"""How near reconstructions are to images: mean squared error, PSNR, SSIM."""

import numpy as np
from skimage.metrics import structural_similarity

from green_vae.utils.images import unit_floats

_FAR = 16.0  # a decoder that is unbounded may leave [0, 1], but not so far
_WINDOW = 7  # pixels; scikit-image's uniform window


def mse(images, reconstructions):
    """Mean squared error over all images, pixels and channels (the survey's tables give it times 1000).

    Args:
        images, reconstructions: (n, height, width, channels), float of one range, or uint8 (divided by 255).

    Raises:
        ValueError: shapes differ or are not images, no images, numbers that are not finite, or images of two ranges:
            uint8 beside floats that are far outside of [0, 1], or floats from 0 to 1 beside floats from 0 to 255.
    """
    return float(per_image(images, reconstructions, _squared_error).mean())


def psnr(images, reconstructions, data_range=1.0):
    """Mean over the images of 10 log10(data_range^2 / mean squared error of the image), in decibels; inf if equal.

    Args:
        images, reconstructions: as for `mse`. data_range: as for `ssim`.

    Raises:
        ValueError: as for `mse`, or images whose values differ by more than `data_range`.
    """
    _check_data_range(images, reconstructions, data_range)
    errors = per_image(images, reconstructions, _squared_error)
    with np.errstate(divide="ignore"):
        return float(np.mean(10 * np.log10(data_range**2 / errors)))


def ssim(images, reconstructions, data_range=1.0):
    """Mean over the images of the structural similarity of Wang et al. (2004), as scikit-image computes it.

    Uniform 7x7 window, sample covariance, mean over pixels and channels; 1 if equal.

    Args:
        images, reconstructions: as for `mse`, at least 7x7 pixels.
        data_range: largest minus smallest possible value. scikit-image before 0.20 silently took 2 for floats, which
            gives higher numbers than the true 1.

    Raises:
        ValueError: as for `psnr`, or images smaller than the window.
    """
    _check_data_range(images, reconstructions, data_range)
    if np.ndim(images) == 4 and min(np.shape(images)[1:3]) < _WINDOW:
        raise ValueError(f"SSIM needs images of at least {_WINDOW}x{_WINDOW} pixels. Received: {np.shape(images)}")

    def similarity(a, b):
        return [structural_similarity(*pair, data_range=data_range, channel_axis=-1) for pair in zip(a, b, strict=True)]

    return float(per_image(images, reconstructions, similarity).mean())


def per_image(a, b, measure, size=256):
    """`measure(a, b)` -> (n,), applied to `size` images at a time as float64; uint8 is divided by 255.

    Raises:
        ValueError: see `mse`.
    """
    a, b = (getattr(x, "images", x) for x in (a, b))  # of a `Dataset`
    if np.shape(a) != np.shape(b) or np.ndim(a) != 4 or not len(a):
        raise ValueError(
            "images and reconstructions must have one shape (n, height, width, channels), n > 0. "
            f"Received: {np.shape(a)} and {np.shape(b)}"
        )
    floats = [x for x in (a, b) if np.asarray(x[:1]).dtype != np.uint8]
    if len(floats) == 1:
        _check_unit(*floats)
    elif floats:
        _check_one_range(a, b)
    slices = [slice(start, start + size) for start in range(0, len(a), size)]
    return np.concatenate([measure(_as_float(a[part]), _as_float(b[part])) for part in slices])


def _check_unit(images):
    """Refuse floats that are not of the range of bytes divided by 255; a linear decoder may leave [0, 1] a little."""
    low, high = float(np.min(images)), float(np.max(images))
    if low < -0.5 or high > 1.5:
        raise ValueError(
            "uint8 is divided by 255, so floats beside it lie in [0, 1]; divide them by 255, or give both as floats of "
            f"one range. Received: floats from {low:g} to {high:g}"
        )


def _check_data_range(images, reconstructions, data_range):
    """Refuse floats whose values differ by more than they may: a quality without sense."""
    images, others = (getattr(x, "images", x) for x in (images, reconstructions))
    if np.size(images) and np.uint8 not in (np.asarray(images[:1]).dtype, np.asarray(others[:1]).dtype):
        low, high = float(np.min(images)), float(np.max(images))
        if high - low > 2 * data_range:
            received = f"data_range={data_range:g}, values from {low:g} to {high:g}"
            raise ValueError(f"data_range is the largest minus the smallest possible value. Received: {received}")


def _check_one_range(a, b):
    """Refuse floats in [0, 1] beside floats that go far beyond: pixels from 0 to 255 that nobody divided."""
    highest = [float(np.max(x)) for x in (a, b)]
    if min(highest) <= 1.001 and max(highest) > _FAR:
        raise ValueError(
            "both are floats of one range, of which one goes to 1 here; divide the other by 255. "
            f"Received: values up to {highest[0]:g} and {highest[1]:g}"
        )


def _squared_error(a, b):
    return np.mean((a - b) ** 2, axis=(1, 2, 3))


def _as_float(images):
    images = unit_floats(images, "float64")
    if not np.isfinite(images).all():
        raise ValueError(f"images must be finite. Received: {np.sum(~np.isfinite(images))} pixels NaN or infinite")
    return images
