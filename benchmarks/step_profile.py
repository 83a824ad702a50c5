"""Where the time of a training step goes, operation by operation, in float32 and in bfloat16 (TensorFlow on a CPU).

    python benchmarks/step_profile.py                                   # four networks at full width, 6 minutes
    python benchmarks/step_profile.py survey/cnn-mini --batch 20        # others
    python benchmarks/step_profile.py --out results/benchmarks          # writes step_profile.json and step_profile.md

Run it on an otherwise idle machine. Steps of both precisions are timed in turns in one process; then TensorFlow's
profiler tells how long every operation of further steps took. Operations of one step may run at the same time, so that
their seconds add up to more than the step's. Beside them stand the seconds that the operating system took for the
process (sys) and the pages of memory that it had to bring in: what an allocator costs. `MALLOC_` variables of the C
library, or another allocator in `LD_PRELOAD`, are those of the process and are told in the result.
"""

import argparse
import collections
import os
import re
import resource
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import green_vae as gv
from green_vae.experiments.provenance import machine, machine_line
from green_vae.models.precision import dtype_policy
from green_vae.utils.files import write_json, write_text

ROWS = ("survey/resnet-s4-b48-l128", "survey/cnn-b128-l128", "svae/cifar10", "survey/hfvae-s4-z4-l48")
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
KINDS = {  # group -> kinds of operations of TensorFlow; the first that fits
    "convolutions": r"Conv2D|Conv3D|DepthwiseConv",
    "products of matrices": r"MatMul",
    "casts": r"^Cast$",
    "updates of weights": r"Apply|^Assign",
    "sizes and order": r"Concat|Pad|Slice|Transpose|Resize|Reshape|Tile|Pack|Gather|Fill|ZerosLike|Image",
    "element by element": r"Sigmoid|Relu|Elu|Tanh|Swish|Mul|Add|Sub|Div|Exp|Log|Square|Sqrt|Neg|Max|Min|Sum|Mean|Bias|"
    r"Select|Greater|Less|Equal|Softplus|Reciprocal|Fused",
}
NORM, OTHER = "batch norm", "all else"  # Keras makes a batch norm of operations on elements; its name tells it
GROUPS = (*KINDS, NORM, OTHER)
MALLOC = ("MALLOC_", "LD_PRELOAD", "GLIBC_TUNABLES")  # beginnings of names


def group_of(operation, kind):
    """The one of `GROUPS` that an operation belongs to, by its name and its kind."""
    group = next((group for group, pattern in KINDS.items() if re.search(pattern, kind)), OTHER)
    return NORM if "batch_norm" in operation and group not in ("convolutions", "casts") else group


def step(model, images):
    """(seconds, seconds of the system, pages brought in) of a training step."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    model.train_on_batch(images, return_dict=True)  # numbers: the device has finished
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return seconds, after.ru_stime - before.ru_stime, after.ru_minflt - before.ru_minflt


def profile(model, images, steps):
    """(group, kind) of operations -> seconds in a training step, by TensorFlow's profiler, averaged over some steps."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(steps):
            step(model, images)
        tf.profiler.experimental.stop()
        (path,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    (plane,) = (plane for plane in space.planes if plane.name == "/host:CPU")
    seconds = collections.Counter()
    for event in (event for line in plane.lines for event in line.events):
        operation, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
        if operation and re.fullmatch(r"\w+", kind) and not operation.endswith(":"):  # others are the runtime's own
            kind = kind.removeprefix("_MklNative").removeprefix("_Mkl").removeprefix("_")
            seconds[group_of(operation, kind), kind] += event.duration_ps / 1e12 / steps
    return seconds


def measure(name, batch, steps):
    """What is known of one preset: precision -> {"seconds", "system", "pages", "groups", "kinds"}."""
    models = {}
    for precision, policy in POLICIES.items():
        with dtype_policy(policy):
            models[precision] = gv.load(name, weights=None, seed=0)
    shape = next(iter(models.values())).image_shape
    images = np.random.default_rng(0).random((batch, *shape), dtype="float32")
    for model in models.values():
        model.compile(optimizer=model.make_optimizer(learning_rate=1e-5))
        for _ in range(2):  # compiles, and makes room
            model.train_on_batch(images)
    taken = {precision: [] for precision in models}
    for _ in range(steps):
        for precision, model in models.items():
            taken[precision].append(step(model, images))
    found = {}
    for precision, model in models.items():
        kinds, groups = profile(model, images, min(steps, 3)), collections.Counter()
        for (group, _), seconds in kinds.items():
            groups[group] += seconds
        seconds, system, pages = zip(*taken[precision], strict=True)
        found[precision] = {
            "seconds": seconds,
            "system": statistics.median(system),
            "pages": statistics.median(pages),
            "groups": dict(groups.most_common()),
            "kinds": {f"{group}: {kind}": seconds for (group, kind), seconds in kinds.most_common(25)},
        }
    return found


def ratios(found):
    """How many times as long a step in float32 takes as its neighbour in bfloat16."""
    return [slow / quick for slow, quick in zip(*(found[precision]["seconds"] for precision in POLICIES), strict=True)]


def lines(rows, batch):
    """The result as Markdown: a table for each network, groups of operations as rows."""
    for name, found in rows.items():
        gain = ratios(found)
        yield f"## {name}, batches of {batch}"
        yield ""
        spread = f"{statistics.median(gain):.2f} ({min(gain):.2f} to {max(gain):.2f})"
        yield f"A step in float32 takes {spread} times as long as one in bfloat16."
        yield ""
        yield "| ms of a step | float32 | share | bfloat16 | share | float32 / bfloat16 |"
        yield "|---|---:|---:|---:|---:|---:|"
        totals = {precision: sum(found[precision]["groups"].values()) for precision in POLICIES}
        for group in GROUPS:
            a, b = (found[precision]["groups"].get(group, 0.0) for precision in POLICIES)
            shares = (value / total for value, total in zip((a, b), totals.values(), strict=True))
            cells = [f"{1e3 * value:,.0f} | {share:.0%}" for value, share in zip((a, b), shares, strict=True)]
            yield f"| {group} | {' | '.join(cells)} | {f'{a / b:.2f}' if b else ''} |"
        yield _line("all operations", totals, "{:,.0f}", 1e3)
        yield _line("the step", {p: statistics.median(found[p]["seconds"]) for p in POLICIES}, "{:,.0f}", 1e3)
        yield _line("of it in the system", {p: found[p]["system"] for p in POLICIES}, "{:,.0f}", 1e3)
        yield _line("pages brought in", {p: found[p]["pages"] for p in POLICIES}, "{:,.0f}", 1)
        yield ""


def circumstances(told):
    return machine_line(told, f"load average {told['load']:.1f} at the start")


def _line(title, values, form, factor):
    a, b = values.values()
    ratio = f"{a / b:.2f}" if b else ""
    return f"| {title} | {form.format(factor * a)} | | {form.format(factor * b)} | | {ratio} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=ROWS, metavar="PRESET", help="as `green-vae list` shows them")
    parser.add_argument("--batch", type=int, default=50, metavar="N", help="images in a batch (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=5, metavar="N", help="to time (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write step_profile.json and step_profile.md there")
    options = parser.parse_args()
    if keras.backend.backend() != "tensorflow":
        parser.error(f"TensorFlow's profiler tells of TensorFlow's operations. Received: {keras.backend.backend()}")
    settings = {name: value for name, value in os.environ.items() if name.startswith(MALLOC)}
    told, rows = {**machine(), "load": os.getloadavg()[0]}, {}
    for name in options.presets:
        rows[name] = measure(name, options.batch, options.steps)
        print("\n".join(lines({name: rows[name]}, options.batch)), flush=True)
    if options.out:
        allocator = ", ".join(f"{name}={value}" for name, value in settings.items()) or "as the C library has it"
        write_json(options.out / "step_profile.json", {"machine": told, "allocator": settings, "rows": rows})
        page = ["# Where the time of a training step goes", "", "Written by `python benchmarks/step_profile.py`.", ""]
        page += [*lines(rows, options.batch), f"Allocator: {allocator}.", "", circumstances(told)]
        write_text(options.out / "step_profile.md", "\n".join(page) + "\n")


if __name__ == "__main__":
    main()
