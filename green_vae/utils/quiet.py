"""The start of a command that needs a backend: quick, and without what compiled libraries print as they are loaded."""

import contextlib
import gc
import logging
import os
import sys


@contextlib.contextmanager
def quiet_start():
    """Around the first import of a backend: what its compiled parts write to file descriptor 2 is lost.

    TensorFlow prints some lines before it reads `TF_CPP_MIN_LOG_LEVEL`; that variable is set here for all later ones,
    if the user has not. Errors of Python are raised as always. For commands, whose process and terminal are ours; a
    library leaves the user's alone.

    What the import makes stays. Python's garbage collector would look through all of it again and again, a third of the
    seconds that the import takes, and each time that it is called later on. So it pauses here, and leaves out from then
    on what is there by the end.
    """
    with _no_collection(), _no_messages():
        yield


def quiet_loggers():
    """For a command: no warnings of TensorFlow, to which one graph for each network looks like a mistake, nor of
    matplotlib, which tells of a home folder that it cannot write to."""
    for name in ("tensorflow", "matplotlib"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextlib.contextmanager
def _no_collection():
    if "keras" in sys.modules or not gc.isenabled():  # what is there by now may be garbage, which must not stay
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def _no_messages():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (AttributeError, OSError):  # there is no such stream
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
