"""What both sides are given: sizes and arrays. Only NumPy is imported, so that both interpreters can."""

import numpy as np

LATENT, BETA, RATE, BATCH = 128, 0.024, 1e-4, 100  # of the survey's convolutional VAE
SIZES = {
    "training": {"base": 128, "images": 200},
    "features": {"images": 128},
    "frechet": {"dim": 2048},
    "generation": {"base": 128, "images": 200},
    "mixture": {"codes": 10_000, "dim": 128, "components": 10},
    "second stage": {"codes": 10_000, "dim": 64, "width": 1024, "epochs": 5},
    "matmul": {"size": 2048},
}
QUICK = {
    "training": {"base": 8, "images": 100},
    "features": {"images": 2},
    "frechet": {"dim": 64},
    "generation": {"base": 8, "images": 20},
    "mixture": {"codes": 500, "dim": 8, "components": 3},
    "second stage": {"codes": 200, "dim": 8, "width": 16, "epochs": 1},
    "matmul": {"size": 64},
}


def images(count, side=32):
    """Random pixels, uint8 (count, side, side, 3)."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype="uint8")


def moments(dim):
    """(mean, covariance) of two sets of features, both of full rank: float64 (dim,) and (dim, dim)."""
    rng = np.random.default_rng(0)
    sides = [rng.standard_normal((dim * 3 // 2, dim)) * rng.uniform(0.5, 2, dim) for _ in range(2)]
    return [(side.mean(0), np.cov(side, rowvar=False)) for side in sides]


def codes(count, dim, components=10):
    """Codes of a mixture whose components overlap, as those of an encoder: float32 (count, dim).

    They are multiples of 1/4096: moved by a whole number and back, which pythae's need, they are the same to the bit.
    """
    rng = np.random.default_rng(0)
    centres = 0.2 * rng.standard_normal((components, dim))
    drawn = centres[rng.integers(components, size=count)] + 0.7 * rng.standard_normal((count, dim))
    return (np.rint(drawn * 4096) / 4096).astype("float32")


def shapes(arrays):
    """Sizes of all weights in a form that the orders of axes, and of layers, of both sides have in common."""
    return sorted(sorted(int(size) for size in array.shape) for array in arrays)
