"""Numbers that count, and names: as options of a command line, and as arguments of functions."""

import argparse
import difflib
import math
import numbers


def positive(text):
    """The type of options that count: a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number. Received: {text}")
    return int(text)


def check_positive(**given):
    """Raises ValueError for the first of these numbers that is less than 1; None counts as not given."""
    for name, number in given.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} must be positive. Received: {number}")


def check_factors(**factors):
    """Raises ValueError for the first of these that is no finite number of 0 or more."""
    for name, factor in factors.items():
        if not isinstance(factor, numbers.Real) or not 0 <= factor < math.inf:
            raise ValueError(f"{name} is a number of 0 or more. Received: {name}={factor!r}")


def whole(number, name):
    """A number that counts, of whatever type, as an int.

    Raises:
        ValueError: it is none, or less than 1.
    """
    if not isinstance(number, numbers.Real) or not 1 <= number < math.inf or int(number) != number:
        raise ValueError(f"{name} is a whole number of 1 or more. Received: {name}={number!r}")
    return int(number)


def meant(name, names):
    """What somebody may have meant who wrote a name that there is not, in words: "did you mean ...?", or "" """
    last = {known.rsplit("/", 1)[-1]: known for known in names}  # "mnist-mini" for "svae/mnist-mini"
    known = {written.lower(): last.get(written, written) for written in [*last, *names]}
    found = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {known[found[0]]}?" if found else ""
