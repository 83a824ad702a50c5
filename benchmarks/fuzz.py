"""Damaged and hostile files in every reader, for as long as you like:

    python benchmarks/fuzz.py --minutes 10              # all readers, an equal share each
    python benchmarks/fuzz.py --minutes 1 --readers "CelebA zip" moments
    python benchmarks/fuzz.py --minutes 60 --out results/benchmarks   # writes fuzz.json and fuzz.md

One line for a reader: cases, cases a second, how many were refused, and faults. A fault is another error than one
ValueError or OSError that says what it received, a crash of the process, more than 10 s or 1 GiB, a program or a
connection started, or another content than a checksum allows. Its seed makes it again: --seed S --cases 1. The exit
code is 1 if there was a fault. The readers are those of tests/shared/fuzzed_readers.py, each in a process of its own.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "shared")]
SHOWN = 5  # faults of a reader
COUNTS = ("cases", "seconds", "refused", "read", "fault")


def main():
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--minutes", type=float, default=1.0, help="for all readers together (default: 1)")
    add("--readers", nargs="+", default=[], metavar="NAME", help="some of them (default: all)")
    add("--seed", type=int, default=0, help="of the first case; the next one has the next (default: 0)")
    add("--cases", type=int, help="at most so many for a reader")
    add("--out", type=Path, metavar="DIR", help="write fuzz.json and fuzz.md there")
    options = parser.parse_args()
    import fuzzed_readers

    names = options.readers or list(fuzzed_readers.READERS)
    if unknown := [name for name in names if name not in fuzzed_readers.READERS]:
        parser.error(f"there are {', '.join(fuzzed_readers.READERS)}. Received: {', '.join(unknown)}")
    begin, codes, rows = time.monotonic(), [], []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            child = os.fork()  # a crash ends the child alone; and TensorFlow takes long to import
            if not child:
                os._exit(fuzz(name, Path(folder), options, 60 * options.minutes / len(names)))
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            if codes[-1] not in (0, 1):
                last = Path(folder, "seed").read_text() if Path(folder, "seed").exists() else "none"
                print(f"{name}: FAULT: the process ended with {codes[-1]} at seed {last}", flush=True)
            counts = Path(folder, "counts")
            found = json.loads(counts.read_text()) if counts.exists() else dict.fromkeys(COUNTS)
            rows.append({"reader": name, **found})
    print(f"{time.monotonic() - begin:.0f} s in all; readers with faults: {sum(map(bool, codes))}")
    if options.out:
        record(options, rows, codes)
    return int(any(codes))


def record(options, rows, codes):
    """Write fuzz.json and fuzz.md: one line for a reader, and the sum."""
    from green_vae.experiments.provenance import machine, machine_line
    from green_vae.utils.files import write_json, write_text

    told, faulty = machine(), sum(map(bool, codes))
    write_json(options.out / "fuzz.json", {"machine": told, "seed": options.seed, "readers": rows})
    total = {"reader": "all", **{key: sum(row[key] or 0 for row in rows) for key in COUNTS}}
    lines = ["# Damaged and hostile files in every reader", "", "Written by `python benchmarks/fuzz.py`.", ""]
    lines += ["| reader | cases | cases a second | refused | read | faults |", "|---|---:|---:|---:|---:|---:|"]
    for row in [*rows, total]:
        if row["cases"] is None:
            lines.append(f"| {row['reader']} | the process ended | | | | |")
            continue
        rate = row["cases"] / row["seconds"]
        counted = " | ".join(f"{row[key]:,}" for key in ("refused", "read", "fault"))
        lines.append(f"| {row['reader']} | {row['cases']:,} | {rate:,.0f} | {counted} |")
    lines += ["", f"Readers with faults: {faulty}. {machine_line(told)}"]
    write_text(options.out / "fuzz.md", "\n".join(lines) + "\n")


def fuzz(name, folder, options, seconds):
    """One reader in this process; returns the exit code. `seed` in the folder is that of the case under way."""
    import fuzzed_readers

    counts, faults, seed = collections.Counter(), [], options.seed
    (folder / "files").mkdir()
    with open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing):  # progress bars
        try:
            one = fuzzed_readers.prepared(name, folder / "files", dict.__setitem__)
        except Exception as error:
            print(f"{name}: FAULT: the good file cannot be read: {type(error).__name__}: {error}", flush=True)
            return 1
        begin = time.monotonic()
        while time.monotonic() - begin < seconds and sum(counts.values()) != options.cases:
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
