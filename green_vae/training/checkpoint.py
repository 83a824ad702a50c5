"""Weights and training state as files: what a training resumes from, and what ships."""

import json
import re
import tempfile
import warnings
from pathlib import Path

import h5py

from green_vae.utils.files import narrowed, write_aside, write_json

BEST = "best.weights.h5"  # of the epoch with the least validation loss, beside the newest


def save_checkpoint(model, out, history):
    """Save weights, optimizer and noise state as `out/epoch-N.weights.h5`, then the history; drop older ones."""
    out = Path(out)
    with write_aside(out / f"epoch-{len(history)}.weights.h5") as aside:
        model.save_weights(aside, overwrite=True)
    write_json(out / "history.json", history)
    for epoch, path in checkpoints(out):
        if epoch != len(history):
            path.unlink()


def checkpoints(out):
    """The checkpoints in a folder: a sorted list of (epochs done, path)."""
    return sorted((int(re.search(r"\d+", path.name)[0]), path) for path in Path(out).glob("epoch-*.weights.h5"))


def read_history(out):
    """What each finished epoch in a folder logged, a list of dicts; [] if there is none."""
    path = Path(out) / "history.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def load_checkpoint(model, out):
    """Put the newest complete epoch of folder `out` into a compiled `model`; return its history, [] for none.

    Raises:
        ValueError: the checkpoint is damaged or belongs to another model.
    """
    for pattern in (".epoch-*", ".history.json.*"):  # of a run that was killed while it wrote
        for aside in Path(out).glob(pattern):
            aside.unlink()
    history = read_history(out)
    for epoch, path in reversed(checkpoints(out)):
        if epoch <= len(history):  # killed between the two writes: the history still lacks this epoch
            model.optimizer.build(model.trainable_variables)
            load_weights(model, path)
            return history[:epoch]
    return []


def load_weights(model, path):
    """`model.load_weights` with errors that a person can act on.

    Raises:
        ValueError: a damaged file, or weights of another model.
    """
    try:
        with warnings.catch_warnings():
            # Keras only warns when it leaves layers at their fresh weights
            warnings.filterwarnings("error", message="Skipping nested container")
            model.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds for one cause
        message = f"{path} is damaged or holds the weights of another model; delete it to start afresh."
        first = next(iter(str(error).splitlines()), "")
        raise ValueError(f"{message} Received: {type(error).__name__}: {first}") from error


def save_weights(model, path, dtype="float16"):
    """Write weights for shipping: a `.weights.h5` without optimizer, its floats as `dtype`; `load_weights` reads it.

    float16 halves the file; in memory the weights are float32 again. Single numbers stay as they are: they are few, and
    among them are counts of steps.

    Raises:
        ValueError: a weight does not fit into `dtype`.
    """
    with write_aside(path) as aside, tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.weights.h5"
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
