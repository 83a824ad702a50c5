"""First steps: does a preset's recipe stay finite at full width?

    python benchmarks/first_steps.py svae/cifar10                     # 300 steps of 3 seconds on one free CPU core
    python benchmarks/first_steps.py svae/cifar10 svae/mnist --steps 50
    python benchmarks/first_steps.py svae/cifar10 --out results/benchmarks      # adds to first_steps.json and .md there

Every preset is built, compiled and stepped as `python -m green_vae train` does it: its own network, batch size, rate,
order of images and noise. Nothing is saved. Every tenth step is printed: the loss, the raw terms, and the largest
absolute log variance of any latent unit of any image in the batch ("-" for a model without one), of which an
exponential is taken. A preset ends as "finite", or as "diverged at step N" where the loss or a term is no number any
more; the exit code is then 1. Images are the data set's own where they are at hand, else random pixels, and it says so.
"""

import argparse
import datetime
import json
import math
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

import green_vae as gv
from green_vae.cost import device_name
from green_vae.training.loop import Batches, compile_by
from green_vae.utils import ledger
from green_vae.utils.files import write_json, write_text
from green_vae.utils.progress import clock

EVERY = 10  # steps from one line to the next
LARGEST = "largest |log variance|"


def images_of(chosen, steps):
    """Training images of a preset for so many steps, (n, h, w, c), and what they are, in words."""
    try:
        return gv.data.load(chosen.dataset).images, f"images of {chosen.dataset}"
    except gv.data.DataNotFoundError:
        spec = gv.data.DATASETS[chosen.dataset]
        count = min(steps * chosen.recipe.batch_size, spec.splits["train"])  # an epoch is as long as with the images
        return np.random.default_rng(0).integers(0, 256, (count, *spec.shape), dtype="uint8"), "random pixels"


def log_largest(model):
    """Let a variational model log the largest |log variance| of every batch: a term without a weight is only logged."""
    terms = model.terms

    def more_terms(x, outputs):
        found = [ops.max(ops.abs(value)) for name, value in outputs.items() if "log_var" in name]
        return {**terms(x, outputs), LARGEST: ops.max(ops.stack(found))}

    if model.variational:
        model.terms = more_terms
        model.trackers[LARGEST] = keras.metrics.Mean(name=LARGEST)


def steps_of(model, recipe, images, steps, seed=0):
    """Train by a recipe, and yield what every step logged, a dict of numbers; it ends where one is not finite."""
    batches = Batches(images, recipe.batch_size, seed)
    compile_by(recipe, model)
    for step in range(steps):
        epoch, index = divmod(step, len(batches))
        if index == 0:
            batches.epoch, model.optimizer.learning_rate = epoch, recipe.rate(epoch)
            model.begin_epoch()
        model.reset_metrics()  # else they are means since the beginning
        logs = model.train_on_batch(batches[index][0], return_dict=True)
        yield {name: float(value) for name, value in logs.items()}
        if not all(map(math.isfinite, logs.values())):
            return


def watched(name, steps, seed=0):
    """Run one preset with a line for every tenth step -> what came of it, a dict for JSON."""
    chosen = gv.PRESETS[name]
    images, said = images_of(chosen, steps)
    model, recipe = chosen.build(seed), chosen.recipe
    log_largest(model)
    how = f"batches of {recipe.batch_size}, rate {recipe.learning_rate:g}, {device_name()}"
    print(f"{name}: {model.count_params():,} weights, {said}, {how}", flush=True)
    start, curve, largest = time.monotonic(), [], None
    for step, logs in enumerate(steps_of(model, recipe, images, steps, seed), 1):
        finite = all(map(math.isfinite, logs.values()))
        if LARGEST in logs and finite:
            largest = max(largest or 0.0, logs[LARGEST])
        if finite and step != 1 and step % EVERY and step != steps:
            continue
        curve.append({"step": step, **{term: value if math.isfinite(value) else None for term, value in logs.items()}})
        left = (time.monotonic() - start) / step * (steps - step)
        values = "  ".join(f"{term} {value:.5g}" for term, value in logs.items())
        print(f"step {step}/{steps}  {values}  left {clock(left)}", flush=True)
    outcome = "finite" if finite else f"diverged at step {step}"
    print(f"{name}: {outcome}", flush=True)
    return {
        "outcome": outcome,
        "steps": step,
        LARGEST: largest,
        "weights": model.count_params(),
        "images": said,
        "batch_size": recipe.batch_size,
        "learning_rate": recipe.learning_rate,
        "clip_norm": recipe.clip_norm,
        "seed": seed,
        "policy": keras.config.dtype_policy().name,
        "device": device_name(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": ledger.commit(),
        "versions": ledger.versions(),
        "curve": curve,
    }


def table(rows):
    """The results of all presets as Markdown."""
    head = ("preset", "weights", "images", "batch", "rate", "steps", "outcome", LARGEST.replace("|", "\\|"))
    head += ("loss, from", "to", "machine")
    lines = ["# First steps of presets at full width", "", "Written by `python benchmarks/first_steps.py`.", ""]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in rows.items():
        first, last = (row["curve"][end]["loss"] for end in (0, -1))
        numbers = ["-" if value is None else f"{value:,.1f}" for value in (row[LARGEST], first, last)]
        recipe = (row["images"], row["batch_size"], f"{row['learning_rate']:g}")
        done = (row["steps"], row["outcome"], *numbers, row["device"])
        cells = (name, f"{row['weights']:,}", *recipe, *done)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def keep(folder, name, row):
    """Put a row into the table of a folder, where it takes the place of an older one of the preset."""
    path = Path(folder) / "first_steps.json"
    rows = {**(json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}), name: row}
    write_json(path, rows)
    write_text(path.with_suffix(".md"), table(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="+", metavar="PRESET", help="as `green-vae list` shows them")
    parser.add_argument("--steps", type=int, default=300, metavar="N", help="of training (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, noise and order (default: %(default)s)")
    parser.add_argument("--mixed-precision", action="store_true", help="compute in bfloat16")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="of the table to add to (default: none is written)")
    options = parser.parse_args()
    if options.mixed_precision:
        keras.config.set_dtype_policy("mixed_bfloat16")
    diverged = 0
    for name in options.presets:
        row = watched(name, options.steps, options.seed)
        diverged += row["outcome"] != "finite"
        if options.out:
            keep(options.out, name, row)
    sys.exit(1 if diverged else 0)


if __name__ == "__main__":
    main()
