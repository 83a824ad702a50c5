"""What the commands share: their name, names of presets, tables of text."""

import argparse
import contextlib
import sys
import warnings
from pathlib import Path

from green_vae import cards


def program():
    """The name that this process was called by: `green-vae`, or `python -m green_vae`."""
    called = Path(sys.argv[0]).stem
    return called if called == "green-vae" else "python -m green_vae"


def add_command(commands, name, run, help, description, epilog="", **settings):
    """A parser for the command `name`, with texts as they are written here.

    Args:
        commands: what `add_subparsers` gave.
        run: function of the options.
        help: one line of the list of commands.
        description, epilog: above and below the options; "%(prog)s" is the command.
        settings: of `argparse.ArgumentParser`.
    """
    texts = {"help": help, "description": description, "epilog": epilog}
    settings["formatter_class"] = argparse.RawDescriptionHelpFormatter
    command = commands.add_parser(name, **texts, **settings)
    command.set_defaults(run=run)
    return command


class WrongCommand(ValueError):
    """What was asked for cannot exist, as far as the command line alone tells."""


@contextlib.contextmanager
def notes():
    """Warnings within are one line each on stderr, without the place in the code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **more: print(f"note: {message}", file=sys.stderr)
        yield


def check_name(name):
    """Raises WrongCommand for a preset that there is not, at once: no backend is asked."""
    loaded = sys.modules.get("green_vae.presets")
    if loaded and name in loaded.PRESETS:  # one that the program around this command has added
        return
    try:
        cards.card_of(name)
    except ValueError as error:
        raise WrongCommand(str(error).replace("`green-vae list`", f"`{program()} list`")) from error


def print_table(header, lines, total=None):
    """Columns as wide as they must be, wherever it is printed; numbers, behind the third column, to the right."""
    table = [header, *lines, *([total] if total else [])]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    for index, line in enumerate(table):
        cells = [f"{cell:{'<<<>>>>'[i]}{widths[i]}}" for i, cell in enumerate(line)]
        if index == 1 or (total and index == len(table) - 1):
            print(rule)
        print("  ".join(cells).rstrip())
