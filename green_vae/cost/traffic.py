"""Memory traffic of a forward pass, and FLOPs per byte: an estimate from the shapes in a model's graph.

Every call reads its weights once per batch, reads its inputs and writes its outputs once per example, in float32.
Nothing is kept in a cache and nothing is fused but the `activation=` of a layer, so this bounds the true traffic of a
well-written kernel from above, and that of a badly written one from below. Views (reshaping, dropout in evaluation)
move nothing. A layer is bound by the memory, not by arithmetic, where its intensity is below the machine's FLOPs per
byte (Williams, Waterman and Patterson 2009, "Roofline").
"""

from typing import NamedTuple

import keras

from green_vae.cost.flops import every_call
from green_vae.cost.graph import networks_of
from green_vae.cost.parameters import countable_weights, size
from green_vae.keras_internals import layers_inside

FLOAT = 4  # bytes

_L = keras.layers
_RANDOM = (_L.Dropout, _L.SpatialDropout1D, _L.SpatialDropout2D, _L.SpatialDropout3D, _L.GaussianNoise)
_VIEWS = (_L.Flatten, _L.Reshape, _L.Identity, _L.ActivityRegularization, _L.GaussianDropout, *_RANDOM)
_VIEW_OPERATIONS = ("Reshape", "ExpandDims", "Squeeze", "Identity")


class LayerTraffic(NamedTuple):
    """One call of one layer. `flops` are for one example, the bytes for one batch of `batch_size` examples."""

    name: str
    type: str
    shape: tuple
    parameters: int
    flops: int
    batch_size: int
    weight_bytes: int
    input_bytes: int
    output_bytes: int

    @property
    def bytes(self):
        """Bytes moved for one batch."""
        return self.weight_bytes + self.input_bytes + self.output_bytes

    @property
    def intensity(self):
        """FLOPs per byte; 0 for what moves nothing."""
        return self.batch_size * self.flops / self.bytes if self.bytes else 0.0


def layer_traffic(model, batch_size=1, rule="survey"):
    """Traffic of every layer: a list of `LayerTraffic` in the order of computation.

    As `layer_costs`, with two differences: bare operations that cost no FLOPs but move memory have rows too, and a
    model of several networks is opened, its names being "encoder/...", "decoder/...", see `networks_of`.

    Args:
        model: a functional or built Sequential model with known shapes, or one with an `encoder` and a `decoder`.
        batch_size: examples that share one reading of the weights.
        rule: "survey" or "macs", for the FLOPs.

    Raises:
        ValueError: as `flops`, or a batch size below 1.
    """
    if batch_size < 1:
        raise ValueError(f"a batch holds at least one example. Received: batch_size={batch_size}")
    rows = []
    for network, part in networks_of(model).items():
        for cost, call in every_call(part, rule):
            row = _row(cost, call, batch_size)
            if row.bytes or row.parameters or not call.composite:
                rows.append(row._replace(name=f"{network}/{row.name}" if network else row.name))
    return rows


def traffic(model, batch_size=1):
    """Bytes moved by a forward pass of one batch; arguments and errors as `layer_traffic`."""
    return sum(row.bytes for row in layer_traffic(model, batch_size))


def _row(cost, call, batch_size):
    node, operation = call.node, call.node.operation
    inputs = outputs = 0
    # what a model or custom layer moves stands in the rows of the calls inside it
    if not call.composite and not _is_view(operation):
        inputs, outputs = _elements(node.input_tensors), _elements(node.output_tensors)
    return LayerTraffic(
        *cost,
        batch_size=batch_size,
        weight_bytes=FLOAT * sum(size(weight.shape) for weight in _own_weights(call)),
        input_bytes=FLOAT * batch_size * inputs,
        output_bytes=FLOAT * batch_size * outputs,
    )


def _own_weights(call):
    """Weights that a call reads itself; those of layers inside a composite are read by their own calls."""
    operation = call.node.operation
    if not isinstance(operation, keras.Layer):
        return []
    weights = countable_weights(operation)
    if not call.composite:
        return weights
    inner = {id(weight) for layer in layers_inside(operation, itself=False) for weight in layer.weights}
    return [weight for weight in weights if id(weight) not in inner]


def _is_view(operation):
    return isinstance(operation, _VIEWS) or type(operation).__name__ in _VIEW_OPERATIONS


def _elements(tensors):
    return sum(size(tensor.shape[1:]) for tensor in tensors)
