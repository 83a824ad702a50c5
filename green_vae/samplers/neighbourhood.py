"""Latents near those of real images."""

import sys

import numpy as np

from green_vae.samplers.base import Sampler


class Neighbourhood(Sampler):
    """A random fitted encoding plus scale * N(0, I): "Variational Auto-Encoders (VAEs): A Review" (2022), Figure 20.

    Samples stay close to the data, so their quality says more of the decoder than of the latent distribution.

    Args:
        scale: standard deviation of the noise, in latent units; 0 returns the encodings themselves.

    Attributes:
        encodings_: float32 (n, d), all that were fitted.

    Raises:
        ValueError: scale is negative, infinite or no number.
    """

    name = "neighbourhood"
    learned = ("encodings_",)

    def __init__(self, scale=0.1):
        if not 0 <= scale <= sys.float_info.max:
            raise ValueError(f"the scale of the noise is a number from 0 on. Received: scale={str(scale)[:40]}")
        self.scale = scale

    def _fit(self, z, folder):
        self.encodings_ = z.astype(np.float32)

    def _check_restored(self, dim):
        if self.encodings_.ndim != 2 or self.encodings_.shape[1] != dim or not len(self.encodings_):
            raise ValueError(f"encodings of the shape {self.encodings_.shape} for {dim} numbers")

    def _sample(self, n, rng):
        centres = self.encodings_[rng.integers(len(self.encodings_), size=n)]
        return centres + self.scale * rng.standard_normal(centres.shape)
