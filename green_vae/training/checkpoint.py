"""Weights and training state as files: what a training resumes from, and what ships."""

import math
import re
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy as np

from green_vae.utils.files import check_room, narrowed, write_aside, write_json
from green_vae.utils.reading import check_h5, read_json

# names that a run gives its files, matched whole: whatever else lies in its folder is somebody's
EPOCH, BEST = re.compile(r"epoch-(\d+)\.weights\.h5"), re.compile(r"best-(\d+)\.weights\.h5")
ASIDE = re.compile(r"\.((epoch|best)-\d+\.weights\.h5|(history|run)\.json)\..+")
HISTORY = "history.json"
OVERHEAD = 1200  # bytes of HDF5's own for each array


def epoch_path(out, epoch):
    """Of weights, optimizer and noise state after so many epochs."""
    return Path(out) / f"epoch-{epoch}.weights.h5"


def best_path(out, epoch):
    """Of the weights after the epoch, counted from 1, with the least validation loss."""
    return Path(out) / f"best-{epoch}.weights.h5"


def write_weights(model, path):
    """Write weights, optimizer and noise state, whole or not at all."""
    with write_aside(path, _size(model)) as aside:
        model.save_weights(aside, overwrite=True)


def _size(model, itemsize=4, optimizer=True):
    """Bytes of the file that Keras writes of a model, about; none of its numbers is wider than 32 bits."""
    own = getattr(model, "optimizer", None) if optimizer else None
    variables = [*model.variables, *(own.variables if own else ())]
    return sum(itemsize * math.prod(variable.shape) + OVERHEAD for variable in variables)


def named(out, pattern):
    """The files of a folder whose whole name is of `pattern`: a sorted list of (number in the name, path)."""
    found = [(pattern.fullmatch(path.name), path) for path in Path(out).glob("*")]
    return sorted((int(match[1]), path) for match, path in found if match)


def checkpoints(out):
    """The checkpoints in a folder: a sorted list of (epochs done, path)."""
    return named(out, EPOCH)


def newest(out):
    """(epochs done, path) of the newest checkpoint that the history knows; (0, None) for none.

    A run that was killed between its two writes leaves a checkpoint whose epoch the history lacks.
    """
    known = len(read_history(out))
    return max((found for found in checkpoints(out) if found[0] <= known), default=(0, None))


def drop_older(out, epoch, best):
    """Delete the checkpoints of other epochs than `epoch`, and the best weights of others than `best`."""
    for kept, pattern in ((epoch, EPOCH), (best, BEST)):
        for number, path in named(out, pattern):
            if number != kept:
                path.unlink()


def drop_bests(out, checkpoint, best):
    """Delete the best weights of epochs after `checkpoint` but `best`: a run that goes on from there needs none."""
    for number, path in named(out, BEST):
        if checkpoint < number != best:
            path.unlink()


def drop_asides(out):
    """Delete what a run that was killed while it wrote has left half-written."""
    for path in Path(out).glob(".*"):
        if ASIDE.fullmatch(path.name):
            path.unlink()


def read_history(out):
    """What each finished epoch in a folder logged, a list of dicts; [] if there is none.

    Raises:
        ValueError: the file is cut off or damaged.
    """
    path = Path(out) / HISTORY
    try:
        history = read_json(path, list) if path.exists() else []
        if not all(isinstance(epoch, dict) and all(map(_is_number, epoch.values())) for epoch in history):
            raise ValueError("every epoch is numbers with names")
        return history
    except ValueError as error:
        advice = "the history of the training is cut off or damaged; put a copy back, or start over with --fresh"
        raise ValueError(f"{advice} (fresh=True). Received: {path} ({error})") from error


def _is_number(value):
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)


def write_history(out, history):
    write_json(Path(out) / HISTORY, history)


def load_checkpoint(model, out):
    """Put the newest complete epoch of folder `out` into a compiled `model`; return its history, [] for none.

    Raises:
        ValueError: the checkpoint is damaged or belongs to another model.
    """
    drop_asides(out)
    epoch, path = newest(out)
    if path is not None:
        model.optimizer.build(model.trainable_variables)
        load_weights(model, path)
    return read_history(out)[:epoch]


def load_weights(model, path):
    """`model.load_weights` with errors that a person can act on.

    Raises:
        ValueError: a damaged file, or weights of another model.
    """
    try:
        with warnings.catch_warnings():
            # Keras only warns when it leaves layers at their fresh weights
            warnings.filterwarnings("error", message="Skipping nested container")
            check_h5(path)
            model.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds for one cause
        message = f"{path} is damaged or holds the weights of another model; delete it to start afresh."
        first = next(iter(str(error).splitlines()), "")
        raise ValueError(f"{message} Received: {type(error).__name__}: {first}") from error


def save_weights(model, path, dtype="float16"):
    """Write weights for shipping: a `.weights.h5` without optimizer, its floats as `dtype`; `load_weights` reads it.

    float16 halves the file; in memory the weights are float32 again. Single numbers stay as they are: they are few, and
    among them are counts of steps. A weight with a number beyond the range of `dtype` stays as it is, too.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    narrow = _size(model, np.dtype(dtype).itemsize, optimizer=False)
    with write_aside(path, narrow) as aside, tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.weights.h5"
        check_room(whole, _size(model))
        model.save_weights(whole)
        with h5py.File(whole) as source, h5py.File(aside, "w") as target:
            _copy_narrow(source, target, dtype)


def _copy_narrow(source, target, dtype):
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            if item.name != "/optimizer":
                _copy_narrow(item, target.create_group(name), dtype)
            continue
        target.create_dataset(name, data=narrowed(item[()], dtype, item.name)).attrs.update(item.attrs)
