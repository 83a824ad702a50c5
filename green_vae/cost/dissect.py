"""Which layers are fast for their FLOPs: single convolutions timed along their dimensions, and models of their time.

The same FLOPs take longer on a small map with many channels than on a large one with few: large maps parallelise
better. Asperti, Evangelista and Marzolla 2021, "Dissecting FLOPs along input dimensions for GreenAI cost estimations",
multiply the FLOPs of a convolution with a kernel of K x K on a map of S positions by an `alpha` below 1 that falls
with S. Here their model is fitted beside plain FLOPs and beside two that know the memory traffic (Williams, Waterman
and Patterson 2009, "Roofline"), and all are judged on layers that they were not fitted to.

With F FLOPs and B bytes of a call, every model has a latency of its own and, of the device:

* "plain": t = latency + F / flops_per_second;
* "alpha": t = latency + alpha_K(S) F / flops_per_second;
* "roofline": t = latency + max(F / flops_per_second, B / bytes_per_second), arithmetic hidden behind traffic;
* "sum": t = latency + F / flops_per_second + B / bytes_per_second, nothing hidden.
"""

import itertools
import time
from typing import NamedTuple

import keras
import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit, logit

from green_vae.utils.progress import progress

MODELS = ("plain", "alpha", "roofline", "sum")
BYTES = {"float32": 4, "bfloat16": 2}  # of a number


class Layer(NamedTuple):
    """A convolution with stride 1, 'same' padding and no bias on a square map."""

    kernel: int
    inputs: int
    outputs: int
    side: int


class LayerTime(NamedTuple):
    """`seconds` of one call of such a layer on a batch, with weights, inputs and outputs of one `dtype`."""

    kernel: int
    inputs: int
    outputs: int
    side: int
    batch_size: int
    seconds: float
    dtype: str = "float32"

    @property
    def positions(self):
        """S, of one map."""
        return self.side**2

    @property
    def flops(self):
        """Of the call: 2 x multiply-accumulates, as by the rule "macs"."""
        return 2 * self.batch_size * self.positions * self.kernel**2 * self.inputs * self.outputs

    @property
    def bytes(self):
        """Of the call: weights, inputs and outputs once each, as by `layer_traffic`."""
        maps = self.batch_size * self.positions * (self.inputs + self.outputs)
        return BYTES[self.dtype] * (self.kernel**2 * self.inputs * self.outputs + maps)


class TimeModel(NamedTuple):
    """One of `MODELS` with its `parameters`: dict of name -> number, in seconds, FLOPs and bytes per second."""

    name: str
    parameters: dict

    def seconds(self, layers):
        """Predicted seconds of every call in a sequence of `LayerTime` (whose own seconds are ignored).

        Raises:
            ValueError: a kernel that the model "alpha" was not fitted to.
        """
        return _seconds(self.name, self.parameters, _columns(layers))


class Errors(NamedTuple):
    """Relative errors |predicted / measured - 1| on held-out layers: half of them, and 90 %, are not larger."""

    median: float
    ninety: float


def constant_flops(kernel, width, sides, skew=1):
    """Layers of equal FLOPs, 2 K^2 width^2 per image: channels double where the side halves.

    Args:
        kernel: K.
        width: channels x side.
        sides: that divide it.
        skew: the outputs are that many times more, and the inputs as many times fewer.
    """
    return tuple(Layer(kernel, width // side // skew, width // side * skew, side) for side in sides)


SIDES = (4, 8, 16, 32, 64, 128)
WIDTHS = {1: (2048, 4096, 8192), 3: (1024, 2048, 4096), 5: (1024, 2048, 3072)}
GRID = tuple(
    layer
    for kernel, widths in WIDTHS.items()
    for width, skew in (*((width, 1) for width in widths), (2048, 4))
    for layer in constant_flops(kernel, width, SIDES, skew)
)


def measure_layers(grid=GRID, batch_size=1, repeats=50, warmup=3, dtypes=("float32",)):
    """Time compiled calls of single layers.

    The images lie on the device already, and only a corner of the result comes back, so that the layer is what is
    timed; waiting for it means that the device has finished. Repeats go round the layers, so that a machine that grows
    slower does so for all of them, and weights are as cold as inside a network. The least of the repeats counts:
    whatever else the machine does can only add to it.

    Args:
        grid: `Layer`s. batch_size: images per call. repeats: timed calls of each. warmup: calls before; the first
            compiles.
        dtypes: of the numbers, "float32" or "bfloat16"; all layers are timed in each, in turns.

    Returns:
        list of `LayerTime`, in the order of the grid, once for each dtype.

    Raises:
        ValueError: no layer, a number below 1, or another dtype.
    """
    if unknown := set(dtypes) - set(BYTES):
        raise ValueError(f"a layer is timed in {' or '.join(BYTES)}. Received: {', '.join(sorted(unknown))}")
    if not len(grid) or min(batch_size, repeats, warmup, *(min(layer) for layer in grid)) < 1:
        received = f"{len(grid)} layers, batch_size={batch_size}, repeats={repeats}, warmup={warmup}"
        raise ValueError(f"timing needs a layer or more, and no number below 1. Received: {received}")
    layers = [(layer, dtype) for dtype in dtypes for layer in grid]
    calls = [_call_of(*layer, batch_size) for layer in layers]
    least = np.full(len(layers), np.inf)
    with progress() as bar:
        for done in bar.track(range(warmup + repeats), description="timing layers"):
            taken = [_timed(*call) for call in calls]
            least = np.minimum(least, taken) if done >= warmup else least
    rows = zip(layers, least, strict=True)
    return [LayerTime(*layer, batch_size, float(seconds), dtype) for (layer, dtype), seconds in rows]


def alpha(positions, kernel, beta, gamma):
    """What the paper multiplies FLOPs by: ((S_K + beta (S - S_K)) / S)^gamma, 1 at S = S_K and falling to beta^gamma.

    Args:
        positions: S, of the map. kernel: K; S_K is K^2 here, the paper asks for a small number.
        beta: in (0, 1). gamma: in (0, 1].
    """
    small = np.square(kernel)
    return ((small + beta * (positions - small)) / positions) ** gamma


def fit_time(times, model="alpha"):
    """Fit one of `MODELS` to measurements, by least squares of the logarithms with little weight on outliers.

    Args:
        times: `LayerTime`s.
        model: name.

    Returns:
        `TimeModel`; "alpha" has a `beta_K` and a `gamma_K` for every kernel.

    Raises:
        ValueError: an unknown model, fewer measurements than parameters, or seconds that are not positive.
    """
    if model not in MODELS:
        raise ValueError(f"the model is one of {', '.join(MODELS)}. Received: {model!r}")
    work, seconds = _columns(times), np.array([row.seconds for row in times])
    names = _names(model, work)
    if len(times) < len(names) or not (seconds > 0).all():
        received = f"{len(times)} measurements for {len(names)} parameters, {seconds.min(initial=np.inf):g} s the least"
        raise ValueError(f"at least as many measurements as parameters are needed, all above 0 s. Received: {received}")

    def residuals(vector):
        return np.log(_seconds(model, _decoded(names, vector), work) / seconds)

    options = {"loss": "soft_l1", "f_scale": 0.1, "xtol": 1e-10, "ftol": 1e-10, "max_nfev": 100}
    fits = [least_squares(residuals, _encoded(start), **options) for start in _starts(names, work, seconds)]
    return TimeModel(model, _decoded(names, min(fits, key=lambda fit: fit.cost).x))


def held_out(times, model, folds=5):
    """Predicted seconds of every layer by a model fitted without it: every `folds`-th layer is left out in turn.

    Raises:
        ValueError: as `fit_time`, fewer than 2 folds, or a kernel all of whose layers are in one fold.
    """
    if folds < 2:
        raise ValueError(f"held-out layers need at least 2 folds. Received: folds={folds}")
    predicted, fold = np.empty(len(times)), np.arange(len(times)) % folds
    for left_out in range(min(folds, len(times))):
        kept = [row for row, own in zip(times, fold, strict=True) if own != left_out]
        rest = [row for row, own in zip(times, fold, strict=True) if own == left_out]
        predicted[fold == left_out] = fit_time(kept, model).seconds(rest)
    return predicted


def errors(predicted, times):
    """`Errors` of predicted seconds of measured layers."""
    relative = np.abs(np.asarray(predicted) / [row.seconds for row in times] - 1)
    return Errors(float(np.median(relative)), float(np.quantile(relative, 0.9)))


def _call_of(layer, dtype, batch_size):
    """(compiled model, images on the device) of a layer; what the model gives back is float32."""
    shape = (layer.side, layer.side, layer.inputs)
    images = keras.Input(shape, dtype=dtype)
    maps = keras.layers.Conv2D(layer.outputs, layer.kernel, padding="same", use_bias=False, dtype=dtype)(images)
    network = keras.Model(images, keras.ops.cast(maps[:, :1, :1, :1], "float32"))  # NumPy has no bfloat16
    network.compile(jit_compile="auto")
    noise = np.random.default_rng(0).random((batch_size, *shape), dtype="float32")
    return network, keras.ops.convert_to_tensor(noise, dtype)


def _timed(network, images):
    start = time.perf_counter()
    network.predict_on_batch(images)
    return time.perf_counter() - start


class _Columns(NamedTuple):
    kernel: np.ndarray
    positions: np.ndarray
    flops: np.ndarray
    bytes: np.ndarray


def _columns(layers):
    rows = [(row.kernel, row.positions, row.flops, row.bytes) for row in layers]
    return _Columns(*np.array(rows, float).reshape(-1, 4).T)


def _names(model, work):
    names = ["latency", "flops_per_second"]
    if model in ("roofline", "sum"):
        return [*names, "bytes_per_second"]
    kernels = np.unique(work.kernel).astype(int) if model == "alpha" else ()
    return names + [f"{name}_{kernel}" for kernel in kernels for name in ("beta", "gamma")]


def _seconds(model, parameters, work):
    arithmetic = work.flops / parameters["flops_per_second"]
    if model == "alpha":
        arithmetic = arithmetic * alpha(work.positions, work.kernel, *_shapes(parameters, work.kernel))
    elif model != "plain":
        traffic = work.bytes / parameters["bytes_per_second"]
        arithmetic = np.maximum(arithmetic, traffic) if model == "roofline" else arithmetic + traffic
    return parameters["latency"] + arithmetic


def _shapes(parameters, kernels):
    """beta and gamma of the kernel of every layer."""
    unknown = sorted({int(kernel) for kernel in kernels if f"beta_{kernel:.0f}" not in parameters})
    if unknown:
        raise ValueError(f"alpha is known for the kernels it was fitted to. Received: {unknown}")
    return [np.array([parameters[f"{name}_{kernel:.0f}"] for kernel in kernels]) for name in ("beta", "gamma")]


def _is_fraction(name):
    return name.startswith(("beta", "gamma"))


def _encoded(parameters):
    """Numbers without bounds for positive ones and for fractions."""
    return [logit(value) if _is_fraction(name) else np.log(value) for name, value in parameters.items()]


def _decoded(names, vector):
    pairs = zip(names, vector, strict=True)
    return {name: float(expit(value) if _is_fraction(name) else np.exp(value)) for name, value in pairs}


def _starts(names, work, seconds):
    """Several first guesses: the cost has more than one valley."""
    shapes = ((0.02, 0.9), (0.3, 0.5)) if any(map(_is_fraction, names)) else ((0.5, 0.5),)
    for share, (beta, gamma) in itertools.product((1.0, 4.0), shapes):
        guess = {
            "latency": seconds.min() / 2,
            "flops_per_second": share * np.median(work.flops / seconds),
            "bytes_per_second": 4 / share * np.median(work.bytes / seconds),
            "beta": beta,
            "gamma": gamma,
        }
        yield {name: guess[name.split("_")[0] if _is_fraction(name) else name] for name in names}
