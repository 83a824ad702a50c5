"""Files that are either whole or not there: write aside, then rename. Weights that take half the place there."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np


def check_room(path, size):
    """Make sure that a file of so many bytes fits in the place of `path`, which ends empty.

    A library in C that finds the disk full in the middle of a file may crash the process. Where the system cannot
    reserve room, this does nothing.

    Raises:
        OSError: it does not fit.
    """
    if hasattr(os, "posix_fallocate") and size:
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(0)


@contextlib.contextmanager
def write_aside(path, size=0):
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds, delete it otherwise.

    The temporary file has the same suffixes, so that writers which look at them (`numpy.savez`, Keras) behave.
    Parent folders are made. A reader therefore sees the old file or the whole new one, also after `kill -9`.

    Args:
        size: bytes that the file will have at most, if known: whether they fit is found before the block.

    Raises:
        OSError: the disk is full or not writable; the message names `path`, and nothing half-written is left.
    """
    path, aside = Path(path), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = "".join(path.suffixes[-2:]) or ".tmp"
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=suffix, dir=path.parent)
        os.close(handle)
        aside = Path(name)
        check_room(aside, size)
        yield aside
        with open(aside, "rb+") as file:
            os.fsync(file.fileno())
        aside.chmod(0o644)  # mkstemp makes private files; a result is for everybody
        os.replace(aside, path)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error  # HDF5 says it in many lines
        message = f"could not write {path} ({why}); free some space or choose another place"
        raise OSError(error.errno, message) from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


def write_text(path, text):
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with write_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path, value):
    """Write `value` to `path` as indented JSON with a final newline, whole or not at all.

    Raises:
        TypeError: something that is neither JSON's nor a number or array of NumPy, before anything is written.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=plain) + "\n")


def plain(value):
    """Numbers and arrays of NumPy as Python's, for `json.dumps(default=plain)`."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"JSON holds numbers, text, lists and dicts. Received: {value!r} of {type(value).__name__}")


def narrowed(values, dtype, name):
    """Weights as they are kept on disk: floats as `dtype`; single numbers, some of them counts, and others stay.

    So does an array with a number beyond the range of `dtype`, as a moving variance above 65,504 is for float16: a file
    that is a little larger is better than none. Readers cast anyway.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    values = np.asarray(values)
    if not values.ndim or not np.issubdtype(values.dtype, np.floating):
        return values
    if not np.isfinite(values).all():
        raise ValueError(f"a weight is NaN or infinite; train again, with a lower learning rate. Received: {name}")
    with np.errstate(over="ignore"):
        narrow = values.astype(dtype)
    return narrow if np.isfinite(narrow).all() else values
