"""On JAX: trainings whose epochs are one program each, against the same trainings step by step.

python script_jax_whole_epochs.py VARIANT ... : those of `SMALL` with dense networks, "full:VARIANT" as in `VARIANTS`;
and "others", what needs no comparison. Prints one JSON object: name -> what was found, for the test to judge.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import jax
import keras
import numpy as np
from core_models import VARIANTS, build, examples

from green_vae.models import MODELS
from green_vae.training import Batches, Recipe, epoch_program, recalibrate_batch_norm, train
from green_vae.training.statistics import batch_norms

DENSE = {"image_shape": (8, 8, 1), "latent_dim": 4, "network": "mlp", "network_options": {"widths": (8,)}}
NORMED = {**DENSE, "network_options": {"widths": (8,), "normed": True}}
SMALL = {
    "vae": ("vae", NORMED),
    "rae_gp": ("rae", {**DENSE, "regularizer": "gp"}),
    "split_vae": ("split_vae", {**DENSE, "beta": 8.0}),
    "computed_gamma_vae": ("computed_gamma_vae", {**NORMED, "beta": 0.25}),
    "beta_vae": ("beta_vae", {**DENSE, "beta": 4.0, "warmup_steps": 10}),
    "sigma_vae_learned": ("sigma_vae", {**DENSE, "sigma": "learned"}),
    "lagging_vae": ("lagging_vae", {**DENSE, "ratio": 2, "aggressive_epochs": 2, "falls": 1}),
    "second_stage_cosine": VARIANTS["second_stage_cosine"],
}
WATCHED = ("computed_gamma_vae", "lagging_vae")  # with validation, and stopped and resumed
RECIPE = Recipe(1e-3, (1,), 8, 2)


def made(name, seed=7):
    keras.utils.set_random_seed(seed)
    full = name.removeprefix("full:")
    model = build(full, seed) if full != name else MODELS[SMALL[name][0]](**{**SMALL[name][1], "seed": seed})
    # Adam divides a gradient by its own size: one that is nothing but rounding, as that of a bias before batch norm,
    # would move a weight as far as any other; beside an epsilon of 1 it does not
    make = model.make_optimizer
    model.make_optimizer = lambda **settings: make(epsilon=1.0, **settings)
    return model


def data(name, n, seed=0):
    """26 examples are three steps and two left over, 11 of validation a batch of eight and one of three."""
    x = examples(name.removeprefix("full:"), n, seed)
    return x[:, ::4, ::4] if name in SMALL and x.ndim == 4 else x


class Told(keras.callbacks.Callback):
    """What a callback sees; it evaluates examples of its own, too."""

    def __init__(self, x):
        super().__init__()
        self.x, self.seen, self.batches = x, [], 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(["begin", epoch])

    def on_epoch_end(self, epoch, logs=None):
        optimizer = self.model.optimizer
        self.seen.append([epoch, int(optimizer.iterations), float(optimizer.learning_rate), sorted(logs)])
        if self.x is not None:
            logs["own"] = self.model.evaluate(self.x, verbose=0, return_dict=True)["loss"]


def run(name, folder, whole, epochs=2, recipe=RECIPE):
    """(model, history, callback)."""
    model, told = made(name), Told(data(name, 5, 2) if name == "second_stage_cosine" else None)
    watched = data(name, 11, seed=1) if name in WATCHED else None
    options = {"validation": watched, "callbacks": [told], "whole_epochs": whole}
    return model, train(model, data(name, 26), recipe, folder, epochs, seed=5, **options), told


def state(model):
    """[(name, value), ...] of all that a training moves."""
    optimizer = getattr(model, "optimizer", None)
    return [(v.name, np.array(v.value)) for v in [*model.variables, *(optimizer.variables if optimizer else [])]]


def difference(a, b):
    """The largest of all variables, as a part of the largest number in each or, where that is small, of 0.1."""
    parts = [(x.astype("float64"), y.astype("float64")) for (_, x), (_, y) in zip(state(a), state(b), strict=True)]
    return max(float(np.max(np.abs(x - y), initial=0) / max(0.1, np.max(np.abs(x), initial=0))) for x, y in parts)


def compared(name, folder):
    plain, history, told = run(name, folder / "plain", False)
    whole, other, saw = run(name, folder / "whole", True)
    found = {"history": [history, other], "seen": [told.seen, saw.seen], "batches": [told.batches, saw.batches]}
    found["difference"] = difference(plain, whole)
    start = made(name)
    moved = [not np.array_equal(x, y) for x, y in zip(start.get_weights(), whole.get_weights(), strict=True)]
    found["moved"] = sum(moved) / len(moved)
    if name in WATCHED:
        run(name, folder / "cut", True, epochs=1)
        resumed, after, _ = run(name, folder / "cut", True)
        found["resumed"] = [difference(whole, resumed), after == other]
    return found


def others(folder):
    """Two trainings that diverge at once, two that do so after a good epoch, and one whose examples find no room."""
    found, name = {}, "second_stage_cosine"
    for whole in (False, True):
        run(name, folder / f"later-{whole}", whole, epochs=1)
        for kind in ("wild", "later"):
            try:
                run(name, folder / f"{kind}-{whole}", whole, recipe=Recipe(1e30, (), 8, 2))
            except ValueError as error:
                found[f"{kind}_{whole}"] = str(error).replace(f"{folder}/{kind}-{whole}", "FOLDER")
    epoch_program._free = lambda: 1000
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, history, told = run(name, folder / "large", True)
    found["said"] = [str(one.message) for one in caught if "step by step" in str(one.message)]
    found["large"] = [len(history), told.batches]
    found["statistics"] = statistics()
    found["kept"] = [kept_in()]
    epoch_program.accelerated = lambda: True
    found["kept"] += [kept_in(), kept_in("chosen")]
    return found


def statistics():
    """How far statistics of batch norm are from those of passes that are not compiled; and whether they moved."""
    model, twin, x = made("vae"), made("vae"), data("vae", 26)
    recalibrate_batch_norm(model, x, 8)
    batches = Batches(x, 8)
    for index in range(len(batches)):
        for norm in batch_norms(twin):
            norm.momentum = index / (index + 1)
        twin(*batches[index], training=True)
    same = {norm.momentum for norm in batch_norms(model)} == {norm.momentum for norm in batch_norms(made("vae"))}
    return [difference(model, twin), difference(model, made("vae")), same]


def kept_in(chosen=None):
    """Where JAX keeps programs after it was told to, if the user had chosen this folder."""
    jax.config.update("jax_compilation_cache_dir", chosen)
    epoch_program.keep_programs()
    folder = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    return folder


def main():
    found = {}
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.filterwarnings("error", message="this training goes step by step")
            found[name] = others(Path(folder)) if name == "others" else compared(name, Path(folder))
    print(json.dumps(found))


if __name__ == "__main__":
    assert keras.backend.backend() == "jax"
    main()
