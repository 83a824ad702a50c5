"""Damage to images that a model may be asked to undo: what "gaussian:0.25" and "mask:0.5" mean."""

import numpy as np

from green_vae.utils.images import unit_floats

KINDS = ("gaussian", "mask")


def parsed(how):
    """(kind, level) of a text such as "gaussian:0.25".

    Raises:
        ValueError: another kind, or a level that is no number above 0, or for a mask not below 1.
    """
    kind, _, level = str(how).partition(":")
    try:
        number = float(level)
    except ValueError:
        number = float("nan")
    if kind not in KINDS or not 0 < number < (1 if kind == "mask" else float("inf")):
        there_is = "'gaussian:S', S the noise's standard deviation, or 'mask:P', P the share of pixels that are black"
        raise ValueError(f"a corruption is {there_is}. Received: {how!r}")
    return kind, number


def corrupted(images, how, seed=0):
    """Damaged copies of images, float32 in [0, 1]; the same ones for the same seed.

    Args:
        images: (n, h, w, c), uint8 or float in [0, 1].
        how: "gaussian:S": noise of standard deviation S is added, and the sum cut to [0, 1]. "mask:P": every pixel is
            black with probability P, in all its channels.
        seed: of the noise.

    Raises:
        ValueError: another corruption.
    """
    kind, level = parsed(how)
    rng, images = np.random.default_rng(seed), unit_floats(images)
    if kind == "mask":
        return images * (rng.random((*images.shape[:-1], 1)) >= level).astype("float32")
    return np.clip(images + np.float32(level) * rng.standard_normal(images.shape, dtype="float32"), 0, 1)
