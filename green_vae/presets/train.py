"""One preset from data to a folder with a trained model: what `python -m green_vae train` does."""

import dataclasses
import importlib.util
import warnings
from functools import partial
from pathlib import Path

import keras

from green_vae import data, training
from green_vae.presets import store
from green_vae.presets.catalog import preset
from green_vae.training import recalibrate_batch_norm, settling_steps
from green_vae.training.account import energy_log, enter_training
from green_vae.training.callbacks import LatentActivity
from green_vae.training.checkpoint import read_history

WIDEST = 200  # latent units: a mixture of more than that takes longer to fit than many models to train


def train(
    name,
    out,
    data_dir=None,
    download=False,
    epochs=None,
    batch_size=None,
    limit_train=None,
    seed=0,
    mixed_precision=False,
    devices="one",
    pictures_every=1,
):
    """Train a preset by its recipe and save it as a folder that `green_vae.load` reads.

    Under `out`: `epoch-N.weights.h5` and `history.json` (from which a second call goes on), `pictures/`,
    `ledger.jsonl`, and at the end `model/`, the folder to load, with fitted samplers for generation, see `ship`.

    Args:
        name: of the preset.
        out: folder of this run.
        data_dir, download: as for `data.load`.
        epochs, batch_size: instead of the recipe's.
        limit_train: train on the first images only.
        seed: of weights, noise and order.
        mixed_precision: compute in bfloat16; weights, heads and losses stay float32.
        devices: "one", or "all" that the backend sees (JAX only): each gets its share of every batch.
        pictures_every: epochs between pictures.

    Returns:
        the trained model.

    Raises:
        ValueError: unknown preset, a number that is not positive, devices that the backend cannot share.
        DataNotFoundError: the data set is not here.
    """
    from green_vae.plots.pictures import Pictures  # matplotlib: not for those who only save a model

    chosen = preset(name)
    _prepare(mixed_precision, devices)
    recipe = dataclasses.replace(chosen.recipe, **({"batch_size": batch_size} if batch_size else {}))
    load = partial(data.load, chosen.dataset, data_dir=data_dir, download=download)
    images = load("train").images[:limit_train]
    validation = load(recipe.validation).images if recipe.validation else None
    model, out = chosen.build(seed), Path(out)
    log = energy_log(model, recipe.batch_size)
    board = keras.backend.backend() == "tensorflow" and importlib.util.find_spec("tensorboard") is not None
    watch = [Pictures(out / "pictures", images, pictures_every, board=board)]
    if model.variational:
        watch.insert(0, LatentActivity(images[:1000]))
    history, said = [], f"{chosen.dataset}, {len(images):,} images"
    try:
        history = training.train(model, images, recipe, out, epochs, seed, [log, *watch], validation)
    finally:
        history = history or read_history(out)
        enter_training(out / "ledger.jsonl", name, said, log, history)
    if len(history) * (len(images) // recipe.batch_size) < settling_steps(model):
        recalibrate_batch_norm(model, images, recipe.batch_size)
    ship(model, out / "model", name, images, history, seed, recipe=dataclasses.asdict(recipe))
    return model


def ship(model, folder, name, images, history, seed, **about):
    """Save a trained preset with the samplers that go with it, fitted on its codes, if codes can come from one and have
    up to 200 units, and what its training cost."""
    chosen = preset(name)
    samplers = {}
    if not model.prior_only and model.latent_dim <= WIDEST:
        new = map(chosen.new_sampler, chosen.samplers)
        codes = model.encode(images, sample=chosen.codes == "sample", seed=seed)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Best performing initialization did not converge")
            samplers = {sampler.name: sampler.fit(codes) for sampler in new if len(codes) >= sampler.min_rows}
    spent = {key: _total(history, key) for key in ("seconds", "images", "flops", "kwh")}
    seen = {"data": f"{chosen.dataset}, {len(images):,} images", "train_images": len(images)}
    about = {**seen, "seed": seed, "epochs": len(history), **about}
    return store.save_preset(model, folder, history, samplers, preset=name, source=chosen.source, cost=spent, **about)


def _total(history, key):
    """The sum over all epochs; None if one of them does not tell: it is unknown then, not small."""
    values = [epoch.get(key) for epoch in history]
    return sum(values) if values and None not in values else None


def _prepare(mixed_precision, devices):
    if mixed_precision:
        keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    if devices == "all":
        if keras.backend.backend() != "jax":
            backend = keras.backend.backend()
            raise ValueError(f"several devices need the environment variable KERAS_BACKEND=jax. Received: {backend}")
        keras.distribution.set_distribution(keras.distribution.DataParallel())
