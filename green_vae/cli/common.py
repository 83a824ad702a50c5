"""What the commands share: their name, names of presets, tables of text."""

import argparse
import contextlib
import sys
import warnings
from pathlib import Path

from green_vae import cards
from green_vae.utils.arguments import positive
from green_vae.utils.quiet import quiet_start


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


def check_model(name):
    """As `check_name`, for what may also be a folder of `train`, or hf://user/repository."""
    if not name.startswith("hf://") and not Path(name).is_dir():
        check_name(name)


def loaded(name):
    """The trained model of a name that `check_model` lets pass; errors as of that, and of `presets.load`."""
    check_model(name)
    with quiet_start():
        from green_vae import presets

    return presets.load(name)


def add_model(command):
    """The argument for `loaded`."""
    told = "a preset with shipped weights, a folder of `train`, or hf://user/repository"
    command.add_argument("model", metavar="NAME|FOLDER", help=told)


def add_files(command, nargs="+"):
    """The arguments for `sources.images_for`; nargs: "*" where no file is needed."""
    told = "pictures, folders of them, or a data set such as mnist:test; cut and resized to what the model takes"
    command.add_argument("files", metavar="FILE", nargs=nargs, help=told)
    command.add_argument("-n", type=positive, metavar="N", help="the first N of them alone")
    data_dir = "folder with the data sets (default: $GREEN_VAE_DATA)"
    command.add_argument("--data-dir", type=Path, metavar="DIR", help=data_dir)


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
