"""What compiled libraries print when they are loaded, kept off the terminal of a command."""

import contextlib
import os
import sys


@contextlib.contextmanager
def quiet_start():
    """Around the first import of a backend: what its compiled parts write to file descriptor 2 is lost.

    TensorFlow prints some lines before it reads `TF_CPP_MIN_LOG_LEVEL`; that variable is set here for all later ones,
    if the user has not. Errors of Python are raised as always. For commands, whose terminal is ours; a library leaves
    the user's alone.
    """
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
