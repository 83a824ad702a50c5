"""What a run will do and about how long it will take, said before anything long."""

import time

import numpy as np

INCEPTION_MACS = 5.7e9  # multiply-accumulates of one 299x299 image to the last layer
SHARE = 0.6  # of the measured matrix-product rate that convolutions reach on a CPU


def device_rate():
    """FLOP/s of a float32 matrix product on this device, measured in a fraction of a second."""
    import keras

    a = keras.ops.convert_to_tensor(np.ones((2048, 2048), "float32"))
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        np.asarray(keras.ops.convert_to_numpy(keras.ops.matmul(a, a))[0, 0])
        best = min(best, time.perf_counter() - start)
    return 2 * 2048**3 / best


def plan(runs, columns):
    """Lines that say what is trained and measured, with estimates; [] if nothing takes long.

    Args:
        runs: list of `Run` whose measured cells will be computed now.
        columns: the chosen columns.
    """
    measured = [column for column in columns if column.identity]
    if not runs or not measured:
        return []
    rate, lines, total = device_rate() * SHARE, [], 0.0
    passes = sum(column.name.startswith("fid") for column in measured)
    for run in runs:
        train = features = 0.0
        if run.row.preset:
            operations = run.mflops() * 1e6
            train = 3 * operations * len(run.train_images) * run.epochs / rate if run.settings.train else 0.0
            features = passes * run.reference_count * (2 * INCEPTION_MACS + operations) / rate
        else:
            features = 2 * INCEPTION_MACS * len(run.row_images) / rate
        total += train + features
        lines.append(f"  {run.row.name}: train {duration(train)}, features {duration(features)}")
    return ["plan (estimates for this machine, nothing cached):", *lines, f"  in all about {duration(total)}"]


def duration(seconds):
    """Seconds in words that fit their size."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
