"""Floating-point operations of a forward pass, from the shapes in a model's functional graph.

Two rules:

* "survey": the counter behind Tables 2 and 3 of "A Survey on Variational Autoencoders from a Green AI Perspective"
  (2021), inferred from the printed numbers: 2 x multiply-accumulates of dense, convolution and transposed
  convolution layers, plus 1 per output element of BatchNorm and of ReLU. Biases, depthwise convolutions, pooling,
  other activations and sums are free. The tables print whole millions, cut off: see `mflops`.
* "macs": plain 2 x multiply-accumulates of all of these and of depthwise convolutions, nothing else.

A transposed convolution costs what it does: its kernel once per INPUT pixel. Nothing here is TensorFlow's.
"""

from typing import NamedTuple

import keras

from green_vae.cost.graph import calls, graph_of
from green_vae.cost.parameters import countable_weights, size
from green_vae.cost.rules import RULES, call_flops, unwrap


class LayerCost(NamedTuple):
    """One call of one layer. `shape` is that of the output without the batch; `flops` are for one example."""

    name: str
    type: str
    shape: tuple
    parameters: int
    flops: int


def flops(model, rule="survey"):
    """FLOPs of a forward pass of one example.

    Args:
        model: a functional or built Sequential model with known shapes; nested models and custom layers are opened.
        rule: "survey" or "macs", see the head of this file.

    Returns:
        int; a layer used twice counts twice.

    Raises:
        ValueError: not such a model, unknown shapes, an unknown rule, or a layer for which there is no rule.
    """
    return sum(row.flops for row in layer_costs(model, rule))


def layer_costs(model, rule="survey"):
    """The cost of every layer: a list of `LayerCost` in the order of computation, nested models flattened.

    Arguments and errors as `flops`. A layer used twice has two rows, with its parameters in the first, so that the
    columns add up to `flops(model, rule)` and `parameters(model)`. Names of nested layers are paths, "block/conv".
    """
    return [row for row, call in every_call(model, rule) if row.flops or row.parameters or _is_plain_layer(call)]


def every_call(model, rule):
    """Yield (`LayerCost`, `Call`) for every call in the graph, those that cost nothing included; errors as `flops`."""
    if rule not in RULES:
        raise ValueError(f"the rule is one of {RULES}. Received: rule={rule!r}")
    seen = set()
    for call in calls(graph_of(model)):
        yield _row(call, rule, seen), call


def mflops(count):
    """Whole millions of `count`, cut off and not rounded, as the survey prints them: 2,397,036,544 -> 2397."""
    return int(count) // 1_000_000


def _row(call, rule, seen):
    node, operation = call.node, call.node.operation
    new = (
        [weight for weight in countable_weights(operation) if id(weight) not in seen] if _has_weights(operation) else []
    )
    seen.update(id(weight) for weight in new)
    return LayerCost(
        name="/".join(call.path),
        type=_type_name(operation),
        shape=tuple(node.output_tensors[0].shape[1:]),
        parameters=sum(size(weight.shape) for weight in new),
        flops=0 if call.composite else call_flops(unwrap(operation), node, rule),
    )


def _has_weights(operation):
    return isinstance(operation, keras.Layer)


def _is_plain_layer(call):
    """Models and custom layers are shown by the layers inside them, bare operations only where they cost."""
    return isinstance(call.node.operation, keras.Layer) and not call.composite


def _type_name(operation):
    inside = unwrap(operation)
    name = type(operation).__name__
    return name if inside is operation else f"{name}({type(inside).__name__})"
