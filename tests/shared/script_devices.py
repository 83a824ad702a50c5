"""Train a tiny preset on digits: python script_devices.py FOLDER one|all (devices) [mixed] [whole]; prints JSON."""

import json
import sys
import warnings

import jax
import numpy as np

from green_vae import presets
from green_vae.presets import Preset
from green_vae.presets.train import train
from green_vae.training import Recipe

OPTIONS = {"widths": (16,), "activation": "relu"}
CONFIG = {"image_shape": (32, 32, 1), "latent_dim": 4, "network": "mlp", "network_options": OPTIONS}
presets.PRESETS["test/tiny"] = Preset("vae", CONFIG, "digits", Recipe(1e-3, (), 20, 2), "us")

folder, devices, *more = sys.argv[1:]
warnings.filterwarnings("error", message="this training goes step by step")
precision = "bfloat16" if "mixed" in more else None
model = train("test/tiny", folder, limit_train=60, devices=devices, precision=precision, whole_epochs="whole" in more)
weights = np.concatenate([np.ravel(weight) for weight in model.get_weights()])
kernel = model.trainable_variables[0].value
found = {"devices": len(jax.devices()), "on": len(kernel.sharding.device_set), "weights": weights.tolist()}
print(json.dumps({**found, "compute": model.encoder.layers[2].compute_dtype, "kept": str(kernel.dtype)}))
