"""Numbers that count, and names: as options of a command line, and as arguments of functions."""

import argparse
import difflib


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


def meant(name, names):
    """What somebody may have meant who wrote a name that there is not, in words: "did you mean ...?", or "" """
    last = {known.rsplit("/", 1)[-1]: known for known in names}  # "mnist-mini" for "svae/mnist-mini"
    found = difflib.get_close_matches(name, [*names, *last], n=1, cutoff=0.6)
    return f"did you mean {last.get(found[0], found[0])}?" if found else ""
