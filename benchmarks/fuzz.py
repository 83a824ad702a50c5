"""Damaged and hostile files in every reader, for as long as you like:

    python benchmarks/fuzz.py --minutes 10              # all readers, an equal share each
    python benchmarks/fuzz.py --minutes 1 --readers "CelebA zip" moments
    python benchmarks/fuzz.py --minutes 60 --out results/benchmarks   # adds to fuzz.json, and writes fuzz.md

One line for a reader: cases, cases a second, how many were refused, and faults. A fault is another error than one
ValueError or OSError that says what it received, a crash of the process, more than 10 s or 1 GiB, a program or a
connection started, or another content than a checksum allows. Its seed makes it again: --seed S --cases 1. The exit
code is 1 if there was a fault. The readers are those of tests/shared/fuzzed_readers.py. Each has a process of its own,
which is killed if one case takes more than 60 s.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "shared")]
SHOWN = 5  # faults of a reader
HANG = 60  # seconds after which the process of a case is killed; 10 are a fault already
COUNTS = ("cases", "seconds", "refused", "read", "fault")


def main():
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--minutes", type=float, default=1.0, help="for all readers together (default: 1)")
    add("--readers", nargs="+", default=[], metavar="NAME", help="some of them (default: all)")
    add("--seed", type=int, default=0, help="of the first case; the next one has the next (default: 0)")
    add("--cases", type=int, help="at most so many for a reader")
    add("--out", type=Path, metavar="DIR", help="go on after the seeds in fuzz.json there; write it and fuzz.md again")
    options = parser.parse_args()
    import fuzzed_readers

    names = options.readers or list(fuzzed_readers.READERS)
    if unknown := [name for name in names if name not in fuzzed_readers.READERS]:
        parser.error(f"there are {', '.join(fuzzed_readers.READERS)}. Received: {', '.join(unknown)}")
    begin, codes, rows = time.monotonic(), [], {}
    before = recorded(options.out)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            child = os.fork()  # a crash ends the child alone; and TensorFlow takes long to import
            if not child:
                first = options.seed + before["readers"].get(name, {"cases": 0})["cases"]
                os._exit(fuzz(name, Path(folder), first, options.cases, 60 * options.minutes / len(names)))
            codes.append(ended(child, Path(folder, "seed")))
            if codes[-1] not in (0, 1):
                last = Path(folder, "seed").read_text() if Path(folder, "seed").exists() else "none"
                print(f"{name}: FAULT: the process ended with {codes[-1]} at seed {last}", flush=True)
            counts = Path(folder, "counts")
            found = json.loads(counts.read_text()) if counts.exists() else dict.fromkeys(COUNTS)
            rows[name] = found
    print(f"{time.monotonic() - begin:.0f} s in all; readers with faults: {sum(map(bool, codes))}")
    if options.out:
        record(options.out, before, rows)
    return int(any(codes))


def ended(child, seed):
    """Exit code of a process, which is killed if the file `seed` is older than a case may take.

    A loop in a library in C holds Python's lock, so that nothing within the process can end it.
    """
    while True:
        process, status = os.waitpid(child, os.WNOHANG)
        if process:
            return os.waitstatus_to_exitcode(status)
        if seed.exists() and time.time() - seed.stat().st_mtime > HANG:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.1)


def recorded(folder):
    """What fuzz.json in a folder holds, both empty where there is none: "runs", a list; "readers", name -> counts."""
    path = folder and folder / "fuzz.json"
    return json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else {"runs": [], "readers": {}}


def record(folder, before, rows):
    """Write fuzz.json and fuzz.md: a line for a reader and one for a run, each over all that is recorded.

    Args:
        folder: of both files.
        before: as from `recorded`.
        rows: reader -> counts of this run; None in place of them where the process ended.
    """
    from green_vae.experiments.provenance import machine, machine_line
    from green_vae.utils.files import write_json, write_text

    counted = {name: row for name, row in rows.items() if row["cases"] is not None}
    readers = dict(before["readers"])
    for name, row in counted.items():
        readers[name] = summed([readers[name], row] if name in readers else [row])
    ended = [name for name in rows if name not in counted]
    runs = [*before["runs"], {"machine": machine(), **summed(counted.values()), "ended": ended}]
    write_json(folder / "fuzz.json", {"runs": runs, "readers": readers})
    lines = ["# Damaged and hostile files in every reader", "", "Written by `python benchmarks/fuzz.py`.", ""]
    lines += ["| reader | cases | cases a second | refused | read | faults |", "|---|---:|---:|---:|---:|---:|"]
    for name, row in {**readers, "all": summed(readers.values())}.items():
        numbers = " | ".join(f"{row[key]:,}" for key in ("refused", "read", "fault"))
        lines.append(f"| {name} | {row['cases']:,} | {row['cases'] / row['seconds']:,.0f} | {numbers} |")
    lines += ["", "Runs, each with seeds of its own:", ""]
    for run in runs:
        crashed = f", the process ended in {', '.join(run['ended'])}" if run["ended"] else ""
        lines.append(f"* {run['cases']:,} cases, {run['fault']:,} faults{crashed}. {machine_line(run['machine'])}")
    write_text(folder / "fuzz.md", "\n".join(lines) + "\n")


def summed(rows):
    """Counts of several readers or runs together."""
    return {key: sum(row[key] for row in rows) for key in COUNTS}


def fuzz(name, folder, seed, cases, seconds):
    """One reader in this process; returns the exit code. `seed` in the folder is that of the case under way.

    Args:
        name: of the reader. folder: for its files. seed: of the first case.
        cases: how many at most; None for no limit. seconds: how long at most.
    """
    import fuzzed_readers

    counts, faults = collections.Counter(), []
    (folder / "files").mkdir()
    with open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing):  # progress bars
        try:
            one = fuzzed_readers.prepared(name, folder / "files", dict.__setitem__)
        except Exception as error:
            print(f"{name}: FAULT: the good file cannot be read: {type(error).__name__}: {error}", flush=True)
            return 1
        begin = time.monotonic()
        while time.monotonic() - begin < seconds and sum(counts.values()) != cases:
            (folder / "seed").write_text(str(seed))
            try:
                counts[fuzzed_readers.run(*one, random.Random(seed))] += 1
            except fuzzed_readers.Fault as fault:
                counts["fault"] += 1
                faults.append(f"{name}: FAULT at seed {seed}: {str(fault)[:300]}")
            seed += 1
        took = time.monotonic() - begin
    total = sum(counts.values())
    told = {"cases": total, "seconds": took, **{key: counts[key] for key in COUNTS[2:]}}
    (folder / "counts").write_text(json.dumps(told))
    rest = f"{counts['refused']:,} refused, {counts['read']:,} read, {counts['fault']:,} faults"
    print(f"{name}: {total:,} cases, {total / took:,.0f} a second: {rest}", flush=True)
    print("".join(f"  {fault}\n" for fault in faults[:SHOWN]), end="", flush=True)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
