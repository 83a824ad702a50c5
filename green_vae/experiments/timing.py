"""What Tables 4 and 5 of the survey share: seconds of a forward pass, and which measure of cost predicts them."""

import functools
import math
import re
import time

import keras
import numpy as np
from scipy.stats import kendalltau, rankdata, spearmanr

from green_vae.cost import device_name, forward_seconds, layer_traffic, traffic, training_flops
from green_vae.cost.alpha import alpha_flops
from green_vae.cost.dissect import LayerTime, TimeModel, fit_time
from green_vae.experiments.spec import Column, Measurement, NotRun
from green_vae.utils.reading import read_json

BATCHES = (100, 10, 1)
PROTOCOL_IMAGES = 10_000
PATIENCE = 5.0  # seconds for one pass over the images at the largest batch, unless --limit-eval says how many
STEPS = 5  # of training, timed
RESAMPLES = 2_000  # of the rows, for an interval
DISSECTION = "green_dissection"  # the gallery of single layers
PREDICTORS = {
    "params": "parameters",
    "flops_m": "FLOPs",
    "alpha_mflops": "alpha-FLOPs",
    "traffic_mb": "memory traffic",
    "calls": "layers",
}


def timed_on():
    """Identity of processor seconds: the device, and the backend; that of all that was recorded is not named."""
    backend = keras.backend.backend()
    return {"device": device_name(), **({"backend": backend} if backend != "tensorflow" else {})}


def seconds(batch):
    """Seconds for 10,000 images at one batch size; measured on as many as patience allows, and scaled."""

    def measure(run):
        timing = timings(run)[batch]
        scale = PROTOCOL_IMAGES / timing.images
        spread = f"+- {timing.spread * scale:.2g} s over {timing.repeats} passes"
        short = "" if scale == 1 else f" of {timing.images:,} images, scaled to {PROTOCOL_IMAGES:,}"
        why = f"measured on {timing.device}"
        return Measurement(timing.mean * scale, incomparable=why, remark=spread + short, images=timing.images)

    def identity(run):
        """Weights do not matter, nor do the images; the device does, and what it was asked."""
        asked, backend = run.settings.limit_eval, keras.backend.backend()
        return {"preset": run.row.preset, "batch": batch, "device": device_name(), "asked": asked, "backend": backend}

    return Column(f"bs{batch}_s", f"s, batch {batch}", measure, identity=identity, trained=False)


def timings(run):
    """Batch size -> `cost.Timing` of a row's network, measured once for all rows of the same network."""
    known, preset = run.bench.timings, run.row.preset
    if preset not in known:
        model = run.drawn()
        images = np.random.default_rng(0).random((_count(run, model), *model.image_shape), dtype="float32")
        known[preset] = forward_seconds(model, images, BATCHES)
    return known[preset]


def _count(run, model):
    """Images to time: as many as asked for, or what patience allows, at most the protocol's."""
    if run.settings.smoke:
        return 4
    if run.settings.limit_eval:
        return min(run.settings.limit_eval, PROTOCOL_IMAGES)
    trial = np.zeros((BATCHES[0], *model.image_shape), "float32")
    spent = forward_seconds(model, trial, BATCHES[:1], repeats=1)[BATCHES[0]].mean
    return min(PROTOCOL_IMAGES, BATCHES[0] * max(1, int(PATIENCE / spent)))


def training_gflops():
    """FLOPs of a training step per image, forward and backward, counted on the compiled graph."""

    def measure(run):
        counted = training_flops(run.model, run.preset.recipe.batch_size)
        why = "3 x forward, not counted" if counted.source == "estimated" else ""
        return Measurement(counted.per_image / 1e9, incomparable=why)

    return Column("train_gflops", "GFLOPs per training image", measure, format="{:,.3f}")


def step_seconds(of_processor=False):
    """Seconds of a training step on a batch of the recipe (or --limit-eval images): median of some, once compiled.

    Args:
        of_processor: count processor time, of all threads, instead of what a clock on the wall shows: of a machine that
            others use, too.
    """

    def measure(run):
        asked = 4 if run.settings.smoke else run.settings.limit_eval
        batch_size = asked or run.preset.recipe.batch_size
        clock = time.process_time if of_processor else time.perf_counter
        seconds = step_times(run.drawn(), batch_size, clock=clock)
        spread = f"{min(seconds):.3g} to {max(seconds):.3g} s, {STEPS} steps of {batch_size} on {device_name()}"
        return Measurement(float(np.median(seconds)), remark=spread, images=batch_size)

    def identity(run):
        asked, backend = run.settings.limit_eval, keras.backend.backend()
        own = {"preset": run.row.preset, "device": device_name(), "asked": asked, "backend": backend}
        return {**own, "clock": "processor"} if of_processor else own

    title = "processor s per training step" if of_processor else "s per training step"
    return Column("step_s", title, measure, identity=identity, format="{:,.3f}", trained=False)


def step_times(model, batch_size, steps=STEPS, clock=time.perf_counter):
    """Seconds of each of some training steps on random pixels, once compiled, by a clock."""
    model.compile(optimizer=model.make_optimizer(learning_rate=1e-5), jit_compile="auto")
    images = np.random.default_rng(0).random((batch_size, *model.image_shape), dtype="float32")
    model.train_on_batch(images)
    seconds = []
    for _ in range(steps):
        start = clock()
        model.train_on_batch(images, return_dict=True)  # numbers: the device has finished
        seconds.append(clock() - start)
    return seconds


def memory_traffic():
    """Memory traffic of a forward pass of one image, an estimate; a MB is 10^6 bytes."""
    return Column("traffic_mb", "MB moved", lambda run: Measurement(traffic(run.blueprint) / 1e6), format="{:,.0f}")


def alpha_mflops():
    """alpha-FLOPs of a forward pass of one image, with the alpha that was fitted to single layers on this device."""

    def measure(run):
        return Measurement(alpha_flops(run.blueprint, fitted_alpha(run.settings)) / 1e6)

    return Column("alpha_mflops", "alpha-MFLOPs", measure, format="{:,.0f}")


def fitted_alpha(settings):
    """The model "alpha" of the time of single layers, fitted to what green_dissection has measured on this device.

    A smoke test takes a made one.

    Raises:
        NotRun: the layers of this device are not measured; the message says how they are.
    """
    if settings.smoke:
        return TimeModel("alpha", {"beta_3": 0.5, "gamma_3": 0.5})
    folders = [place / DISSECTION for place in (settings.out, settings.recorded) if place]
    device = device_name()
    path = next((found for folder in folders if (found := folder / device_file(device)).exists()), None)
    if path is None:
        how = f"`python reproduce/{DISSECTION}.py` measures them"
        raise NotRun(f"the layers of this device, {device}, are not measured: {how}")
    return _fitted(path)


@functools.cache
def _fitted(path):
    times = [LayerTime(*row) for row in read_json(path)["times"]]
    return fit_time([row for row in times if row.dtype == "float32"])


def device_file(device):
    """Name of the file of what a script has measured on a device with this backend."""
    return re.sub(r"\W+", "-", f"{device} {keras.backend.backend()}") + ".json"


def layer_calls():
    """Calls of layers that compute, which a framework has to start one after the other."""

    def measure(run):
        return Measurement(sum(row.flops > 0 or row.parameters > 0 for row in layer_traffic(run.blueprint)))

    return Column("calls", "layers", measure, format="{:,.0f}")


def conclusions(report):
    """Rank correlations of every cost with every time, of the published numbers and of ours, in words."""
    if report["smoke"]:
        return
    for whose, place in (("the published", "published"), ("our", "value")):
        for batch in BATCHES:
            found = {title: rest for title, *rest in correlations(report, place, f"bs{batch}_s")}
            listed = ", ".join(
                f"{title} {rho:+.2f} [{low:+.2f} to {high:+.2f}] ({tau:+.2f})"
                for title, (rho, tau, (low, high)) in found.items()
            )
            if found:
                highest = max(rho for rho, *_ in found.values())
                best = " and ".join(title for title, (rho, *_) in found.items() if math.isclose(rho, highest))
                yield f"Rank correlation with {whose} time, batch {batch}, Spearman (Kendall): {listed}. Best: {best}."


def correlations(report, place, time):
    """Yield (title, Spearman's rho, Kendall's tau, `interval` of rho) of every cost with a time, over the rows that
    have both.

    Args:
        report: of a table, as JSON.
        place: "published" or "value".
        time: name of a column.
    """
    for name, title in PREDICTORS.items():
        rows = [cells for cells in report["rows"].values() if name in cells]
        both = [(cells[name][place], cells[time][place]) for cells in rows]
        both = [pair for pair in both if None not in pair]
        if len({cost for cost, _ in both}) > 2:  # with two, every ranking agrees or disagrees wholly
            costs, times = zip(*both, strict=True)
            rho = spearmanr(costs, times).statistic
            yield title, rho, kendalltau(costs, times).statistic, interval(costs, times)


def interval(costs, times):
    """(low, high) of Spearman's rho, with 95 %: the percentiles over rows drawn anew with replacement.

    Draws in which all costs or all times are equal have no rho, and are left out.
    """
    rows = np.random.default_rng(0).integers(len(costs), size=(RESAMPLES, len(costs)))
    ranks = (rankdata(np.asarray(values)[rows], axis=1) for values in (costs, times))
    a, b = (rank - rank.mean(1, keepdims=True) for rank in ranks)
    sizes = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    rho = (a * b).sum(1)[sizes > 0] / sizes[sizes > 0]
    return tuple(map(float, np.percentile(rho, (2.5, 97.5))))


NOTES = (
    "Rank correlations are those over the rows. Square brackets hold a 95 % bootstrap interval "
    "of Spearman's, from rows drawn anew with replacement. There are few rows, and several share a network, so "
    "intervals are wide.",
    "Seconds are those of encoder and decoder over 10,000 images of random pixels with fresh weights, neither of "
    "which changes the work. The networks are compiled. The number is the mean of three passes after a warm-up.",
    "MB moved is an estimate for one image: every layer reads its weights and its input, and writes its output, once.",
    "alpha-MFLOPs, of one image, are the FLOPs of every layer, depthwise convolutions included, times an alpha that "
    "falls with the size of its map (Asperti, Evangelista, Marzolla 2021). green_dissection has fitted its beta and "
    "gamma to single layers with kernels of 1, 3 and 5 on one image, on the device of our seconds. Those of a kernel "
    "of 4 lie in between.",
)
