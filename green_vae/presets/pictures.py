"""One's own pictures: from a folder to a trained model and a page about it."""

import datetime
import math
import shlex
from pathlib import Path

import keras

from green_vae.cards import OBJECTIVES
from green_vae.data.folder import read_folder
from green_vae.models import MODELS
from green_vae.plots import curves, page, reconstruction_grid, save_grid, save_picture
from green_vae.presets.preset import Preset
from green_vae.presets.store import load
from green_vae.presets.train import run_length, train
from green_vae.training import Recipe
from green_vae.training.checkpoint import read_history
from green_vae.utils.corruption import parsed
from green_vae.utils.images import unit_floats
from green_vae.utils.progress import clock

SIDE = 64  # pixels
STEP = 16  # sides are multiples of it: the encoder halves four times
LARGEST = 256  # pixels
SEEN, EPOCHS = 200_000, (20, 400)  # images that a training sees, and between how many epochs that is
NOTE = "Adam from 1e-3, halved after 60 and 85 % of the epochs; about 200,000 images are seen, in 20 to 400 epochs"
NEW, REBUILT, CHART = "pictures/new.png", "pictures/validation.png", "pictures/losses.png"
PAGE = "page.html"


def train_on_pictures(folder, out, size=SIDE, model="sigma-vae", latent_dim=64, beta=None, corruption=None, **settings):
    """Train a small convolutional model on a folder of pictures, and write a page about it.

    The same call goes on where an earlier one was stopped. A tenth of the pictures is kept for validation, or the
    folder's own `test/` where there are `train/` and `test/`, see `data.folder`: the weights of the best epoch are
    those that remain.

    Args:
        folder: of pictures of any sizes; the largest centred square of each is taken.
        out: folder of the run, as `presets.train` leaves it; also `page.html`, a page that needs no other file.
        size: side of the squares in pixels, a multiple of 16 up to 256.
        model: a name of `cards.OBJECTIVES`.
        latent_dim: numbers of a code.
        beta: weight of the KL, instead of the model's own.
        corruption: damage that the model learns to undo, "gaussian:S" or "mask:P", see `models.BaseVAE`.
        settings: of `presets.train`.

    Returns:
        the trained model.

    Raises:
        ValueError: another size, model or corruption, a beta for a model without one, unreadable pictures; and as
            `presets.train`.
        DataNotFoundError: no such folder.
    """
    check(size, model, beta, corruption)
    path, name = Path(folder).expanduser(), shown(folder, size)
    sets = {split: read_folder(path, (size, size), split, name) for split in ("train", "test")}
    images = sets["train"][: settings.get("limit_train")]
    chosen = preset_of(name, images.shape, len(images), model, latent_dim, beta, corruption)
    callbacks = [_Outdated(Path(out) / PAGE), *settings.pop("callbacks", ())]
    trained = train(chosen, out, read=lambda _, split: sets[split], callbacks=callbacks, **settings)
    _write_page(Path(out), chosen, len(images), sets["test"].images)
    return trained


class _Outdated(keras.callbacks.Callback):
    """Deletes the page of a run when its training goes on, and not when a command is refused: it is about the end."""

    def __init__(self, page):
        super().__init__()
        self.page = page

    def on_train_begin(self, logs=None):
        self.page.unlink(missing_ok=True)


def shown(folder, size):
    """What a folder of pictures is called in records: its own name, wherever it lies."""
    return f"{Path(folder).resolve().name}@{size}"


def check(size, model, beta=None, corruption=None):
    """Raise ValueError for what cannot be trained, before any picture is read."""
    if model not in OBJECTIVES:
        raise ValueError(f"model is one of {', '.join(OBJECTIVES)}. Received: {model!r}")
    if size % STEP or not STEP <= size <= LARGEST:
        nearest = min(max(STEP, round(size / STEP) * STEP), LARGEST)
        raise ValueError(f"the side is a multiple of {STEP} up to {LARGEST}, say {nearest}. Received: {size}")
    if beta is not None and "beta" not in MODELS[OBJECTIVES[model][0]].arguments():
        raise ValueError(f"{model} has no KL whose weight beta could be. Received: beta={beta}")
    if corruption is not None:
        parsed(corruption)


def preset_of(dataset, image_shape, count, model, latent_dim, beta=None, corruption=None):
    """The `Preset` of a training on pictures: the survey's plain convolutional network, narrow.

    Args:
        dataset: what the pictures are called. image_shape: (side, side, channels). count: of training images.
        model, latent_dim, beta, corruption: as for `train_on_pictures`.
    """
    kind, arguments = OBJECTIVES[model]
    side = image_shape[0]
    seed_side = side // 2
    while seed_side > 8 and seed_side % 2 == 0:
        seed_side //= 2
    options = {"base": 32 if side <= 64 else 16, "seed_side": seed_side}
    config = {"image_shape": tuple(image_shape), "latent_dim": latent_dim, "network": "cnn", "network_options": options}
    config |= arguments | {k: v for k, v in {"beta": beta, "corruption": corruption}.items() if v is not None}
    epochs = min(max(EPOCHS[0], SEEN // count), EPOCHS[1])
    halve_at = (round(0.6 * epochs), round(0.85 * epochs))
    clip = {"clip_norm": 0.3} if kind == "info_vae" else {}  # as the ResLag study has it
    recipe = Recipe(1e-3, halve_at, min(64, count), epochs, NOTE, validation="test", **clip)
    return Preset(kind, config, dataset, recipe, "own pictures", name=f"{dataset}/{model}")


def _write_page(out, chosen, training, validation):
    """The page of a finished run: of `training` pictures, and of the `validation` images that are reconstructed."""
    history, model = read_history(out), load(out / "model")  # as whoever loads it will have it
    curves(out / CHART, {name: [epoch.get(name, math.nan) for epoch in history] for name in _curves(model, history)})
    few = unit_floats(validation[:16])
    save_picture(out / REBUILT, reconstruction_grid(few, model.reconstruct(few, sample=False)))
    seconds = sum(epoch.get("seconds", 0) for epoch in history)
    kwh = [epoch["kwh"] for epoch in history if "kwh" in epoch]
    side = model.image_shape[0]
    table = {
        "model": f"{type(model).__name__}, {model.count_params():,} parameters, {model.latent_dim} numbers in a code",
        "pictures": f"{training:,} to train on and {len(validation):,} to validate, {side} x {side}",
        "training": f"{run_length(chosen, out)} in {clock(seconds)}" + (f", {sum(kwh):.4f} kWh" if kwh else ""),
        "finished": datetime.datetime.now().isoformat(" ", "minutes"),
    }
    parts = [
        page.facts(table),
        *_new_pictures(out, model),
        page.heading("Pictures, and what their codes keep of them"),
        page.text("Pictures that the model was not trained on; below each row their reconstructions."),
        page.picture(out / REBUILT, "pictures and their reconstructions"),
        page.heading("Losses"),
        page.picture(out / CHART, "losses of every epoch"),
        page.heading("Use it"),
        page.code(usage(out)),
    ]
    page.write_page(out / PAGE, f"A model of {chosen.dataset}", parts)


def _new_pictures(out, model):
    """Their part of the page; nothing for an autoencoder of so few pictures that no sampler could be fitted."""
    if not (model.variational or model.shipped):
        return []
    drawn_by = "the prior" if model.variational else f"the sampler {next(iter(model.shipped))}"
    save_grid(out / NEW, model.generate(64, seed=0))
    return [
        page.heading("New pictures"),
        page.text(f"Decoded from codes of {drawn_by}."),
        page.picture(out / NEW, "new pictures"),
    ]


def usage(out):
    """Python and commands that make something with the model of a run."""
    folder = Path(out) / "model"
    return (
        f"import green_vae as gv\nmodel = gv.load({str(folder)!r})\nimages = model.generate(64)\n\n"
        f"green-vae generate {shlex.quote(str(folder))} -n 64 -o new.png"
    )


def _curves(model, history):
    """Names of what is drawn: the loss and its terms, with those of validation."""
    names = ("loss", *model.logged)
    return [name for plain in names for name in (plain, f"val_{plain}") if any(name in epoch for epoch in history)]
