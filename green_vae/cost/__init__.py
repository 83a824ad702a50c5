"""What a network costs: operations, parameters, memory traffic, time and energy.

Imports nothing of the package but the progress bar and, until a cross-check is called, no TensorFlow.
"""

from green_vae.cost.crosscheck import keras_flops_count, profiler_flops
from green_vae.cost.energy import Energy, EnergyMeter, co2_kg, idle_baseline, total
from green_vae.cost.flops import LayerCost, flops, layer_costs, mflops
from green_vae.cost.graph import networks_of
from green_vae.cost.parameters import parameters, trainable_parameters
from green_vae.cost.timing import Timing, device_name, forward_energy, forward_seconds
from green_vae.cost.traffic import LayerTraffic, layer_traffic, traffic
from green_vae.cost.training import TrainingFlops, training_flops

__all__ = [
    "co2_kg",
    "device_name",
    "Energy",
    "EnergyMeter",
    "flops",
    "forward_energy",
    "forward_seconds",
    "idle_baseline",
    "keras_flops_count",
    "layer_costs",
    "layer_traffic",
    "LayerCost",
    "LayerTraffic",
    "mflops",
    "networks_of",
    "parameters",
    "profiler_flops",
    "Timing",
    "total",
    "traffic",
    "trainable_parameters",
    "training_flops",
    "TrainingFlops",
]
