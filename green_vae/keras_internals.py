"""Every private name of Keras that this package reads, with what it stands for: look here when a new Keras breaks.

Keras publishes neither the calls recorded in a functional graph nor all layers inside a layer, and the costs are
counted from both. A model that is only counted gets no values of its weights, which Keras would make later on. The
lagging optimizer updates the moments of Adam. An epoch as one program stands where Keras has that of a step. All of
these names are the same in every version that setup.cfg allows.
"""

import contextlib

import keras
from keras.src.backend.common.global_state import get_global_attribute


def graph_in(model):
    """The functional graph of a functional or built Sequential model, a `keras.Function`; None of any other model."""
    graph = getattr(model, "_functional", None) or model
    return graph if isinstance(graph, keras.Function) else None


def nodes_of(graph):
    """The recorded calls of a `keras.Function`, first to last, those of its inputs included."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from graph._nodes_by_depth[depth]


def pack_inputs(model, tensors):
    """A list of tensors, in the order of `model.inputs`, in the structure that the model expects (a dict, a list)."""
    structure = getattr(graph_in(model), "_inputs_struct", None)
    if structure is not None:
        return keras.tree.pack_sequence_as(structure, list(tensors))
    return tensors[0] if len(tensors) == 1 else list(tensors)


def layers_inside(layer, itself=True):
    """A list of all layers inside a layer or model, at any depth; with the layer first, unless `itself` is False."""
    return list(layer._flatten_layers(include_self=itself))


@contextlib.contextmanager
def forgetting_calls(layer):
    """Leave no trace of a trial call in the layers (`layer.output` fails on a layer with two recorded calls)."""
    layers = layers_inside(layer)
    before = [calls_of(inner) for inner in layers]
    try:
        yield
    finally:
        for inner, (inbound, outbound) in zip(layers, before, strict=True):
            del inner._inbound_nodes[inbound:], inner._outbound_nodes[outbound:]


def calls_of(layer):
    """(how often a layer was called in functional graphs, how often its outputs were used there)."""
    return len(layer._inbound_nodes), len(layer._outbound_nodes)


@contextlib.contextmanager
def without_values():
    """Inside, a new weight has a shape and no value, and takes no memory; nor does it get a value later on.

    Keras keeps a list of such weights, and gives values to all of them when the next `StatelessScope` ends.
    """
    waiting = get_global_attribute("uninitialized_variables", [], set_to_default=True)
    before = len(waiting)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        del waiting[before:]


def variable_index(optimizer, variable):
    """The place of a variable among those that an optimizer was built with."""
    return optimizer._get_variable_index(variable)


def adam_moments(optimizer, index):
    """(first moment, second moment) that Keras's Adam keeps for its variable number `index`."""
    return optimizer._momentums[index], optimizer._velocities[index]


def within_fit(settings):
    """Whether these arguments of `evaluate` are those of Keras's own `fit`, which was given the validation data."""
    return bool(settings.get("_use_cached_eval_dataset"))


def build_for(model, data):
    """Build what Keras builds at the begin of `fit`, given the first batch as a tuple; no number changes."""
    model._symbolic_build(data_batch=data)
