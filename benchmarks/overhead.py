"""What the package costs beside plain Keras: training steps, single calls, and memory of many images.

    python benchmarks/overhead.py                             # 5 minutes on an idle machine
    python benchmarks/overhead.py --quick                     # half a minute: whether it runs, no number to keep
    python benchmarks/overhead.py --only train                # also: call, memory
    python benchmarks/overhead.py --out results/benchmarks    # writes overhead.json and overhead.md there

train: `fit` of a model of the package beside `fit` of a bare `keras.Model` written here, with networks from the same
builders, the same loss, the same step of Adam and the same images: without checks, without logged terms, without
callbacks. Both run in turn in one process, and the ratio is that of the two neighbours. Mark: below 5 % more.

call: `generate`, `encode` and `reconstruct` of 1, 10 and 100 images beside the networks alone, compiled by
`tf.function` or `jax.jit`, from NumPy to NumPy, with the same noise. Mark: below 10 % more for 100 images. Beside it
stands `predict_on_batch` of Keras, which is what many would call.

memory: the largest resident memory of a process after any batch, which draws 1,000 and 20,000 images by
`model.stream` and keeps none of them; on Linux. Mark: at most 2 % more for twenty times the images.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

import green_vae as gv
from green_vae.experiments.provenance import machine
from green_vae.models.train_step import Adam
from green_vae.utils.files import write_json, write_text

BATCH, SIZES = 100, (1, 10, 100)
SECONDS = {"train": 0.8, "call": 0.05}  # of one measurement, about
MARKS = {"train": 1.05, "call": 1.10, "memory": 1.02}
COUNTS = (1_000, 20_000)
MNIST, PADDED, CIFAR = (28, 28, 1), (32, 32, 1), (32, 32, 3)
NETWORKS = {  # narrow ones, in which what is not the network weighs most: name -> class, arguments
    "MLP": (gv.models.VAE, {"image_shape": MNIST, "latent_dim": 16, "network": "mlp"}),
    "CNN": (gv.models.VAE, {"image_shape": CIFAR, "latent_dim": 64, "network_options": {"base": 16}}),
    "Resnet": (gv.models.ComputedGammaVAE, {"image_shape": CIFAR, "latent_dim": 64, "network_options": {"base": 8}}),
    "Split-VAE": (gv.models.SplitVAE, {"image_shape": PADDED, "latent_dim": 32, "network_options": {"base": 8}}),
}


class Bare(keras.Model):
    """A variational autoencoder as one writes it for a single use; `gamma`: whether the balance is computed."""

    def __init__(self, encoder, decoder, pixels, beta, gamma):
        super().__init__()
        self.encoder, self.decoder, self.pixels, self.beta = encoder, decoder, pixels, beta
        self.seeds = keras.random.SeedGenerator(0)
        self.mse = self.gamma = None
        if gamma:
            self.mse = self.add_weight(shape=(), initializer="ones", trainable=False)
            self.gamma = self.add_weight(shape=(), initializer="ones", trainable=False)
        self.built = True

    def call(self, x, training=False):
        code = self.encoder(x, training=training)
        noise = keras.random.normal(ops.shape(code["mean"]), seed=self.seeds)
        z = code["mean"] + ops.exp(0.5 * code["log_var"]) * noise
        return {**code, "reconstruction": self.decoder(z, training=training)}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        error = ops.mean(ops.sum(ops.square(x - y_pred["reconstruction"]), axis=(1, 2, 3)))
        mean, log_var = y_pred["mean"], y_pred["log_var"]
        kl = 0.5 * ops.mean(ops.sum(ops.square(mean) + ops.exp(log_var) - log_var - 1.0, axis=-1))
        if self.gamma is None:
            return 0.5 * error + self.beta * kl
        loss = 0.5 * error / ops.stop_gradient(ops.convert_to_tensor(self.gamma)) + self.beta * kl
        self.mse.assign(0.99 * self.mse + 0.01 * ops.stop_gradient(error) / self.pixels)
        self.gamma.assign(ops.minimum(self.gamma, self.mse))
        return loss


def pair(name):
    """A model of the package, and a bare one of the same networks with weights of its own."""
    kind, config = NETWORKS[name]
    ours, twin = kind(**config, seed=0), kind(**config, seed=0)
    pixels, gamma = int(np.prod(ours.image_shape)), isinstance(ours, gv.models.ComputedGammaVAE)
    bare = Bare(twin.encoder, twin.decoder, pixels, ours.beta, gamma)
    for model in (ours, bare):
        model.compile(optimizer=Adam(1e-4), jit_compile="auto")
    return ours, bare


def random_images(model, count):
    """float32 (count, h, w, c) in [0, 1]."""
    return np.random.default_rng(0).random((count, *model.image_shape), dtype="float32")


# in turn


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turn(functions, repeats, seconds):
    """Time functions in turn -> name -> list of seconds of one call, each the mean over as many as take `seconds`.

    Args:
        functions: name -> function without arguments.
    """
    for function in functions.values():
        function()  # compiles
    calls = max(1, round(seconds / min(seconds_of(function) for function in functions.values())))
    found = {name: [] for name in functions}
    for repeat in range(repeats):
        names = list(functions) if repeat % 2 else list(functions)[::-1]  # neither is always the first
        for name in names:
            function = functions[name]
            found[name].append(seconds_of(lambda function=function: [function() for _ in range(calls)]) / calls)
    return found


def compared(found, ours, other):
    """Medians of both in seconds, and the quartiles of the ratio of neighbours."""
    ratios = [one / two for one, two in zip(found[ours], found[other], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    seconds = {"ours_s": statistics.median(found[ours]), "other_s": statistics.median(found[other])}
    return {**seconds, "ratio": middle, "quartiles": [low, high], "repeats": len(ratios)}


# what is measured


def training(name, repeats, share):
    """One row: seconds of a step in `fit`, ours beside the bare model's."""
    ours, bare = pair(name)
    how = {"batch_size": BATCH, "verbose": 0, "shuffle": False}
    few = random_images(ours, 5 * BATCH)
    ours.fit(few, **how)  # compiles
    step = seconds_of(lambda: ours.fit(few, **how)) / 5
    steps = min(max(5, round(share * SECONDS["train"] / step)), 200)
    images = random_images(ours, steps * BATCH)
    functions = {"ours": lambda: ours.fit(images, **how), "bare": lambda: bare.fit(images, **how)}
    row = compared(in_turn(functions, repeats, 0.0), "ours", "bare")
    seconds = {key: row[key] / steps for key in ("ours_s", "other_s")}
    return [
        {"network": name, "what": f"step of {BATCH}, {steps} steps a fit", **row, **seconds, "mark": MARKS["train"]}
    ]


def calls(name, repeats, share):
    """Rows: seconds of `generate`, `encode` and `reconstruct`, beside compiled networks and `predict_on_batch`."""
    model = pair(name)[0]
    rows = []
    for size in SIZES:
        x = random_images(model, size)
        for what, functions in _uses(model, x, size).items():
            found = in_turn(functions, repeats, share * SECONDS["call"])
            row = {"network": name, "what": f"{what} of {size}", **compared(found, "ours", "compiled")}
            row["beside_predict_on_batch"] = compared(found, "ours", "predict_on_batch")["ratio"]
            rows.append({**row, "mark": MARKS["call"] if size == max(SIZES) else None})
    return rows


def _uses(model, x, size):
    """What is called -> how -> a function without arguments."""
    rng = np.random.default_rng(0)
    ours = {
        "generate": lambda: model.generate(size),
        "encode": lambda: model.encode(x),
        "reconstruct": lambda: model.reconstruct(x),
    }
    uses = {what: {"ours": function} for what, function in ours.items()}
    ways = {
        "compiled": (compiled(model.encoder), compiled(model.decoder)),
        "predict_on_batch": (model.encoder.predict_on_batch, model.decoder.predict_on_batch),
    }
    for way, (encode, decode) in ways.items():
        uses["generate"][way] = lambda decode=decode: decode(_normal(rng, (size, model.latent_dim)))
        uses["encode"][way] = lambda encode=encode: encode(x)["mean"]
        uses["reconstruct"][way] = lambda encode=encode, decode=decode: decode(_draw(rng, encode(x)))
    return uses


def _normal(rng, shape):
    return rng.standard_normal(shape).astype("float32")


def _draw(rng, code):
    return code["mean"] + np.exp(0.5 * code["log_var"]) * rng.standard_normal(code["mean"].shape, dtype="float32")


def compiled(network):
    """f(array) -> arrays of what the network gives, compiled by the backend."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        run = tf.function(lambda x: network(x, training=False))
    else:
        import jax

        run = jax.jit(lambda x: network(x, training=False))
    return lambda x: keras.tree.map_structure(np.asarray, run(ops.convert_to_tensor(x)))


DRAW = """
import os, sys
from pathlib import Path
import green_vae as gv
model, largest = gv.load(sys.argv[1]), 0
for images in model.stream(int(sys.argv[2]), seed=0):
    largest = max(largest, int(Path("/proc/self/statm").read_text().split()[1]))
print(largest * os.sysconf("SC_PAGE_SIZE") / 1e6)
"""


def memory(name="svae/mnist-mini"):
    """One row: MB at most of a process that draws few images, and of one that draws many."""
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    peaks = []
    for count in COUNTS:
        command = [sys.executable, "-c", DRAW, name, str(count)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        peaks.append(float(done.stdout.splitlines()[-1]))
    few, many = peaks
    told = {"network": name, "what": f"{COUNTS[1]:,} images beside {COUNTS[0]:,}", "few_mb": few, "many_mb": many}
    return [{**told, "ratio": many / few, "mark": MARKS["memory"]}]


# the report


def table(rows):
    """Markdown of all that was measured."""
    for title, head, cells in (
        ("train", ("ours, ms", "bare, ms", "ratio", "quartiles"), _timed),
        ("call", ("ours, ms", "compiled, ms", "ratio", "quartiles", "beside predict_on_batch"), _timed),
        ("memory", ("few, MB", "many, MB", "ratio"), _sized),
    ):
        if not rows.get(title):
            continue
        head = (title, "network", *head, "mark", "held")
        yield f"| {' | '.join(head)} |"
        yield "|---" * len(head) + "|"
        for row in rows[title]:
            yield f"| {' | '.join((row['what'], row['network'], *cells(row), *_held(row)))} |"
        yield ""


def _held(row):
    """The mark, and whether it is kept."""
    if row["mark"] is None:
        return "-", "-"
    return f"{row['mark']:.2f}", "yes" if row["ratio"] <= row["mark"] else "no"


def _timed(row):
    low, high = row["quartiles"]
    beside = [f"{row['beside_predict_on_batch']:.2f}"] if "beside_predict_on_batch" in row else []
    times = (f"{1000 * row[key]:,.3g}" for key in ("ours_s", "other_s"))
    return (*times, f"{row['ratio']:.3f}", f"{low:.3f} to {high:.3f}", *beside)


def _sized(row):
    return f"{row['few_mb']:,.0f}", f"{row['many_mb']:,.0f}", f"{row['ratio']:.3f}"


def keep(folder, rows, told):
    """Write overhead.json and overhead.md into a folder."""
    said = "Written by `python benchmarks/overhead.py`: medians, and quartiles of the ratio of neighbours."
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    foot = f"{told['device']}, {told['date']}, load average {told['load']:.1f} at the start, {told['repeats']} repeats"
    page = ["# What the package costs", "", said, "", *table(rows), f"{foot}; {versions}."]
    write_json(folder / "overhead.json", {**told, **rows})
    write_text(folder / "overhead.md", "\n".join(page) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=11, metavar="N", help="of every pair (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="3 repeats of a tenth of the time, and no memory")
    parts = "parts with this in their names: train, call, memory"
    parser.add_argument("--only", default="", metavar="TEXT", help=parts)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="default: all")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="to write the table to (default: none is written)")
    options = parser.parse_args()
    repeats, share = (3, 0.1) if options.quick else (options.repeats, 1.0)
    load, rows = os.getloadavg()[0], {}
    for part, measure in {"train": training, "call": calls}.items():
        if options.only in part:
            rows[part] = []
            for name in options.networks:
                rows[part] += measure(name, repeats, share)
                keras.backend.clear_session()
                print(f"{part}, {name}: measured", file=sys.stderr, flush=True)
    if options.only in "memory" and not options.quick:
        rows["memory"] = memory()
    print("\n".join(table(rows)))
    if options.out:
        keep(options.out, rows, {**machine(), "load": load, "repeats": repeats})


if __name__ == "__main__":
    main()
