"""Trainings that are killed at random moments, and go on: do they end with the weights of one that was not?

    python benchmarks/kills.py                                # 50 + 20 + 20 kills, 40 minutes on two idle cores
    python benchmarks/kills.py --kills 5 --ships 2            # a first look
    python benchmarks/kills.py --kills 0 --ships 0            # those of other files alone: two minutes
    python benchmarks/kills.py --out results/benchmarks       # replaces these kinds in kills.json and kills.md

Each trial trains a tiny model in a process of its own, kills it with SIGKILL, and runs the same command again until it
ends. Checkpoints are written after every epoch. The models take turns: a plain VAE, one with a lagging encoder, and a
hierarchy. Kills of the first kind come at any moment from the first step to the end; those of the second kind come
while the trained model is written, with its samplers. What counts: the last checkpoint of the run is equal to that of a
training without a stop, to the bit, and `green_vae.load` takes what was written, whose checksums it verifies.

Kills of a third kind hit a process that writes moments of features and the report of a table over and over again. What
counts: both files can be read, and each holds one whole version of what was written.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from green_vae.utils.files import write_json, write_text

EPOCHS, IMAGES, BATCH = 6, 600, 20
MOMENTS, REPORT, FILES = "moments.npz", "report.json", "moments and report"
WORDS = {"training": "trained", "shipping": "wrote the model", "writing": "wrote them over and over"}
SHAPE = (32, 32, 1)
COUNTED = ("killed", "equal", "loads")
MODELS = {  # name -> (model, configuration)
    "plain": ("vae", {"latent_dim": 4, "network": "mlp", "network_options": {"widths": (32,)}}),
    "lagging": (
        "lagging_vae",
        {
            "latent_dim": 4,
            "network": "mlp",
            "network_options": {"widths": (32,)},
            "ratio": 2,
            "aggressive_epochs": 2,
        },
    ),
    "hierarchical": (
        "hierarchical_vae",
        {
            "network": "hfvae",
            "beta": 0.01,
            "network_options": {"base": 2, "latent_dim": 4, "group_dim": 3, "scales": 3},
        },
    ),
}


def child(name, folder):
    """Train one of `MODELS` in a folder, or go on there."""
    from green_vae import presets
    from green_vae.presets import Preset
    from green_vae.training import Recipe

    model, config = MODELS[name]
    samplers = {"gmm": {"n_components": 4}}
    chosen = Preset(model, {"image_shape": SHAPE, **config}, "digits", Recipe(1e-3, (3,), BATCH, EPOCHS), "a benchmark",
                    samplers=samplers, name=f"kills/{name}")  # fmt: skip
    presets.train(chosen, folder, limit_train=IMAGES, save_every=1, pictures_every=2, ledger=None)


def write_over_and_over(folder):
    """Write moments and a report again and again; every number in a version is that of the version."""
    import itertools

    import numpy as np

    from green_vae.metrics import Moments

    for version in itertools.count():
        Moments(64, keep=500).update(np.random.default_rng(version).normal(size=(500, 64)) + version).save(
            folder / MOMENTS
        )
        write_json(folder / REPORT, {"rows": {str(row): {"value": version} for row in range(5_000)}})


def both_whole(folder):
    """Whether the moments can be loaded, and the report holds one version alone."""
    from green_vae.metrics import Moments

    moments = Moments.load(folder / MOMENTS)
    rows = json.loads((folder / REPORT).read_text())["rows"]
    return moments.n == 500 and len(rows) == 5_000 and len({row["value"] for row in rows.values()}) == 1


def start(name, folder):
    command = [sys.executable, __file__, "--child", name, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process):
    """Wait for a training that nobody kills; a RuntimeError with its last words if it fails."""
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError("\n".join(said.splitlines()[-5:]))


def weights_of(folder):
    """Digest of the last checkpoint's numbers, dataset by dataset: not of the file, which also tells the time."""
    import h5py

    (path,) = folder.glob(f"epoch-{EPOCHS}.weights.h5")
    digest, found = hashlib.sha256(), []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in sorted(found):
            digest.update(name.encode() + file[name][()].tobytes())
    return digest.hexdigest()


def whole(folder):
    """Whether what was written for use can be loaded, and draws images from its prior and its sampler."""
    import green_vae as gv

    model = gv.load(folder / "model")
    return all(model.generate(2, sampler, seed=0).shape == (2, *SHAPE) for sampler in (None, "gmm"))


def killed(process, seconds):
    """Kill a process after some seconds; whether it was still there."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return False
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return True


def until(process, happened):
    """Wait until something has happened, or the process is over."""
    while process.poll() is None and not happened():
        time.sleep(0.005)


def trial(name, kind, rng, folder, spans):
    """One training with one kill: {"model", "kind", "killed", "epochs": saved at the kill}.

    Args:
        kind: "training", "shipping" or "writing".
        spans: (seconds of the epochs, seconds of the writing after them) without a kill.
    """
    history = folder / "history.json"
    process = start(name, folder)
    if kind == "writing":
        until(process, (folder / REPORT).exists)
        return {"model": name, "kind": kind, "killed": killed(process, rng.uniform(0, 1))}
    if kind == "training":
        until(process, (folder / "run.json").exists)
        there = killed(process, rng.uniform(0, sum(spans)))
    else:
        until(process, (folder / f"epoch-{EPOCHS}.weights.h5").exists)
        there = killed(process, rng.uniform(0, spans[1]))
    saved = sum(path.suffixes == [".weights", ".h5"] for path in folder.glob("epoch-*")) and history.exists()
    finish(start(name, folder))
    return {"model": name, "kind": kind, "killed": there, "saved": bool(saved)}


def reference(name, folder):
    """(digest of the weights, (seconds of the epochs, of the writing after them)) of a training without a stop."""
    process = start(name, folder)
    until(process, (folder / "run.json").exists)
    begin = time.monotonic()
    until(process, (folder / f"epoch-{EPOCHS}.weights.h5").exists)
    trained = time.monotonic()
    finish(process)
    return weights_of(folder), (trained - begin, time.monotonic() - trained)


def others(folder, kinds):
    """Runs that are recorded in a folder, without trials of some kinds; [] for none."""
    path = folder and folder / "kills.json"
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path and path.exists() else []
    kept = [{**run, "trials": [row for row in run["trials"] if row["kind"] not in kinds]} for run in runs]
    return [run for run in kept if run["trials"]]


def lines(runs):
    rows = [row for run in runs for row in run["trials"]]
    yield "# Trainings that were killed"
    yield ""
    yield "Written by `python benchmarks/kills.py`: each trial has one kill. A training is then run again to its end."
    yield ""
    yield "| what | killed while it | trials | killed in time | same weights to the bit | can be read and used |"
    yield "|---|---|---:|---:|---:|---:|"
    for name in (*MODELS, FILES):
        for kind, words in WORDS.items():
            own = [row for row in rows if (row["model"], row["kind"]) == (name, kind)]
            if own:
                counts = (sum(row[what] for row in own) if what in own[0] else "-" for what in COUNTED)
                yield f"| {name} | {words} | {len(own)} | {' | '.join(map(str, counts))} |"
    yield ""
    from green_vae.experiments.provenance import machine_line

    for run in runs:
        words = " and ".join(dict.fromkeys(WORDS[row["kind"]] for row in run["trials"]))
        yield f"* {words}: {machine_line(run['machine'])}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="during training (default: %(default)s)")
    parser.add_argument("--ships", type=int, default=20, metavar="N", help="during writing (default: %(default)s)")
    parser.add_argument("--writes", type=int, default=20, metavar="N", help="of other files (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the moments (default: 0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write kills.json and kills.md there")
    parser.add_argument("--child", nargs=2, metavar=("MODEL", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, folder = options.child
        if name == FILES:
            write_over_and_over(Path(folder))
        else:
            child(name, folder)
        return 0
    from green_vae.experiments.provenance import machine

    told, rng, rows = machine(), random.Random(options.seed), []
    kinds = ["training"] * options.kills + ["shipping"] * options.ships + ["writing"] * options.writes
    with tempfile.TemporaryDirectory() as scratch:
        known = {name: reference(name, Path(scratch, name)) for name in MODELS if options.kills + options.ships}
        for number, kind in enumerate(kinds):
            name = FILES if kind == "writing" else list(MODELS)[number % len(MODELS)]
            weights, spans = known.get(name, (None, None))
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                row = trial(name, kind, rng, Path(folder), spans)
                if kind == "writing":
                    row |= {"loads": both_whole(Path(folder))}
                else:
                    row |= {"equal": weights_of(Path(folder)) == weights, "loads": whole(Path(folder))}
            rows.append(row)
            print(f"{number + 1} of {len(kinds)}: {row}", flush=True)
    runs = [*others(options.out, set(kinds)), {"machine": told, "seed": options.seed, "trials": rows}]
    print("\n".join(lines(runs)))
    if options.out:
        write_json(options.out / "kills.json", {"runs": runs})
        write_text(options.out / "kills.md", "\n".join(lines(runs)) + "\n")
    return 0 if all(row["loads"] and row.get("equal", True) for row in rows) else 1


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
