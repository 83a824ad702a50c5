"""What the tests of the core share: one tiny model per variant, easy data, and eager losses."""

import contextlib
import functools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from green_vae.models import MODELS
from green_vae.models.train_step import schedules_move

SHARED = Path(__file__).resolve().parent
ROOT = SHARED.parents[1]
SIDE, LATENT = 32, 4
_IMAGES = {"image_shape": (SIDE, SIDE, 1), "latent_dim": LATENT, "network_options": {"base": 2}}
_HIERARCHY = {"image_shape": (SIDE, SIDE, 1), "network": "hfvae", "beta": 0.01, "warmup_steps": 10}
_NVAE = {"base": 4, "group_dim": 1, "groups": [1, 1], "cells": 1, "block_cells": 1}
_VECTORS = {"latent_dim": 6, "widths": (8, 8)}

# variant -> (name in MODELS, arguments)
VARIANTS = {
    "vae": ("vae", {**_IMAGES, "beta": 0.024}),
    "autoencoder": ("autoencoder", _IMAGES),
    "beta_vae": ("beta_vae", {**_IMAGES, "beta": 4.0, "warmup_steps": 10}),
    "computed_gamma_vae": ("computed_gamma_vae", {**_IMAGES, "network": "cnn", "beta": 0.25}),
    "rae_l2": ("rae", {**_IMAGES, "regularizer": "l2"}),
    "rae_gp": ("rae", {**_IMAGES, "regularizer": "gp"}),
    "rae_sn": ("rae", {**_IMAGES, "regularizer": "sn"}),
    "constant_variance_vae": ("constant_variance_vae", {**_IMAGES, "sigma": 0.5, "beta": 0.02}),
    "split_vae": ("split_vae", {**_IMAGES, "network_options": {"base": 2, "projection": 8}, "beta": 8.0}),
    "vae_split": ("vae", {**_IMAGES, "network_options": {"base": 2, "split": True}}),
    "vae_iaf": ("vae", {**_IMAGES, "posterior": "iaf", "posterior_options": {"steps": 2, "widths": [8]}}),
    "free_bits_vae": ("free_bits_vae", {**_IMAGES, "free_bits": 0.5, "groups": 2}),
    "control_vae": ("control_vae", {**_IMAGES, "target_kl": 2.0}),
    "ladder_vae": (
        "ladder_vae",
        {"image_shape": (SIDE, SIDE, 1), "latent_dims": (LATENT, 3, 2), "widths": (16, 12, 8), "warmup_steps": 10},
    ),
    "hfvae": (
        "hierarchical_vae",
        {**_HIERARCHY, "network_options": {"base": 2, "latent_dim": LATENT, "group_dim": 3, "scales": 3}},
    ),
    "nvae_survey": (
        "hierarchical_vae",
        {
            **_HIERARCHY,
            "network": "nvae-survey",
            "network_options": {"base": 2, "group_dim": 1, "groups": 2},
            "group_weights": (0.5, 1.0),
        },
    ),
    "nvae": (
        "hierarchical_vae",
        {
            **_HIERARCHY,
            "network": "nvae",
            "network_options": {**_NVAE, "flows": 1},
            "balance": "paper",
            "spectral": 0.01,
        },
    ),
    "nvae_logistics": (
        "hierarchical_vae",
        {
            **_HIERARCHY,
            "network": "nvae",
            "network_options": {**_NVAE, "flows": 0, "components": 2},
            "balance": "code",
            "likelihood": "logistics",
            "reconstruction_weight": 1.0,
        },
    ),
    "bernoulli_vae": ("bernoulli_vae", {**_IMAGES, "network": "cnn", "beta": 4.0, "warmup_steps": 10}),
    "capacity_vae": (
        "capacity_vae",
        {**_IMAGES, "network": "cnn", "beta": 4.0, "capacity": 30.0, "warmup_steps": 10},
    ),
    "review_vae": ("review_vae", {**_IMAGES, "network": "cnn"}),
    "review_vae_published": ("review_vae", {**_IMAGES, "network": "cnn", "kl": "published"}),
    "sigma_vae": ("sigma_vae", {**_IMAGES, "network": "slides", "network_options": {"widths": [2, 4]}}),
    "sigma_vae_learned": ("sigma_vae", {**_IMAGES, "network": "cnn", "sigma": "learned"}),
    "sigma_vae_pixels": ("sigma_vae", {**_IMAGES, "network": "cnn", "sigma": "pixels"}),
    "sigma_vae_data": ("sigma_vae", {**_IMAGES, "network": "cnn", "sigma": "data"}),
    "info_vae": ("info_vae", {**_IMAGES, "network": "cnn"}),
    "info_vae_sum": ("info_vae", {**_IMAGES, "network": "cnn", "alpha": 0.0, "lambda_": 1.0, "kl": "sum"}),
    "lagging_vae": ("lagging_vae", {**_IMAGES, "network": "cnn", "ratio": 2, "aggressive_epochs": 2, "falls": 1}),
    "reslag_vae": ("reslag_vae", {**_IMAGES, "network_options": {"base": 2, "sides": [1, 2, 2]}}),
    "second_stage_cosine": ("second_stage_vae", _VECTORS),
    "second_stage_both": ("second_stage_vae", {**_VECTORS, "reconstruction": "cosine_and_error", "beta": 0.0075}),
    "second_stage_gaussian": ("second_stage_vae", {**_VECTORS, "reconstruction": "gaussian", "beta": 1.0}),
}
_DENSE_GP = {
    "image_shape": (8, 8, 1),
    "latent_dim": LATENT,
    "network": "mlp",
    "network_options": {"widths": (8,)},
    "regularizer": "gp",
}
# small enough for JAX, which compiles every operation anew for every shape
DENSE = {
    "rae_gp_dense": ("rae", _DENSE_GP),
    "rae_hutchinson_dense": ("rae", {**_DENSE_GP, "gradient": "hutchinson", "regularizer_weight": 0.2}),
    "ladder_vae_dense": (
        "ladder_vae",
        {"image_shape": (8, 8, 1), "latent_dims": (LATENT, 3), "widths": (8, 6), "warmup_steps": 10},
    ),
}
OF_IMAGES = [name for name, (model, _) in VARIANTS.items() if model != "second_stage_vae"]
OF_VECTORS = [name for name in VARIANTS if name not in OF_IMAGES]
HIERARCHICAL = [name for name, (model, _) in VARIANTS.items() if model == "hierarchical_vae"]
FLOWING = ["vae_iaf", "nvae"]  # whose codes are draws only: the mean is that of the Gaussian before the flow
# one of each way to build networks; what holds for these holds for objectives that use the same ones
KINDS = ("vae", "rae_sn", "split_vae", "vae_iaf", "ladder_vae", "hfvae", "sigma_vae", "reslag_vae")
DETERMINISTIC = [name for name, (model, _) in VARIANTS.items() if model in ("autoencoder", "rae")]


def kinds_first(variants, *more):
    """Arguments of a parametrised test: one variant of each kind, and the others marked as slow."""
    return only(variants, *KINDS, *more)


def only(values, *quick):
    """Arguments of a parametrised test: these few, and the others marked as slow."""
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values]


def build(variant, seed=7, **changes):
    """A fresh tiny model; the same weights and noise for the same seed."""
    name, config = (VARIANTS | DENSE)[variant]
    keras.utils.set_random_seed(seed)
    return MODELS[name](**{**config, "seed": seed, **changes})


@functools.lru_cache(maxsize=6)  # models take memory that later tests need
def _built(variant, seed):
    model = build(variant, seed)
    return model, [keras.ops.convert_to_numpy(variable).copy() for variable in model.variables]


def fresh(variant, seed=7):
    """What `build` gives, but built once in a process: all that a test may have changed of its state is set back.

    Not for a test that replaces a part of the model, or that needs two of the same variant and seed.
    """
    model, values = _built(variant, seed)
    for variable, value in zip(model.variables[: len(values)], values, strict=True):  # metrics come last
        variable.assign(value)
    return model


def blobs(n, seed=0, side=SIDE):
    """Easy images: one soft bright spot each, uint8 (n, side, side, 1)."""
    rng = np.random.default_rng(seed)
    centre, grid = rng.uniform(0.25, 0.75, (n, 2, 1, 1)) * side, np.arange(side)
    distance = (grid[None, :, None] - centre[:, 0]) ** 2 + (grid[None, None, :] - centre[:, 1]) ** 2
    return np.round(255 * np.exp(-distance / (2 * (side / 8) ** 2))).astype("uint8")[..., None]


def vectors(n, seed=0, dim=6):
    """Easy vectors: two directions out of six, with little noise."""
    rng = np.random.default_rng(seed)
    flat = rng.normal(size=(n, 2)) @ np.random.default_rng(100).normal(size=(2, dim))
    return (flat + 0.1 * rng.normal(size=(n, dim))).astype("float32")


def examples(variant, n, seed=0):
    return vectors(n, seed) if variant in OF_VECTORS else blobs(n, seed, 8 if variant in DENSE else SIDE)


def codes_of(model, n, seed=0):
    """Codes from the prior, as `generate` draws them."""
    return np.random.default_rng(seed).standard_normal((n, model.latent_dim)).astype("float32")


def as_float(x):
    return x.astype("float32") / np.float32(255) if x.dtype == np.uint8 else x


def numpy(outputs):
    return {name: np.asarray(ops.convert_to_numpy(value), "float64") for name, value in outputs.items()}


def loss_of(model, x, training=False, noise=(1, 2)):
    """The loss of one eager pass, with the noise of a given generator state."""
    model.sample.generator.state.assign(np.asarray(noise, "uint32"))
    return step(model, x, training)[0]


def step(model, x, training=True):
    """One eager pass: (loss, outputs); schedules move in training, weights stay."""
    outputs = model(x, training=training)
    with schedules_move() if training else contextlib.nullcontext():
        loss = model.compute_loss(x=ops.convert_to_tensor(x), y_pred=outputs, training=training)
    return float(loss), outputs


def feed(model, noise):
    """Let the model use this noise, a number or an array wide enough for any level, instead of drawing it."""
    noise = np.atleast_1d(np.asarray(noise, "float32"))

    def sample(mean, log_var):
        part = noise[..., : mean.shape[-1]]
        if part.ndim == 2 and len(mean.shape) > 2:  # a map: the same noise everywhere
            part = part.reshape(len(part), *[1] * (len(mean.shape) - 2), -1)
        return mean + ops.exp(0.5 * log_var) * part

    model.sample = sample
    return model


def at_mean(model, x):
    """Outputs of a call in evaluation, with the noise left out."""
    return model.infer(model.encoder(as_float(x), training=False), lambda mean, log_var: mean, False)


def fixed_weights(model):
    """Set every weight by a formula, so that two builds, backends or versions hold the same network."""
    for index, weight in enumerate(model.weights):
        size = int(np.prod(weight.shape))
        wave = np.sin(0.7 * np.arange(1, size + 1) + index).reshape(weight.shape)
        around_one = weight.name in ("gamma", "moving_variance", "mse")
        scale = 0.1 if around_one or len(weight.shape) < 2 else 1.5 / np.sqrt(np.prod(weight.shape[:-1]))
        weight.assign((around_one + scale * wave).astype("float32"))
    return model


def run_script(name, *arguments, timeout=900, **environment):
    """Run a script of this folder in a fresh interpreter; return what it printed, or fail with what it said."""
    command = [sys.executable, str(SHARED / name), *map(str, arguments)]
    done = subprocess.run(command, env=child_env(**environment), capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def child_env(**changes):
    path = os.pathsep.join([str(ROOT), str(SHARED)])
    return {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", **changes}
