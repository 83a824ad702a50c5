"""Seconds and energy of a forward pass, and the name of what it ran on."""

import contextlib
import math
import os
import platform
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import keras
from keras import tree

from green_vae.cost.crosscheck import tensorflow_accelerator
from green_vae.cost.energy import EnergyMeter
from green_vae.cost.graph import networks_of
from green_vae.utils.images import unit_floats
from green_vae.utils.progress import progress


class Timing(NamedTuple):
    """Seconds for one forward pass over all `images`; `spread` is the standard deviation over repeats, None of one."""

    mean: float
    spread: float | None
    repeats: int
    images: int
    batch_size: int
    device: str


def forward_seconds(model, images, batch_sizes=(100, 10, 1), repeats=3, warmup=2):
    """Time the compiled forward pass over all images, at several batch sizes.

    Timed is what `predict_on_batch` does: from an array in memory to an array in memory, so the device has finished.
    Conversion of the images to float32 is left out. Repeats go round the batch sizes, so that a machine that grows
    slower with time does so for all of them.

    Args:
        model: any Keras model; a model of the package runs without its noise, at the posterior mean, and so does any
            other with an encoder and a decoder.
        images: (n, ...), uint8 or float; uint8 is divided by 255. The last batch may be smaller.
        batch_sizes: examples per call.
        repeats: passes over all images for each batch size.
        warmup: calls for each new shape before the first is timed; the first of all compiles.

    Returns:
        dict of batch size -> `Timing`.

    Raises:
        ValueError: no images, or a number below 1.
    """
    if not len(images) or min(*batch_sizes, repeats, warmup) < 1:
        received = f"{len(images)} images, batch_sizes={batch_sizes}, repeats={repeats}, warmup={warmup}"
        raise ValueError(f"timing needs an image or more, and no number below 1. Received: {received}")
    network, images = _compiled(model), unit_floats(images)
    calls = {size: math.ceil(len(images) / size) for size in batch_sizes}
    seconds = {size: [] for size in batch_sizes}
    with progress() as bar:
        task = bar.add_task("timing", total=repeats * sum(calls.values()))
        for size in batch_sizes:
            for _ in range(warmup):
                _run(network, images[:size], size)
                _run(network, images[(calls[size] - 1) * size :], size)
        for _ in range(repeats):
            for size in batch_sizes:
                bar.update(task, description=f"timing, batches of {size}")
                seconds[size].append(_run(network, images, size))
                bar.advance(task, calls[size])
    found = {}
    for size, values in seconds.items():
        spread = statistics.stdev(values) if repeats > 1 else None
        found[size] = Timing(statistics.fmean(values), spread, repeats, len(images), size, device_name())
    return found


def forward_energy(model, images, batch_size=1, seconds=5.0, meter=EnergyMeter):
    """Energy of compiled forward passes over images, again and again for at least so many seconds, once at least.

    Args:
        model, images: as for `forward_seconds`.
        batch_size: examples per call.
        seconds: counters move slowly: what takes less than a second cannot be measured well.
        meter: () -> a fresh `EnergyMeter`, say one with an idle baseline.

    Returns:
        (`Energy` of all passes, images that went through).

    Raises:
        ValueError: no images, or a batch below 1.
    """
    if not len(images) or batch_size < 1:
        received = f"{len(images)} images, batch_size={batch_size}"
        raise ValueError(f"energy needs an image or more, and a batch_size of at least 1. Received: {received}")
    network, images, done = _compiled(model), unit_floats(images), 0
    _run(network, images[:batch_size], batch_size)  # compiles
    start = time.perf_counter()
    with meter() as metered:
        while not done or time.perf_counter() - start < seconds:
            _run(network, images, batch_size)
            done += len(images)
    return metered.energy, done


def device_name():
    """What Keras computes on: the accelerator's name, else the processor's with the cores this process may use."""
    backend = keras.backend.backend()
    found = {"tensorflow": tensorflow_accelerator, "jax": _jax_accelerator, "torch": _torch_accelerator}.get(backend)
    return (found and found()) or f"{_processor()}, {_cores()} cores"


def _compiled(model):
    network = _Forward(model)
    network.compile(jit_compile="auto")  # XLA slows convolutions down on a CPU under TensorFlow; "auto" knows
    return network


class _Forward(keras.Model):
    """A model without what training needs (noise, gradients): encoder and decoder in a row, or the model as it is."""

    def __init__(self, model):
        super().__init__(name="forward")
        self.model = model
        self.whole, self.networks = getattr(model, "without_noise", None), [model]
        if self.whole is None:
            with contextlib.suppress(ValueError):  # neither functional nor of two networks: it is called as it is
                self.networks = list(networks_of(model).values())

    def call(self, inputs):
        if self.whole is not None:
            return self.whole(inputs)
        for network in self.networks:
            inputs = network(_first(inputs), training=False)
        return inputs


def _first(outputs):
    """The codes among the outputs of an encoder: the mean, or what stands first."""
    return outputs.get("mean", tree.flatten(outputs)[0]) if isinstance(outputs, dict) else tree.flatten(outputs)[0]


def _run(network, images, size):
    start = time.perf_counter()
    for first in range(0, len(images), size):
        network.predict_on_batch(images[first : first + size])
    return time.perf_counter() - start


def _jax_accelerator():
    import jax

    device = jax.devices()[0]
    return None if device.platform == "cpu" else device.device_kind


def _torch_accelerator():
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
