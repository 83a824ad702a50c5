"""alpha-FLOPs: the FLOPs of every layer times the alpha of its kernel and map, as a measure of time.

Source: Asperti, Evangelista, Marzolla 2021, see `green_vae.cost.dissect`, which fits alpha to single layers.
"""

import math

import numpy as np

from green_vae.cost.dissect import alpha
from green_vae.cost.flops import every_call
from green_vae.cost.graph import networks_of
from green_vae.cost.rules import unwrap


def alpha_flops(model, fitted):
    """alpha-FLOPs of a forward pass of one example: the sum over layers of alpha_K(S) F, F by the rule "macs".

    S is the number of positions at which a layer applies its kernel of K x K: those of its output, or of its input for
    a transposed convolution. A dense layer has K = S = 1, hence alpha = 1. For a kernel that was not fitted, beta and
    gamma are interpolated in K between the fitted ones, and those of the nearest beyond them.

    Args:
        model: as for `layer_traffic`.
        fitted: a `TimeModel` of the name "alpha".

    Raises:
        ValueError: as `flops`, or another model of time.
    """
    if fitted.name != "alpha":
        raise ValueError(f"alpha-FLOPs take the model 'alpha'. Received: {fitted.name!r}")
    return sum(_of_network(network, fitted.parameters) for network in networks_of(model).values())


def _of_network(network, parameters):
    total = 0.0
    for cost, call in every_call(network, "macs"):
        if cost.flops:
            kernel, positions = _kernel_and_positions(call.node)
            total += cost.flops * alpha(positions, kernel, *_shape(parameters, kernel))
    return total


def _kernel_and_positions(node):
    """(K, S) of the call of a layer; (1, 1) of what has no kernel that moves over a map."""
    layer = unwrap(node.operation)
    sizes = getattr(layer, "kernel_size", None)
    if not sizes:
        return 1, 1
    moves_over = node.input_tensors if "Transpose" in type(layer).__name__ else node.output_tensors
    return round(math.prod(sizes) ** (1 / len(sizes))), math.prod(moves_over[0].shape[1:-1])


def _shape(parameters, kernel):
    """beta and gamma of a kernel."""
    known = sorted(int(name.removeprefix("beta_")) for name in parameters if name.startswith("beta_"))
    return [
        float(np.interp(kernel, known, [parameters[f"{name}_{size}"] for size in known])) for name in ("beta", "gamma")
    ]
