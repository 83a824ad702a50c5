"""Sprites drawn in code: every image is one combination of five known factors. No file, no network.

They stand in for dSprites (Matthey et al. 2017), the data set on which disentanglement is measured: a white shape on
black that varies in kind, size, orientation and place. Here images are 32x32 instead of 64x64, factors have fewer
values, and a rectangle stands in the place of the square, which looks the same after a quarter of a turn.
"""

import functools
import math

import numpy as np

from .spec import Spec

SIDE = 32
OVERSAMPLING = 4  # points along the side of a pixel: edges have 17 grey levels
STEP = 6  # of a place, in these points: one and a half pixels
RADIUS = 7.0  # of the largest shape, in pixels
FACTORS = {"shape": 3, "scale": 4, "orientation": 12, "x": 12, "y": 12}  # name -> number of values
SHAPES = ("rectangle", "ellipse", "heart")
TEST = 2_736
TRAIN = math.prod(FACTORS.values()) - TEST


def factors(split="train"):
    """The factors of every image of a split, in its order.

    Args:
        split: "train" or "test".

    Returns:
        int64 (n, 5): indices of the values, in the order of `FACTORS`. Scales grow in equal steps from half of the
        largest size; orientations divide half a turn.
    """
    return np.stack(np.unravel_index(_order(split), tuple(FACTORS.values())), axis=-1)


def _order(split):
    """Positions of a split's images in the grid of all combinations, in a fixed random order."""
    order = np.random.default_rng(0).permutation(TRAIN + TEST)
    return order[:TRAIN] if split == "train" else order[TRAIN:]


def _read(split, root):
    order = _order(split)
    return _all_images()[order], factors(split)[:, 0]


@functools.cache
def _all_images():
    """uint8 (20,736, 32, 32, 1), in the order of the grid of factors, x before y."""
    shapes, scales, orientations, *places = FACTORS.values()
    drawn = [
        _at_all_places(_shape(kind, scale, turn), places)
        for kind in range(shapes)
        for scale in np.linspace(0.5, 1.0, scales)
        for turn in np.pi * np.arange(orientations) / orientations
    ]
    return np.concatenate(drawn)


def _shape(kind, scale, turn):
    """Whether the points around a shape lie in it: bool, a square that is wide enough to be moved to every place."""
    reach = SIDE * OVERSAMPLING + STEP * (FACTORS["x"] - 1)
    ticks = (np.arange(reach) - (reach - 1) / 2) / (OVERSAMPLING * RADIUS * scale)
    across, down = np.meshgrid(ticks, ticks)
    x, y = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
    if kind == 0:
        return (abs(x) < 0.85) & (abs(y) < 0.45)
    if kind == 1:
        return x**2 + (y / 0.5) ** 2 < 1
    x, y = 1.35 * x, 0.1 - 1.35 * y  # the curve is 2.3 wide and 2.2 high; its tip points down
    return (x**2 + y**2 - 1) ** 3 < x**2 * y**3


def _at_all_places(inside, places):
    """uint8 (places, 32, 32, 1): the shape seen through a window that moves, so that the shape moves the other way."""
    windows = np.lib.stride_tricks.sliding_window_view(inside, (SIDE * OVERSAMPLING,) * 2)[::STEP, ::STEP]
    moved = windows[::-1, ::-1].swapaxes(0, 1)  # a window to the left shows the shape at the right
    pixels = moved.reshape(*places, SIDE, OVERSAMPLING, SIDE, OVERSAMPLING).mean((3, 5), dtype="float32")
    return np.rint(255 * pixels).astype("uint8").reshape(-1, SIDE, SIDE, 1)


SPEC = Spec(
    name="sprites",
    title="Sprites",
    shape=(SIDE, SIDE, 1),
    splits={"train": TRAIN, "test": TEST},
    read=_read,
    source="green_vae/data/sprites.py",
    licence="that of this package",
    class_names=SHAPES,
)
