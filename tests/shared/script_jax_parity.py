"""On JAX: python script_jax_parity.py FOLDER VARIANT ...

Compares these variants with weights and outputs that another backend wrote into the folder, eagerly, and trains them.
Prints one JSON object: variant -> a dict of what was found, for the test to judge.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from core_models import OF_VECTORS, build, examples, feed, step
from keras import ops

from green_vae.models.undrawn import undrawn_weights


def difference(a, b):
    return float(np.max(np.abs(np.asarray(ops.convert_to_numpy(a), "float64") - b)))


def outline(variant):
    """Without drawing weights, for which JAX compiles a generator for every shape."""
    with undrawn_weights():
        return build(variant)


def parity(variant, folder):
    model, expected = outline(variant), np.load(folder / f"{variant}.npz")
    model.load_weights(folder / f"{variant}.weights.h5")
    x = expected["x"]
    found = {"posterior": max(difference(v, expected[k]) for k, v in model.posterior(x).items())}
    found["decoded"] = difference(model.decode(expected["codes"]), expected["decoded"])
    feed(model, expected["noise"])
    for training in (False, True):
        loss, outputs = step(model, x, training)
        found[f"loss_{training}"] = loss / float(expected[f"loss_{training}"]) - 1
        if "gradient" in outputs:
            found[f"gradient_{training}"] = difference(outputs["gradient"], expected[f"gradient_{training}"])
    found["state"] = max(difference(w, expected[f"state_{i}"]) for i, w in enumerate(state(model)))
    return found


def state(model):
    """What a training step of learning rate 0 moves: statistics of batch norm, schedules."""
    return [weight for weight in model.non_trainable_weights if weight.name != "vector_u"] or model.weights[:1]


def training(variant, folder):
    model, x = build(variant), examples(variant, 16)
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    before = [np.array(w) for w in model.get_weights()]
    logs = model.fit(x, batch_size=8, verbose=0).history
    moved = sum(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    values = [v for values in logs.values() for v in values]
    found = {"logs": sorted(logs), "finite": bool(np.isfinite(values).all()), "moved": moved / len(before)}
    scalars = [weight for weight in model.weights if weight.shape == ()]
    found["schedule"] = [float(w.numpy()) for w in scalars if w.name in ("gamma", "mse", "steps")]
    found["noise"] = [int(v) for v in ops.convert_to_numpy(model.sample.generator.state.value)]
    if variant not in OF_VECTORS:
        path = folder / f"{variant}.jax.weights.h5"
        model.save_weights(path)
        np.savez(folder / f"{variant}.jax.npz", x=x, images=model.decode(np.ones((2, model.latent_dim))))
    return found


if __name__ == "__main__":
    assert keras.backend.backend() == "jax"
    folder, variants = Path(sys.argv[1]), sys.argv[2:]
    print(json.dumps({variant: parity(variant, folder) | training(variant, folder) for variant in variants}))
