"""The command line `green-vae`, or `python -m green_vae`: one file for each command, or group of them.

`add_<command>(commands)` gives a command its parser. What runs it is a function (options) -> None that prints its
result on stdout and raises ValueError, OSError or ImportError with one line that explains; what is heavy it imports
itself, so that `--help` is quick.
"""

from green_vae.cli.entry import main, parser

__all__ = ["main", "parser"]
