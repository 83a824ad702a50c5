"""Images on their way to a feature extractor: checked, converted, cut into batches of one size."""

import sys
import time

import numpy as np

from green_vae.utils import digests
from green_vae.utils.images import unit_floats
from green_vae.utils.progress import clock, progress

_MARGIN = 1e-3  # what a float image may exceed [0, 1] by: rounding, not another range


def image_key(images):
    """A content hash of an array of images: its type, shape and bytes, 16 hexadecimal digits."""
    images = np.asanyarray(images)
    return digests.of_arrays([images], f"{images.dtype.str}{images.shape}")[:16]


def prepare(images, quantise=False, stretch=False):
    """Images as float32 (n, height, width, 3) in [0, 1]; one channel is repeated.

    Args:
        images: (n, height, width, 1 or 3), uint8, or float in [0, 1].
        quantise: round to whole pixel values 0..255 (and divide by 255 again).
        stretch: map every image's own minimum and maximum to 0 and 1, before rounding.

    Raises:
        ValueError: another shape, type or range, or numbers that are not finite.
    """
    _check(images)
    images = unit_floats(images)
    if stretch:
        low, high = images.min((1, 2, 3), keepdims=True), images.max((1, 2, 3), keepdims=True)
        images = (images - low) / np.where(high > low, high - low, 1)
    if quantise:
        images = np.rint(images.clip(0, 1) * np.float32(255)) / np.float32(255)
    return images.repeat(3, axis=-1) if images.shape[-1] == 1 else images


def batches(images, size, quantise=False, stretch=False):
    """Yield `prepare`d batches of `size` images, in order; the last one may be smaller.

    Args:
        images: one array, or any iterable of arrays (batches of any sizes), read once.

    Raises:
        ValueError: see `prepare`; also for images whose size changes on the way.
    """
    held = None
    for part in _parts(images, size):
        part = prepare(part, quantise, stretch)
        if held is not None and held.shape[1:] != part.shape[1:]:
            raise ValueError(f"all images must have one size. Received: {held.shape[1:]}, then {part.shape[1:]}")
        held = part if held is None else np.concatenate([held, part])
        if len(held) >= size:
            yield held[:size]
            held = held[size:]
    if held is not None and len(held):
        yield held


def track(parts, total=None, description="features", seconds=15):
    """Yield `parts` (arrays) and show on stderr how far it is: a bar, or a line every `seconds` if no terminal."""
    began = printed = time.monotonic()
    done = 0
    with progress() as bar:
        task = bar.add_task(description, total=total)
        for part in parts:
            yield part
            done += len(part)
            bar.advance(task, len(part))
            now = time.monotonic()
            if bar.disable and now - printed >= seconds:
                print(_line(description, done, total, now - began), file=sys.stderr, flush=True)
                printed = now


def _line(description, done, total, elapsed):
    if not total:
        return f"{description} {done}, {done / elapsed:.0f}/s"
    return f"{description} {done}/{total}, {clock(max(total - done, 0) * elapsed / done)} left"


def _parts(images, size):
    """Slices of at most `size` images: whatever comes, no more than that is converted at a time."""
    images = getattr(images, "images", images)  # of a `Dataset`
    for part in [images] if hasattr(images, "shape") else images:
        if isinstance(part, (tuple, dict)):
            raise ValueError(f"batches must be arrays of images alone. Received: a batch of type {type(part).__name__}")
        part = part if isinstance(part, np.ndarray) else np.asarray(part)
        _check_shape(part)
        yield from (part[start : start + size] for start in range(0, len(part), size))


def _check_shape(images):
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"images must be (n, height, width, 1 or 3). Received: shape {images.shape}")


def _check(images):
    _check_shape(images)
    if images.dtype == np.uint8:
        return
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"images must be uint8, or float in [0, 1]. Received: {images.dtype}")
    if not np.isfinite(images).all():
        raise ValueError(f"images must be finite. Received: {np.sum(~np.isfinite(images))} pixels NaN or infinite")
    low, high = images.min(initial=0), images.max(initial=0)
    if low < -_MARGIN or high > 1 + _MARGIN:
        hint = "pixels 0 to 255 must be uint8, or divided by 255" if high > 2 else "clip them first"
        raise ValueError(f"float images must be in [0, 1]; {hint}. Received: range [{low:.4g}, {high:.4g}]")
