"""Numbers that count: as options of a command line, and as arguments of functions."""

import argparse


def positive(text):
    """The type of options that count: a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number. Received: {text}")
    return int(text)


def check_positive(**numbers):
    """Raises ValueError for the first of these numbers that is less than 1; None counts as not given."""
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} must be positive. Received: {number}")
