"""Features without a network or a file, for smoke tests; protocol `tiny`."""

import keras
import numpy as np

from green_vae.metrics.protocol import TINY, Protocol, checked_precision
from green_vae.utils import digests

_GRID = 4


class TinyExtractor:
    """64 deterministic features: average-pooled pixels, a fixed random projection, and its positive part.

    The numbers mean nothing beside other work and print as `FID@tiny`.

    Args:
        layers: ignored, so that a smoke test runs a table's own settings; the one layer is "tiny".
        precision: "bfloat16" rounds both factors of the projection.

    Raises:
        ValueError: an unknown precision.
    """

    layers = ("tiny",)

    def __init__(self, layers=("tiny",), batch_size=32, quantise=False, stretch=False, precision="float32"):
        self.batch_size, self.precision = batch_size, checked_precision(precision)
        self._matrix = np.random.RandomState(2048).standard_normal((3 * _GRID**2, TINY.dim))
        self.protocols = {
            "tiny": Protocol(
                name="tiny",
                weights="fixed random projection",
                weights_sha256=digests.of_arrays([self._matrix.astype("<f8")]),
                resize=f"average over {_GRID}x{_GRID} cells",
                input_range="x in [0, 1]",
                layer="tiny",
                quantise=quantise,
                stretch=stretch,
                precision=precision,
            )
        }

    def __call__(self, images, layers=None):
        """Features {"tiny": float32 (n, 64)} of float images (n, height, width, 3) in [0, 1]."""
        if min(images.shape[1:3]) < _GRID:
            raise ValueError(f"images must be at least {_GRID}x{_GRID}. Received: shape {images.shape}")
        for axis in (1, 2):
            parts = np.array_split(images.astype("float64"), _GRID, axis)
            images = np.concatenate([part.mean(axis, keepdims=True) for part in parts], axis)
        features = np.maximum(self._factor(images.reshape(len(images), -1)) @ self._factor(self._matrix), 0)
        return {"tiny": features.astype("float32")}

    def _factor(self, array):
        """A factor of the product, float64 as it comes, or rounded to bfloat16 first."""
        if self.precision == "float32":
            return array
        return keras.ops.convert_to_numpy(keras.ops.cast(array, self.precision)).astype("float64")
