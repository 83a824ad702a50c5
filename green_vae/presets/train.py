"""One preset from data to trained weights: what the command line, tables and galleries do."""

import dataclasses
import importlib.util
import re
import sys
import warnings
from functools import partial
from pathlib import Path

import keras

from green_vae import data, training
from green_vae.models.precision import dtype_policy, product_precision
from green_vae.models.warm_up import WarmUp
from green_vae.presets import store
from green_vae.presets.catalog import preset
from green_vae.training import Budget, best_epoch, epoch_program, recalibrate_batch_norm, run_folder
from green_vae.training import precision as precisions
from green_vae.training.account import energy_log, enter_training
from green_vae.training.batches import check_enough
from green_vae.training.budget import seconds_of
from green_vae.training.callbacks import LatentActivity
from green_vae.training.checkpoint import best_path, load_weights, newest, read_history
from green_vae.training.loop import check_callbacks
from green_vae.utils.arguments import check_positive

MADE = re.compile(
    r"pictures/((generated|reconstructed)-\d+\.png|tensorboard/events\.out\.tfevents\..+)"
    r"|model/((config|metadata|history)\.json|model\.weights\.h5|sampler-\w+\.npz)"
)
WIDEST = 200  # latent units: a mixture of more than that takes longer to fit than many models to train


def train(
    chosen,
    out,
    epochs=None,
    batch_size=None,
    limit_train=None,
    seed=0,
    *,
    save_every=None,
    budget=None,
    fresh=False,
    data_dir=None,
    download=False,
    precision=None,
    devices="one",
    whole_epochs=None,
    pictures_every=1,
    read=None,
    callbacks=(),
    ledger="ledger.jsonl",
    ships=True,
):
    """Train a preset by its recipe: the only way in which the package trains one.

    Under `out`: `run.json`, which says what the run is before its first step; `epoch-N.weights.h5` and `history.json`,
    from which a second call goes on; `ledger.jsonl`; and, if it ships, `pictures/` and `model/`, the folder that
    `green_vae.load` reads, with fitted samplers for generation, see `ship`. The model ends with statistics of
    batch norm that are estimated anew from the training images, see `recalibrate_batch_norm`; checkpoints keep the
    moving ones.

    Args:
        chosen: name of a preset, or a `Preset`.
        out: folder of this run, and of no other.
        epochs, batch_size: instead of the recipe's.
        limit_train: train on the first images only.
        seed: of weights, noise and order.
        save_every: epochs between checkpoints; None for one a minute, see `training.train`. The last epoch always has
            one.
        budget: time for the epochs, in seconds or as "9m", "90s", "1h30m"; how many fit is known after the first one,
            and the halvings of the learning rate are scaled to them, see `training.Budget`. A warm-up of the KL is
            not, and a warning says so if it has not ended. Not with `epochs`.
        fresh: start over: delete the files of the run that is there, and only these.
        data_dir, download: as for `data.load`.
        precision: "float32", "bfloat16", or "auto" for bfloat16 on an accelerator or a processor with AMX and float32
            elsewhere; weights, heads and losses stay float32. None for that of the run in `out`, else float32. What
            was chosen is printed to stderr, and stands in `run.json`.
        devices: "one", or "all" that the backend sees (JAX only): each gets its share of every batch.
        whole_epochs: whether an epoch is one compiled program (JAX only); None where the device is no CPU, see
            `training.train`.
        pictures_every: epochs between pictures.
        read: `read(name, split)` -> a `data.Dataset`, instead of `data.load`.
        callbacks: further Keras callbacks; none that sets the learning rate, which the recipe does.
        ledger: file, from `out`, that gets a line of what was spent; None for none: FLOPs are estimated then.
        ships: whether to draw pictures and to save `model/`.

    Returns:
        the trained model.

    Raises:
        OtherRunError: a ValueError: `out` holds another run, or more epochs than are asked for.
        FolderInUseError: an OtherRunError: another process trains there, see `run_folder.alone`.
        ValueError: unknown preset, a number that is not positive, epochs and a budget, devices that the backend cannot
            share, or a training that diverged: the message names the newest epoch that `out` holds, and the same call
            with that number as `epochs` (and without a budget) makes a model of it.
        DataNotFoundError: the data set is not here.
    """
    chosen, out = preset(chosen) if isinstance(chosen, str) else chosen, Path(out)
    check_positive(epochs=epochs, batch_size=batch_size, limit_train=limit_train, save_every=save_every)
    check_callbacks(callbacks)  # before a folder is made
    if None not in (epochs, budget):
        raise ValueError(f"give epochs or a budget, not both. Received: epochs={epochs}, budget={budget!r}")
    seconds = None if budget is None else seconds_of(budget)
    epoch_program.wanted(whole_epochs)  # refused before a folder is made, like the others
    if devices == "all":
        _check_backend()
    read = read or partial(data.load, data_dir=data_dir, download=download)
    sets = _sets(chosen, read)
    images, validation = sets[0].images[:limit_train], sets[1].images if sets[1:] else None
    recipe = chosen.recipe if batch_size is None else dataclasses.replace(chosen.recipe, batch_size=batch_size)
    check_enough(images, recipe.batch_size)  # before a run is deleted
    if devices == "all":
        _share(recipe.batch_size, 0 if validation is None else len(validation))
    with run_folder.alone(out):
        policy, why = precisions.chosen(precision, out, fresh)
        if why:
            print(f"{out.name}: {precisions.told(policy, why)}", file=sys.stderr, flush=True)
        with dtype_policy(policy):
            model = chosen.build(seed)  # one that cannot be is refused before a folder is taken, or a run deleted
            if fresh:
                _drop_made(out)
            told = {**facts(chosen, sets, len(images), seed, recipe.batch_size), "budget": seconds}
            plan = run_folder.claim(out, told, recipe.epochs if epochs is None else epochs, fresh)["plan"]
            recipe = _planned(recipe, plan)  # of an earlier process
            limit = Budget(seconds, recipe, partial(_decide, out, recipe)) if seconds and not plan else None
            log = energy_log(model, recipe.batch_size, estimate=ledger is None)
            # the log first, so that it leaves out what the others measure
            watch = [log, *_watching(model, images, out, ships and pictures_every), *callbacks]
            try:
                training.train(
                    model, images, recipe, out, epochs, seed, watch, validation, save_every, limit, whole_epochs
                )
            finally:  # what an interrupted training has cost was spent, too
                if ledger:
                    said = f"{chosen.dataset}, {len(images):,} images"
                    _enter(Path(out, ledger), chosen.name, said, log, read_history(out))
            if isinstance(model, WarmUp):
                model.check_risen()
            recalibrate_batch_norm(model, images, recipe.batch_size)
        if ships:
            followed = _planned(recipe, run_folder.read_run(out)["plan"])
            about = {"recipe": dataclasses.asdict(followed), "budget": seconds, "length": run_length(chosen, out)}
            about |= {key: told[key] for key in ("dtype_policy", "product_precision")}
            about["flops_source"] = log.flops_source
            history = read_history(out)[: newest(out)[0]]  # it may know of later epochs, whose weights were lost
            ship(model, out / "model", chosen, images, history, seed, **about)
    return model


def facts(chosen, sets, images, seed, batch_size):
    """All that decides the weights after an epoch, a dict for `run.json`.

    Args:
        chosen: a `Preset`. sets: its data sets, for training and, if the recipe has one, validation.
        images, seed, batch_size: of the training.
    """
    return {
        "preset": chosen.name,
        "model": chosen.model,
        "config": chosen.config,
        "dataset": chosen.dataset,
        "recipe": dataclasses.asdict(chosen.recipe),
        "seed": seed,
        "fingerprint": sets[0].fingerprint,
        "validation": sets[1].fingerprint if sets[1:] else None,
        "images": images,
        "batch_size": batch_size,
        "dtype_policy": keras.config.dtype_policy().name,
        "product_precision": product_precision(),
        "backend": keras.backend.backend(),
    }


def load_run(chosen, out, read, limit_train=None, seed=0):
    """The model as a training by the preset's recipe has left it in its folder, and its history; nothing is written.

    It computes in float32, whatever the training did, as one that ships. Somebody may be training there: the newest
    whole epoch is taken, or the best one of a recipe with validation.

    Raises:
        OtherRunError: a ValueError: the folder holds another run.
    """
    sets, batch_size = _sets(chosen, read), chosen.recipe.batch_size
    images = sets[0].images[:limit_train]
    with dtype_policy(precisions.chosen(None, out)[0]):
        run_folder.check(out, facts(chosen, sets, len(images), seed, batch_size))
        model, (epoch, path) = chosen.outline(seed), newest(out)
        history = read_history(out)[:epoch]
        best = best_epoch(history)
        load_weights(model, best_path(out, best) if best else path)
        recalibrate_batch_norm(model, images, batch_size)
    return store.float32_twin(model), history


def run_length(chosen, out):
    """How long the run in a folder was, in words: "110 of 110 epochs", "63 of 150 epochs, schedule scaled"; and its
    policy, where that is not float32: "18 of 18 epochs in mixed_bfloat16"."""
    told = run_folder.read_run(out)
    plan, policy = told["plan"], told.get("dtype_policy", "float32")
    scaled = ", schedule scaled" if plan and plan["scaled"] else ""
    computed = f" in {policy}" if policy != "float32" else ""
    return f"{newest(out)[0]} of {chosen.recipe.epochs} epochs{scaled}{computed}"


def ship(model, folder, chosen, images, history, seed, **about):
    """Save a trained preset with the samplers that go with it, fitted on its codes, if codes can come from one and have
    up to 200 units, and what its training cost. All of it is computed in float32, whatever the training was.

    Samplers may take minutes. So the model is saved before they are fitted, and once more with them: a process that is
    killed in between leaves a whole model.
    """
    model = store.float32_twin(model)
    spent = {key: _total(history, key) for key in ("seconds", "images", "flops", "kwh")}
    seen = {"data": f"{chosen.dataset}, {len(images):,} images", "train_images": len(images)}
    about = {**seen, "seed": seed, "epochs": len(history), "source": chosen.source, **about}
    save = partial(store.save_preset, model, folder, history, preset=chosen.name, cost=spent, **about)
    metadata = save()
    samplers = _fitted(model, chosen, images, seed)
    return save(samplers=samplers) if samplers else metadata


def _fitted(model, chosen, images, seed):
    """name -> fitted sampler, of those that go with a preset; {} where codes come from none, or are too wide."""
    if model.prior_only or model.latent_dim > WIDEST:
        return {}
    new = map(chosen.new_sampler, chosen.samplers)
    codes = model.encode(images, sample=chosen.codes == "sample", seed=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Best performing initialization did not converge")
        return {sampler.name: sampler.fit(codes) for sampler in new if len(codes) >= sampler.min_rows}


def _enter(path, *told):
    """`enter_training`; where no line can be written, there is a warning, and the trained model is kept."""
    try:
        enter_training(path, *told)
    except (OSError, ValueError) as error:
        warnings.warn(f"the ledger has no line of this training: {error}", stacklevel=3)


def _total(history, key):
    """The sum over all epochs; None if one of them does not tell: it is unknown then, not small."""
    values = [epoch.get(key) for epoch in history]
    return sum(values) if values and None not in values else None


def _sets(chosen, read):
    """The data sets of a preset: for training and, if its recipe has one, validation."""
    validation = chosen.recipe.validation
    return [chosen.training_set(read), *([read(chosen.dataset, validation)] if validation else [])]


def _watching(model, images, out, pictures_every):
    """The callbacks that every training has."""
    watching = [LatentActivity(images[:1000])] if model.variational else []
    if pictures_every:
        from green_vae.plots.pictures import Pictures  # matplotlib: not for those who only save a model

        board = keras.backend.backend() == "tensorflow" and importlib.util.find_spec("tensorboard") is not None
        watching.append(Pictures(out / "pictures", images, pictures_every, board=board))
    return watching


def _decide(out, recipe, planned):
    """Write down the recipe that a budget has come to."""
    scaled = planned.halve_at != recipe.halve_at
    run_folder.write_plan(out, {"epochs": planned.epochs, "halve_at": planned.halve_at, "scaled": scaled})


def _planned(recipe, plan):
    """The recipe by the plan of a budget, as `run.json` holds it; None for none."""
    return dataclasses.replace(recipe, epochs=plan["epochs"], halve_at=tuple(plan["halve_at"])) if plan else recipe


def _drop_made(out):
    """Delete what an earlier run has made of its weights; `run_folder.claim` deletes the run itself."""
    for path in [*out.glob("*/*"), *out.glob("*/*/*")]:
        if MADE.fullmatch(path.relative_to(out).as_posix()):
            path.unlink()


def _check_backend():
    """Raises ValueError where the backend cannot share batches."""
    if keras.backend.backend() != "jax":
        backend = keras.backend.backend()
        raise ValueError(f"several devices need the environment variable KERAS_BACKEND=jax. Received: {backend}")


def _share(batch_size, validation):
    """Let all devices that the backend sees share every batch: of training, and of so many `validation` images.

    Raises:
        ValueError: a batch that cannot be shared evenly, which JAX would find out at its first step.
    """
    devices = len(keras.distribution.list_devices())
    for size in (batch_size, validation % batch_size):
        if size % devices:
            every = f"{devices} devices share every batch evenly, also the last one of {validation:,} validation images"
            raise ValueError(f"{every}; choose another --batch, or --devices one. Received: a batch of {size}")
    keras.distribution.set_distribution(keras.distribution.DataParallel())
