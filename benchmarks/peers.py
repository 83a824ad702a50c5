"""Speed beside peers: pythae, pytorch-fid and keras-hub do the same work in turn with green_vae, on a CPU.

    python benchmarks/peers.py --peers DIR                              # all, 11 minutes on two free cores
    python benchmarks/peers.py --peers DIR --out results/benchmarks     # writes peers.json and peers.md there
    python benchmarks/peers.py --peers DIR --only training --repeats 3
    python benchmarks/peers.py --peers DIR --quick                      # everything small: whether it runs

DIR is the virtual environment of the peers. It is made when it is missing, as these commands do. All versions are in
`beside/environment.py`; NumPy, SciPy, scikit-learn, Keras and TensorFlow are those that green_vae runs with.

    python -m venv DIR && DIR/bin/pip install torch==2.13.0 torchvision==0.28.0 pythae==0.1.2 pytorch-fid==0.3.0 ...

On Linux that is PyTorch's build for GPUs. PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu chooses the one for
CPUs, which is smaller and is imported sooner.

Each side is a process of its own with as many threads. Ours, theirs, ours, theirs: one works, the others wait. A ratio
is that of the turns of one round, theirs divided by ours: above 1, green_vae is faster. Medians and quartiles are told.
Networks of both have the same weights, layer for layer, or it ends with an error; so it does where results differ. The
network is the survey's CNN row, widths 128 to 1024, latent 128, with Adam and batches of 100. Each side trains by its
own loop and generates by its own function with its own batch size. Inception has random weights. pythae takes images
where it fits codes, so it is given a model whose codes are the images. Both fit a mixture by scikit-learn, from codes
and starts that are the same: no ratio but 1 is to be expected. The two second stages have the same widths, but ours has
a skip in the encoder and the decoder. The first run of a side, which compiles, is not counted, but for second stages:
each fit compiles anew. Works on Unix alone.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from beside import environment, inputs, table
from beside.protocol import Worker
from beside.table import OURS
from beside.works import WORKS
from start import circumstances, spent

ROOT = Path(__file__).resolve().parents[1]


class Clock:
    """Tells on stderr what is done and how long the rest takes, by the seconds expected of it."""

    def __init__(self, seconds):
        self.start, self.done, self.all = time.monotonic(), 0.0, seconds

    def tell(self, seconds, said):
        from green_vae.utils.progress import clock

        self.done += seconds
        left = (time.monotonic() - self.start) / self.done * max(self.all - self.done, 0.0)
        print(f"{said}, left {clock(left)}", file=sys.stderr, flush=True)


def command_of(side, pythons):
    """(interpreter, variables of the environment) of a side."""
    ours = side == OURS
    path = os.pathsep.join(map(str, [ROOT, ROOT / "benchmarks"] if ours else [ROOT / "benchmarks"]))
    return pythons[not ours], {"PYTHONPATH": path}


def beside_workers(name, work, rounds, quick, pythons, clock):
    """Let workers do one work in turn -> a row, a dict for JSON.

    Raises:
        RuntimeError: a worker failed, or the sides do not do the same.
    """
    options, limited = work.sizes(quick), environment.limited(environment.threads())
    with contextlib.ExitStack() as stack:
        workers, facts = {}, {}
        for side, dtype in work.sides.items():
            python, variables = command_of(side, pythons)
            module = "beside.ours" if side == OURS else "beside.theirs"
            workers[side] = stack.enter_context(Worker([python, "-m", module], {**limited, **variables}))
            facts[side] = workers[side].ask(prepare=work.kind, options={**options, "dtype": dtype})["facts"]
        check_same(name, {side: found.get("same") for side, found in facts.items()})
        clock.tell(work.seconds[1], f"{name}: prepared")
        turns = {side: lambda w=worker: w.ask(run=True) for side, worker in workers.items()}
        runs = in_turn(name, turns, rounds, clock, work.seconds[0])
        check_results(name, runs)
        size = (inputs.QUICK if quick else inputs.SIZES)["matmul"]
        matmul = {
            side: workers[side].ask(matmul={**size, "dtype": dtype})["gflops"]
            for side, dtype in work.sides.items()
            if work.convolves
        }
    parameters = {side: found["parameters"] for side, found in facts.items() if "parameters" in found}
    counts = {"images": options.get("images", 0), "flops": facts[OURS].get("flops", 0), "parameters": parameters}
    return {**counts, "matmul": matmul, "runs": runs}


def beside_processes(name, work, rounds, pythons, clock):
    """Let processes start and end in turn -> a row, a dict for JSON."""
    with tempfile.TemporaryDirectory() as folder:

        def start(side, arguments):
            python, variables = command_of(side, pythons)
            return spent(arguments, Path(folder), python, variables)

        turns = {side: lambda s=side, a=arguments: start(s, a) for side, arguments in work.sides.items()}
        in_turn(name, turns, 1, clock, work.seconds[1])  # fills the caches of the disk
        runs = in_turn(name, turns, rounds, clock, work.seconds[0])
    return {"images": 0, "flops": 0, "parameters": {}, "matmul": {}, "runs": runs}


def in_turn(name, turns, rounds, clock, seconds):
    """Call all again and again in turn -> side -> list of what each call returned."""
    runs = {side: [] for side in turns}
    for number in range(1, rounds + 1):
        for side, turn in turns.items():
            runs[side].append(turn())
        took = ", ".join(f"{side} {done[-1]['wall_s']:.3g} s" for side, done in runs.items())
        clock.tell(seconds, f"{name}: round {number} of {rounds}, {took}")
    return runs


def check_same(name, told):
    """Raises RuntimeError unless all sides tell the same of their work."""
    if any(fact != told[OURS] for fact in told.values()):
        raise RuntimeError(f"the sides of {name!r} do not do the same work: {told}")


def check_results(name, runs, tolerance=1e-2):
    """Raises RuntimeError unless results, where there are some, are equal but for rounding and one step of EM."""
    results = {side: done[-1]["result"] for side, done in runs.items() if "result" in done[-1]}
    if any(abs(value - results[OURS]) > tolerance * abs(results[OURS]) for value in results.values()):
        raise RuntimeError(f"the results of {name!r} differ: {results}")


def keep(folder, rows):
    """Put rows into peers.json and peers.md of a folder, where they take the place of older ones of their names."""
    from green_vae.utils.files import write_json, write_text

    path = Path(folder) / "peers.json"
    rows = {**(json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}), **rows}
    rows = {name: rows[name] for name in sorted(rows, key=[*WORKS, *rows].index)}
    write_json(path, rows)
    write_text(path.with_suffix(".md"), "\n".join(table.page(rows)) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, metavar="DIR", help="environment of the peers")
    parser.add_argument("--repeats", type=int, metavar="N", help="rounds (default: 5, or 3 of what varies little)")
    parser.add_argument("--only", default="", metavar="WORK", help="works with this in their names")
    parser.add_argument("--quick", action="store_true", help="everything small, one round: no timing to be told")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="of the table to add to (default: none is written)")
    options = parser.parse_args()
    chosen = {name: work for name, work in WORKS.items() if options.only.lower() in name.lower()}
    if not chosen:
        parser.error(f"--only is part of one of: {'; '.join(WORKS)}. Received: {options.only!r}")
    load, pythons = os.getloadavg()[0], (sys.executable, environment.python_of(options.peers.absolute()))
    told = {**circumstances(load), "threads": environment.threads(), "peers": environment.versions(pythons[1])}
    rounds = {name: options.repeats or (1 if options.quick else work.rounds) for name, work in chosen.items()}
    clock = Clock(sum(work.seconds[1] + rounds[name] * work.seconds[0] for name, work in chosen.items()))
    rows = {}
    for name, work in chosen.items():
        if work.kind:
            row = beside_workers(name, work, rounds[name], options.quick, pythons, clock)
        else:
            row = beside_processes(name, work, rounds[name], pythons, clock)
        rows[name] = {"marks": work.marks, "quick": options.quick, **row, "told": told}
        if options.out:
            keep(options.out, {name: rows[name]})
    print("\n".join([*table.lines(rows), "", *table.limits(rows)]))


if __name__ == "__main__":
    main()
