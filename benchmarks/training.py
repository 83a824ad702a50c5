"""Speed of training: images/s of whole training steps, and which share of the device's measured matmul rate that is.

    python benchmarks/training.py                                     # the survey's Resnet and CNN rows
    python benchmarks/training.py survey/resnet-s4-b64-l64 --batch 100 --steps 5
    python benchmarks/training.py boon/info-mnist --plain-update      # what fusing the update saves under TensorFlow
    KERAS_BACKEND=jax python benchmarks/training.py --mixed-precision      # on an accelerator

Run it on an otherwise idle machine. The rate is that of the best of some products of square matrices in the same
precision and process; FLOPs are those of the compiled graph of a step (two for a multiplication and its sum). Marks:
40 % of the rate on an accelerator, 50 % on two CPU cores for the Resnet rows.
"""

import argparse
import math
import os
import statistics
import time
from pathlib import Path

import keras
from keras import ops

import green_vae as gv
from green_vae.cost import training_flops
from green_vae.experiments.provenance import machine
from green_vae.experiments.timing import step_times
from green_vae.models import train_step
from green_vae.utils.files import write_json, write_text

ROWS = ("survey/resnet-s4-b48-l128", "survey/resnet-s4-b64-l64", "survey/cnn-b128-l128", "survey/l2-rae-b128-l128")


def matmul_rate(size=4096, repeats=5):
    """FLOP/s of the best of some products of two square matrices."""
    dtype = keras.config.dtype_policy().compute_dtype
    a, b = (ops.cast(keras.random.normal((size, size), seed=seed), dtype) for seed in (0, 1))
    best = float("inf")
    for _ in range(repeats + 1):  # the first one warms up
        start = time.perf_counter()
        float(ops.cast(ops.matmul(a, b)[0, 0], "float32"))  # waits for the device; NumPy has no bfloat16
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=ROWS, metavar="PRESET", help="as `green-vae list` shows them")
    parser.add_argument("--batch", type=int, metavar="N", help="images in a batch (default: the recipe's)")
    parser.add_argument("--steps", type=int, default=5, metavar="N", help="to time (default: %(default)s)")
    parser.add_argument("--mixed-precision", action="store_true", help="compute in bfloat16")
    parser.add_argument("--plain-update", action="store_true", help="without XLA in the update of large networks")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write training-POLICY.json and .md there")
    options = parser.parse_args()
    if options.plain_update:
        train_step.LARGE = math.inf
    if options.mixed_precision:
        keras.config.set_dtype_policy("mixed_bfloat16")
    rate = matmul_rate()
    told, policy, rows = {**machine(), "load": os.getloadavg()[0]}, keras.config.dtype_policy().name, {}
    print(f"{keras.backend.backend()}, {policy}: matmul {rate / 1e9:,.1f} GFLOP/s")
    for name in options.presets:
        model, batch = gv.load(name, weights=None, seed=0), options.batch or gv.PRESETS[name].recipe.batch_size
        cost = training_flops(model, batch)
        seconds = step_times(model, batch, options.steps)
        rows[name] = {"batch": batch, "flops": cost.flops, "source": cost.source, "seconds": seconds}
        print(line(name, rows[name], rate))
    if options.out:
        keep(options.out, rows, rate, policy, told)


def line(name, row, rate):
    """What was measured of a preset, in words."""
    median, low, high = statistics.median(row["seconds"]), min(row["seconds"]), max(row["seconds"])
    return (
        f"{name}: {row['batch'] / median:,.1f} images/s, {row['flops'] / median / 1e9:,.1f} GFLOP/s ({row['source']}), "
        f"{row['flops'] / median / rate:.0%} of the matmul rate; a step {low:.3g} to {high:.3g} s"
    )


def keep(folder, rows, rate, policy, told):
    """Write training-POLICY.json and .md into a folder."""
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    page = [
        f"# Speed of training in {policy}",
        "",
        "Written by `python benchmarks/training.py`: whole steps, the median and the spread.",
        "",
        f"* A product of matrices: {rate / 1e9:,.1f} GFLOP/s",
        *(f"* {line(name, row, rate)}" for name, row in rows.items()),
        "",
        f"{told['device']}, {told['date']}, load average {told['load']:.1f} at the start; {versions}.",
    ]
    write_json(folder / f"training-{policy}.json", {**told, "matmul_flops_per_second": rate, "rows": rows})
    write_text(folder / f"training-{policy}.md", "\n".join(page) + "\n")


if __name__ == "__main__":
    main()
