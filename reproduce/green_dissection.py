"""Which layers are fast for their FLOPs on this machine? Single convolutions, and four models of their time.

    python reproduce/green_dissection.py           # two minutes on 2 cores; measurements of this device are kept
    python reproduce/green_dissection.py --fresh   # measures again

Expected: the same FLOPs take up to several times longer on small maps with many channels than on large maps with few.
Plain FLOPs predict the time of held-out layers worst, at least by the error that 90 % of the layers stay below.
bfloat16 makes arithmetic cheaper. There memory traffic and latency should count for more, so the alpha model, which
weighs FLOPs by the size of the map, should predict worse, and bytes better.
"""

import functools
import json

import keras
import numpy as np
from scipy import stats

from green_vae.cost import device_name
from green_vae.cost.dissect import (
    BYTES,
    GRID,
    MODELS,
    LayerTime,
    constant_flops,
    errors,
    fit_time,
    held_out,
    measure_layers,
)
from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.experiments.timing import DISSECTION, device_file
from green_vae.plots import OURS, Points, scatter
from green_vae.utils.files import write_json

SMOKE_GRID = (*constant_flops(1, 32, (2, 4, 8, 16)), *constant_flops(3, 32, (2, 4, 8, 16)))
SOURCE = "Asperti, Evangelista, Marzolla 2021, Dissecting FLOPs along input dimensions for GreenAI cost estimations"


@functools.cache
def all_measurements(studio, folder):
    """(device, `LayerTime`s): those recorded on this device, else measured now; once in a run of the script."""
    settings, device = studio.settings, device_name()
    grid = SMOKE_GRID if settings.smoke else GRID
    what = {"device": device, "backend": keras.backend.backend(), "keras": keras.__version__}
    what |= {"grid": [list(layer) for layer in grid], "dtypes": list(BYTES)}  # as JSON gives it back
    path = folder / device_file(device)
    if path.exists() and not settings.fresh:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["what"] == what:
            return device, [LayerTime(*row) for row in found["times"]]
    times = measure_layers(grid, repeats=2 if settings.smoke else 50, dtypes=tuple(BYTES))
    write_json(path, {"what": what, "fields": LayerTime._fields, "times": times})
    return device, times


def measurements(context, dtype="float32"):
    """(device, `LayerTime`s of one precision)."""
    device, times = all_measurements(context.studio, context.path.parent)
    return device, [row for row in times if row.dtype == dtype]


def per_flop(times, seconds):
    """Milliseconds per GFLOP."""
    return [1e12 * value / row.flops for row, value in zip(times, seconds, strict=True)]


def families(times):
    """(kernel, name) -> times of layers with the same kernel, FLOPs and ratio of channels, smallest map first."""
    found = {}
    for row in sorted(times, key=lambda row: row.side):
        ratio = row.outputs // row.inputs
        name = f"{row.flops / 1e6:.3g} MFLOPs" + (f", {ratio} x channels" if ratio > 1 else "")
        found.setdefault((row.kernel, name), []).append(row)
    return found


def draw_sizes(context):
    """Time per FLOP along families of the same FLOPs, dots, with the fitted alpha model, lines."""
    device, times = measurements(context)
    fitted, panels, slowest = fit_time(times, "alpha"), {}, 0.0
    for (kernel, name), rows in families(times).items():
        positions, seconds = [row.positions for row in rows], [row.seconds for row in rows]
        slowest = max(slowest, max(seconds) / min(seconds))
        line = positions, per_flop(rows, fitted.seconds(rows))
        points = Points(name, positions, per_flop(rows, seconds), line=line)
        panels.setdefault(f"ms per GFLOP, kernel {kernel}", []).append(points)
    scatter(context.path, panels, device, "positions of the map", log="xy")
    shapes = (f"{name} {value:.3g}" for name, value in fitted.parameters.items() if "_per_" not in name)
    rate = fitted.parameters["flops_per_second"] / 1e9
    return (
        f"{device}: within layers of the same kernel and FLOPs the slowest takes up to {slowest:.1f} times as long as "
        f"the fastest. Fitted alpha model: {', '.join(shapes)} (latency in s), {rate:.0f} GFLOPs per second."
    )


def draw_models(context):
    """Predicted against measured time of layers that the model was not fitted to."""
    device, times = measurements(context)
    measured = [1e3 * row.seconds for row in times]
    ends = (min(measured), max(measured))
    predicted = {model: held_out(times, model) for model in MODELS}
    panels = {
        f"ms predicted by the model {model}": [
            Points("", measured, list(1e3 * seconds), colour=OURS, line=(ends, ends))
        ]
        for model, seconds in predicted.items()
    }
    scatter(context.path, panels, device, "ms measured", log="xy")
    return f"{device}: {held_out_errors(predicted, times)}"


def held_out_errors(predicted, times):
    """The errors of all models of time, and which are the least, in words."""
    found = {model: errors(seconds, times) for model, seconds in predicted.items()}
    told = ", ".join(f"{model} {error.median:.1%} ({error.ninety:.1%})" for model, error in found.items())
    best = [min(MODELS, key=lambda model: getattr(found[model], which)) for which in ("median", "ninety")]
    return (
        f"relative error on held-out layers, median (90 % of {len(times)} layers below): {told}. Least median: "
        f"{best[0]}; least 90 % error: {best[1]}."
    )


def draw_precisions(context):
    """How much faster bfloat16 is, and its time per FLOP, by the size of the map."""
    (device, single), (_, half) = (measurements(context, dtype) for dtype in BYTES)
    gains = [one.seconds / other.seconds for one, other in zip(single, half, strict=True)]
    costs = per_flop(half, [row.seconds for row in half])

    def by_kernel(values):
        for kernel in sorted({row.kernel for row in half}):
            own = [(row.positions, value) for row, value in zip(half, values, strict=True) if row.kernel == kernel]
            yield Points(f"kernel {kernel}", *zip(*own, strict=True))

    panels = {"times faster in bfloat16": [*by_kernel(gains)], "ms per GFLOP in bfloat16": [*by_kernel(costs)]}
    scatter(context.path, panels, device, "positions of the map", log="xy")
    low, middle, high = np.quantile(gains, (0.05, 0.5, 0.95))
    rates = [fit_time(rows, "alpha").parameters["flops_per_second"] / 1e9 for rows in (single, half)]
    predicted = {model: held_out(half, model) for model in MODELS}
    ranks = "; ".join(f"{dtype} {correlations(rows)}" for dtype, rows in zip(BYTES, (single, half), strict=True))
    return (
        f"{device}: a layer is {middle:.2f} times faster in bfloat16 in the middle, {low:.2f} to {high:.2f} times in "
        f"90 % of the layers. The fitted alpha models have {rates[0]:.0f} GFLOPs per second in float32 and "
        f"{rates[1]:.0f} in bfloat16. In bfloat16: {held_out_errors(predicted, half)} Rank correlation of the seconds "
        f"with FLOPs and with bytes: {ranks}."
    )


def correlations(times):
    """Spearman's rank correlation of the seconds of layers with their FLOPs and their bytes, in words."""
    seconds = [row.seconds for row in times]
    found = (stats.spearmanr([getattr(row, cost) for row in times], seconds).statistic for cost in ("flops", "bytes"))
    return " and ".join(f"{value:+.2f}" for value in found)


GALLERY = Gallery(
    name=DISSECTION,
    title="Seconds of a convolution along its dimensions",
    source=SOURCE,
    figures=(
        Figure(
            "figure01",
            "Time per FLOP against the size of the map; dots measured, lines the fitted alpha model",
            draw_sizes,
        ),
        Figure(
            "figure02",
            "Predicted and measured time of held-out layers, by four models of time",
            draw_models,
            note="A fifth of the layers is held out in turn. green_vae/cost/dissect.py explains the models.",
        ),
        Figure(
            "figure03",
            "The same layers in bfloat16: how much faster, and their time per FLOP",
            draw_precisions,
            note="Both precisions were timed in turns in one run. Numbers of 16 bits move half as many bytes.",
        ),
    ),
    notes=(
        "A time is that of one compiled call of one layer on one image, the shortest of 50 calls in turns. Images and "
        "result stay on the device.",
        "Measurements of a device are kept under --out and taken over. --fresh measures again.",
    ),
)

if __name__ == "__main__":
    main(GALLERY)
