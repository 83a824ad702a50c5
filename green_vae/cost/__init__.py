"""What a network costs: floating-point operations and parameters, counted from its graph.

Imports nothing of the package and, until a cross-check is called, no TensorFlow.
"""

from green_vae.cost.crosscheck import keras_flops_count, profiler_flops
from green_vae.cost.flops import LayerCost, flops, layer_costs, mflops
from green_vae.cost.parameters import parameters, trainable_parameters

__all__ = [
    "LayerCost",
    "flops",
    "keras_flops_count",
    "layer_costs",
    "mflops",
    "parameters",
    "profiler_flops",
    "trainable_parameters",
]
