"""Passes of the networks inside a model, compiled once for as long as a network stays what it is."""

import keras
import numpy as np

from green_vae.models.inputs import array_of
from green_vae.utils.arguments import whole
from green_vae.utils.images import unit_floats


class Passes:
    """What a model runs its networks by. No Keras object, so that no weight of theirs is saved twice.

    Keras keeps the compiled function of a network whatever becomes of its layers: after `enable_lora` or `quantize` it
    would go on with the weights of before. Here a function is dropped when the network has other variables, or others
    of them are trainable, than when it was made; and all are when the model is compiled, as Keras has it for a model's
    own functions.
    """

    def __init__(self):
        self.made_of, self.views = {}, {}  # network -> its variables; encoder -> the same with fewer outputs

    def of(self, network):
        """`network`, to be asked for `predict_on_batch`."""
        variables = [(variable, variable.trainable) for variable in network.variables]
        if not _same(variables, self.made_of.get(network)):
            network.predict_function = None
            self.made_of[network] = variables
        return network

    def heads(self, encoder, names):
        """`encoder` with these outputs alone: what else it gives is not fetched from a device."""
        if set(encoder.output) == set(names):
            return self.of(encoder)
        if encoder not in self.views:
            self.views[encoder] = keras.Model(encoder.input, {name: encoder.output[name] for name in names})
        return self.of(self.views[encoder])

    def forget(self):
        """Make every function anew when it is next needed."""
        self.made_of.clear()


def _same(variables, before):
    """Whether these are the same objects, not equal numbers."""
    if before is None or len(before) != len(variables):
        return False
    return all(a is b and one == other for (a, one), (b, other) in zip(variables, before, strict=True))


def in_batches(network, x, batch_size):
    """Outputs of `network` on x, batch by batch; the last batch is filled up with zeros, so that no shape is new."""
    batch_size = min(whole(batch_size, "batch_size"), len(x))
    for start in range(0, len(x), batch_size):
        part = unit_floats(array_of(x[start : start + batch_size]))
        missing = batch_size - len(part)
        yield network.predict_on_batch(np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1)) if missing else part)


def joined(parts, n):
    """Outputs of `in_batches` as one float32 array of n rows, without those that filled up the last batch.

    Each is written to its place as it comes, so that there are never two copies of many images; a single one is taken
    as it is.
    """
    whole, start = None, 0
    for part in map(as_floats, parts):
        if whole is None and len(part) >= n:
            return part[:n] if part.flags.writeable else part[:n].copy()  # JAX lends its memory for reading
        whole = np.empty((n, *part.shape[1:]), "float32") if whole is None else whole
        whole[start : start + len(part)] = part[: n - start]
        start += len(part)
    return whole


def as_floats(x):
    """A tensor or array as a float32 array."""
    return np.asarray(array_of(x)).astype("float32", copy=False)
