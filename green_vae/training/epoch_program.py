"""A whole epoch as one compiled program, on JAX: the examples lie on the device, and no step waits for Python.

Keras's own loop stays. What it takes for the compiled function of one step is here that of all steps of an epoch, so
that callbacks, validation and the end of a training are the same. On an accelerator a step of these networks takes
milliseconds, and so does what Python and the copy of a batch add to it. On CPUs plain steps are faster: there XLA runs
a convolution inside a loop on one core, and without its quick kernels.
"""

import contextlib
import sys
import time
import warnings

import keras
import numpy as np

from green_vae.keras_internals import build_for
from green_vae.training.batches import AllPlaces, EpochOfPlaces
from green_vae.utils.places import cache_dir

SHARE = 0.5  # of a device's free memory, at most, for examples; the rest is for what a step computes


def wanted(whole_epochs=None):
    """Whether epochs are to be one program each: what was asked for, else whether JAX computes on something quicker
    than a CPU.

    Raises:
        ValueError: they are asked for on another backend.
    """
    backend = keras.backend.backend()
    if whole_epochs and backend != "jax":
        advice = "an epoch is one program only with the environment variable KERAS_BACKEND=jax"
        raise ValueError(f"{advice}. Received: whole_epochs=True on {backend}")
    return accelerated() if whole_epochs is None else whole_epochs


def accelerated():
    """Whether this process computes on JAX, and on another device than the CPU."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() != "cpu"


def keep_programs():
    """On an accelerator, let JAX keep compiled programs in the user's cache folder, unless the user has chosen.

    The program of an epoch takes half a minute to compile; a training that goes on finds it there. The user's choice is
    the environment variable JAX_COMPILATION_CACHE_DIR, or JAX_ENABLE_COMPILATION_CACHE=false to keep nothing.
    """
    if not accelerated():
        return
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "jax"))


@contextlib.contextmanager
def programs(model, batches, validation=None):
    """Inside, `model.fit` runs a program for every epoch -> what to give it, (x, validation_data).

    Where that cannot be, a warning says why, and the arguments come back as they are, for plain steps: a step that
    cannot be a part of a larger program, or examples that do not fit on the device. Callbacks see one batch in an
    epoch.

    Args:
        model: compiled, with its optimizer built.
        batches: `Batches`. validation: examples, to be evaluated in batches of the same size; None for none.
    """
    try:
        given = _compiled(model, batches, validation)
    except Exception as error:  # a compiler's own, of many kinds: plain steps compute the same
        reason = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        warnings.warn(f"this training goes step by step, an epoch is no single program here: {reason}", stacklevel=4)
        given = batches, validation
    try:
        yield given
    finally:
        model.train_function = model.test_function = None  # Keras makes its own again


def _compiled(model, batches, validation):
    """Give the model its programs -> what they are fed with."""
    begin, size = time.monotonic(), batches.batch_size
    _check_room(batches.x, *([] if validation is None else [validation]))
    build_for(model, batches[0])
    given, watched = EpochOfPlaces(batches), None if validation is None else AllPlaces(len(validation))
    training = Program(model.train_step, state_of(model), batches.x, given, size)
    if watched is not None:
        model.test_function = Program(model.test_step, state_of(model, training=False), validation, watched, size)
    model.train_function = training
    print(f"an epoch is one program, compiled in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return given, watched


def state_of(model, training=True):
    """What a step takes and gives back, in Keras's order."""
    parts = [model.trainable_variables, model.non_trainable_variables]
    parts += [model.optimizer.variables] if training else []
    return tuple([variable.value for variable in part] for part in [*parts, model.metrics_variables])


def _check_room(*arrays):
    """Refuse arrays that would leave the device too little."""
    free, needed = _free(), sum(array.nbytes for array in arrays)
    if free is not None and needed > SHARE * free:
        most = f"examples take at most {SHARE:.0%} of the {free / 2**30:.2f} GiB that are free on the device"
        raise MemoryError(f"{most}. Received: {needed / 2**30:.2f} GiB")


def _free():
    """Bytes of the device that nobody uses; None where it does not tell, as CPUs."""
    import jax

    told = jax.local_devices()[0].memory_stats() or {}
    return told["bytes_limit"] - told["bytes_in_use"] if "bytes_limit" in told else None


class Program:
    """All steps of an epoch as one compiled program, for Keras in the place of what it compiles of one step.

    Args:
        step: `model.train_step` or `model.test_step`: (state, data) -> (logs, state).
        state: what it takes, for shapes and devices.
        x: examples (n, ...), copied to the device here, once.
        places: what the program is fed with, `EpochOfPlaces` or `AllPlaces`.
        size: of a batch; what is left over makes a smaller one.
    """

    def __init__(self, step, state, x, places, size):
        import jax

        self.step, self.places = jax.jit(step, donate_argnums=0), places
        whole = _layout()
        self.x = jax.device_put(np.asarray(x), whole)
        out = None if whole is None else (whole, jax.tree.map(lambda part: part.sharding, state))
        program = jax.jit(_steps_of(step, size), donate_argnums=0, out_shardings=out)
        fed = jax.device_put(places[0][0], _layout(divided=True))
        self.compiled = program.lower(state, self.x, fed).compile()

    def __call__(self, state, items):
        import jax

        item = next(items)
        if item[0].ndim > 1:  # examples: a callback evaluates others
            return self.step(state, item)
        logs, state = self.compiled(state, self.x, item[0])
        logs = jax.device_get(logs)  # waits for the end of the epoch, which is then timed, logged and saved
        finite = np.all([np.isfinite(values) for values in logs.values()], axis=0)
        self.places.reached = reached = len(finite) if finite.all() else 1 + int(np.argmin(finite))
        return {name: values[reached - 1] for name, values in logs.items()}, state


def _steps_of(step, size):
    """(state, x, places) -> (logs of every step, state after the last one)."""
    import jax

    def one(state, x, chosen):
        batch = x[chosen]
        if (layout := _layout(divided=True)) is not None:
            batch = jax.lax.with_sharding_constraint(batch, layout)
        logs, state = step(state, (batch,))
        return state, logs

    def epoch(state, x, places):
        whole = len(places) // size * size
        state, logs = jax.lax.scan(lambda carry, chosen: one(carry, x, chosen), state, places[:whole].reshape(-1, size))
        if whole < len(places):
            state, last = one(state, x, places[whole:])
            logs = jax.tree.map(lambda values, value: jax.numpy.append(values, value), logs, last)
        return logs, state

    return epoch


def _layout(divided=False):
    """How the devices of `keras.distribution` hold an array: each all of it, or each a share of its first axis.

    None without a distribution.
    """
    shared = keras.distribution.distribution()
    if shared is None:
        return None
    axes = [shared.batch_dim_name] if divided else []
    return keras.distribution.TensorLayout(axes, shared.device_mesh).backend_layout
