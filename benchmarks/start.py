"""The start of a command: processor seconds of whole processes beside those of `import tensorflow`, run in turn.

    python benchmarks/start.py                                      # 5 rounds, 10 minutes on a free machine
    python benchmarks/start.py --rounds 3 --only survey_table2
    python benchmarks/start.py --out results/benchmarks             # writes start.json and start.md there

Every command follows a process that imports TensorFlow and nothing else. The ratio is that of the two neighbours, so
that a machine which grows slower with time does so for both. Processor seconds are those of user and system together,
as the operating system accounts for the finished process; other processes hardly change them, but they do change wall
time. Memory is the largest of a process at any moment. One round before the first is not counted: it fills the caches
of the disk. No data is at hand: tables count, and take over what is recorded. Works on Unix alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMPORT = "import tensorflow"
TABLES = ("survey_table1", "survey_table2", "survey_table3", "svae_table1", "svae_table3", "svae_table4", "boon_table1")
MODELS = ("boon/beta-mnist", "svae/mnist-mini", "svae/cifar10")  # of 0.1, 2 and 13 million parameters
# name -> arguments of Python; the first is what the others are compared with
COMMANDS = {
    IMPORT: ("-c", IMPORT),
    "import green_vae": ("-c", "import green_vae"),
    "green-vae --help": ("-m", "green_vae", "--help"),
    "green-vae list": ("-m", "green_vae", "list"),
    **{f"green-vae generate {name}": ("-m", "green_vae", "generate", name, "-o", "images.png") for name in MODELS},
    **{f"reproduce/{name}.py": (str(ROOT / "reproduce" / f"{name}.py"),) for name in TABLES},
}
QUANTITIES = ("cpu_s", "wall_s", "peak_mb")


def spent(arguments, folder, python=sys.executable, variables=None):
    """Run Python once in a folder -> what it took, a dict of `QUANTITIES`.

    Args:
        arguments: of Python, texts.
        folder: a `Path`.
        python: the interpreter.
        variables: dict, added to the environment.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    own = {"PYTHONPATH": str(ROOT), "GREEN_VAE_DATA": str(folder / "no data")}
    environment = {**os.environ, **own, **(variables or {})}
    with tempfile.TemporaryFile() as printed:
        start = time.perf_counter()
        process = subprocess.Popen(
            [python, *arguments], cwd=folder, env=environment, stdout=printed, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            printed.seek(0)
            said = printed.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"exit code {process.returncode} of {' '.join(arguments)}:\n{said}")
    return {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall, "peak_mb": used.ru_maxrss / 1024}


def measured(commands, rounds, folder):
    """Run all in turn -> name -> {"runs": list of dicts of `QUANTITIES`, "ratios": of processor seconds}."""
    (reference, how), *others = commands.items()
    found = {name: {"runs": [], "ratios": []} for name in commands}
    for number in range(rounds + 1):
        for name, arguments in others:
            before, after = spent(how, folder), spent(arguments, folder)
            if number:
                found[reference]["runs"].append(before)
                found[name]["runs"].append(after)
                found[name]["ratios"].append(after["cpu_s"] / before["cpu_s"])
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    return found


def middle(values, form):
    """The median, with the least and the largest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def lines(found):
    """A Markdown table of `measured`."""
    yield "| command | ratio of processor seconds | processor, s | wall, s | peak, MB | runs |"
    yield "|---|---|---|---|---|---|"
    for name, row in found.items():
        taken = {quantity: [run[quantity] for run in row["runs"]] for quantity in QUANTITIES}
        ratio = middle(row["ratios"], ".2f") if row["ratios"] else "1"
        numbers = (middle(taken["cpu_s"], ".2f"), middle(taken["wall_s"], ".2f"), middle(taken["peak_mb"], ",.0f"))
        yield f"| `{name}` | {ratio} | {' | '.join(numbers)} | {len(row['runs'])} |"


def keep(folder, found, told):
    """Write start.json and start.md into a folder."""
    from green_vae.utils.files import write_json, write_text

    head = ["# The start of a command", "", "Written by `python benchmarks/start.py`: medians, least and largest.", ""]
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    foot = f"{told['device']}, {told['date']}, load average {told['load']:.1f} at the start; {versions}."
    write_json(folder / "start.json", {**told, "commands": found})
    write_text(folder / "start.md", "\n".join([*head, *lines(found), "", foot]) + "\n")


def circumstances(load):
    """Machine, date, commit and versions, as a dict for JSON."""
    from green_vae.utils.quiet import quiet_start

    with quiet_start():
        from green_vae.experiments.provenance import machine

    return {**machine(), "load": load}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="that are counted (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="commands with this in their names")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="to write the table to (default: none is written)")
    options = parser.parse_args()
    chosen = {name: how for name, how in COMMANDS.items() if name == IMPORT or options.only in name}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "results").symlink_to(ROOT / "results")
        found = measured(chosen, options.rounds, Path(folder))
    print("\n".join(lines(found)))
    if options.out:
        keep(options.out, found, circumstances(load))


if __name__ == "__main__":
    main()
