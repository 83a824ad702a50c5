"""Codes along lines: between two codes, and with one unit moved."""

import numpy as np


def lines(a, b, steps):
    """Codes on the straight lines from a to b, both (n, d): (n, steps, d), with the ends. ValueError for few steps."""
    share = np.linspace(0, 1, checked_steps(steps), dtype="float32")[:, None]
    return (1 - share) * a[:, None] + share * b[:, None]


def moved(z, units, far, steps):
    """Codes (n, len(units), steps, d): z (n, d) with one unit at a time moved from far[unit] below to far[unit] above.

    Raises:
        ValueError: fewer than 2 steps.
    """
    offsets = np.linspace(-far, far, checked_steps(steps), dtype="float32")  # (steps, d)
    codes = np.repeat(np.repeat(z[:, None, None], len(units), axis=1), steps, axis=2)
    for row, unit in enumerate(units):
        codes[:, row, :, unit] += offsets[:, unit]
    return codes


def checked_steps(steps):
    """`steps` as an integer, or a ValueError for fewer than two or a fraction."""
    if int(steps) != steps or steps < 2:
        raise ValueError(f"a line has two ends: at least 2 steps. Received: steps={steps}")
    return int(steps)
