"""Progress with time left, on stderr, so that stdout stays fit for a pipe."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def progress(*, transient=True, disable=None):
    """A rich progress bar: description, bar, n of total, elapsed and remaining time.

    Use as a context manager: `with progress() as bar: task = bar.add_task("features", total=n); bar.advance(task, 32)`.

    Args:
        transient: whether the bar disappears when done.
        disable: no bar at all; default: when stderr is not a terminal.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=transient,
        disable=not sys.stderr.isatty() if disable is None else disable,
    )


def clock(seconds):
    """Seconds as "m:ss", from an hour on as "h:mm:ss"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
