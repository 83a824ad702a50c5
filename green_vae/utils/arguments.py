"""Types of command-line options."""

import argparse


def positive(text):
    """The type of options that count: a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number. Received: {text}")
    return int(text)
