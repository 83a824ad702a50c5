"""The calls a model is made of, as recorded in Keras's functional graph, nested models and custom layers opened."""

from typing import NamedTuple

import keras
from keras import tree

from green_vae.cost.rules import RULES, call_flops, is_opened, unwrap
from green_vae.keras_internals import forgetting_calls, graph_in, nodes_of


class Call(NamedTuple):
    """One call in a graph: the path of its names, its node, and whether its cost is that of other calls, inside it."""

    path: tuple
    node: object
    composite: bool


def graph_of(model):
    """The functional graph of a Functional or a built Sequential model.

    Raises:
        ValueError: not such a model, or a Sequential model without a known input shape.
    """
    if (graph := graph_in(model)) is not None:
        return graph
    raise ValueError(
        "FLOPs are counted of a functional model or a built Sequential one; of a model that holds several networks, "
        f"count each (encoder, decoder). Received: {getattr(model, 'name', model)!r} of {type(model).__name__}"
    )


def networks_of(model):
    """The networks that a forward pass goes through: a dict of name -> functional graph's model, in that order.

    A functional or Sequential model is its own, under the name ""; a model of the package is what its `networks()` are,
    a flow and the priors of a ladder included; any other is its `encoder` and its `decoder`.

    Raises:
        ValueError: neither.
    """
    if graph_in(model) is not None:
        return {"": model}
    if callable(getattr(model, "networks", None)):
        return model.networks()
    found = {name: getattr(model, name, None) for name in ("encoder", "decoder")}
    if not all(isinstance(network, keras.Model) for network in found.values()):
        graph_of(model)  # says what can be counted
    return found


def calls(graph, path=()):
    """Yield a `Call` for every call in a graph, first to last; a layer used twice comes twice.

    A nested model or custom layer comes after the calls inside it, where these cost anything.
    """
    for node in nodes_of(graph):
        if node.is_input:
            continue
        inner = (*path, node.operation.name)
        inside = _calls_inside(node, inner)
        yield from inside or ()
        yield Call(inner, node, inside is not None)


def _calls_inside(node, path):
    """The calls that a nested model or custom layer is made of; None for what is counted as a whole.

    That is also a custom layer without weights in which nothing costs anything: one that reshapes, adds or draws noise.
    """
    layer = unwrap(node.operation)
    if not is_opened(layer):
        return None
    inside = list(calls(_open(node), path))
    plain = not isinstance(layer, keras.Model) and not layer.weights
    return None if plain and not any(map(_costs, inside)) else inside


def _costs(call):
    operation = unwrap(call.node.operation)
    return not call.composite and any(call_flops(operation, call.node, rule) for rule in RULES)


def _open(node):
    """The graph inside the called model or layer, at the shapes it was called with."""
    inside = unwrap(node.operation)
    if (graph := graph_in(inside)) is not None:
        same = [x.shape[1:] for x in graph.inputs] == [x.shape[1:] for x in node.input_tensors]
        if same and all(None not in x.shape[1:] for x in graph.inputs):
            return graph
    return _trace(inside, node)


def _trace(layer, node):
    """Call a layer on symbolic inputs, so that the layers and operations inside it record their calls.

    `call` and not `__call__`: the latter would record one node for the whole. The batch is 1, for layers that draw
    noise of the shape of their input. Random generators and moving statistics stay as they were (StatelessScope).
    """
    fresh = {}  # a tensor that is given twice is one input
    for tensor in node.input_tensors:
        if id(tensor) not in fresh:
            fresh[id(tensor)] = keras.Input(batch_shape=(1, *tensor.shape[1:]), dtype=tensor.dtype)
    arguments = (node.arguments.args, node.arguments.kwargs)
    args, kwargs = tree.map_structure(lambda value: fresh.get(id(value), value), arguments)
    try:
        with forgetting_calls(layer), keras.StatelessScope():
            return keras.Function([*fresh.values()], layer.call(*args, **kwargs))
    except Exception as error:  # whatever the layer's own code raises on symbolic tensors
        received, first = f"{type(layer).__name__} {layer.name!r}", next(iter(str(error).splitlines()), "")
        raise ValueError(f"could not look inside a custom layer to count it: {first}. Received: {received}") from error
