"""The slides' models of MNIST and CelebA, and the posteriors that they only describe, on MNIST in two values."""

import dataclasses

from green_vae.presets.preset import DIGITS, FACES, Preset
from green_vae.training import Recipe

SLIDES_NOTE = (
    "the slides say nothing of training; Adam, batches and the largest number of epochs of the author's code, which "
    "trains on 80 % of the training images and stops when the loss of the rest rises; here all images, all epochs"
)
FACES_NOTE = (
    "; the log variance is capped at 10, which the author's code does not do: while the KL weight is near 0 it may "
    "grow until its exponential overflows; the cap acts on no unit narrower than 148 times the prior"
)


def _slides(model, latent_dim, epochs=20, **config):
    """A model of MNIST."""
    config = {"image_shape": DIGITS, "latent_dim": latent_dim, **config}
    return Preset(model, config, "mnist", Recipe(1e-3, (), 64, epochs, SLIDES_NOTE), "slides", codes="sample")


def _linear(latent_dim, *widths):
    options = {"widths": widths, "activation": "relu"}
    return _slides("bernoulli_vae", latent_dim, 30, network="mlp", network_options=options)


LINEAR = (512, 256, 128, 64)
CONV = {"network": "slides", "network_options": {"widths": (32, 64, 128, 256)}}


def _faces(latent_dim):
    options = {"widths": (32, 64, 128, 256, 512), "kernel": 3, "log_var_cap": 10.0}
    config = {"image_shape": FACES, "latent_dim": latent_dim, "network": "slides", "network_options": options}
    config |= {"beta": 20.0, "warmup_steps": 10_000}
    recipe = Recipe(1e-3, (), 32, 20, SLIDES_NOTE + FACES_NOTE)
    return Preset("bernoulli_vae", config, "celeba_squeeze", recipe, "slides", codes="sample")


BOUNDS_EPOCHS, BOUNDS_BATCH = 50, 256
BOUNDS = Recipe(
    1e-3, (), BOUNDS_BATCH, BOUNDS_EPOCHS,
    "the slides train none of these; Adam and batches as in the Ladder VAE's reference command, 50 epochs for 2000; "
    "the KL weight rises over the first tenth of them, as there over 200 of 2000",
)  # fmt: skip
WARMUP = BOUNDS_EPOCHS // 10 * (60_000 // BOUNDS_BATCH)
IAF = {"posterior": "iaf", "posterior_options": {"steps": 4, "widths": (256,)}}


def _binary(model, **config):
    """A model of MNIST in two values, all by one recipe; its lowest level is that of the ladder."""
    return Preset(model, {"image_shape": DIGITS, **config}, "mnist_binary", BOUNDS, "slides", codes="sample")


def _one_level(model, **config):
    options = {"widths": (512, 512), "normed": True}
    return _binary(model, latent_dim=64, network="mlp", network_options=options, **config)


SPRITES_EPOCHS, SPRITES_BATCH = 40, 100
SPRITES = Recipe(
    1e-3, (30,), SPRITES_BATCH, SPRITES_EPOCHS,
    "the slides train none of these; a dense network, as Higgins et al. 2017 have it for sprites, of a size that two "
    "CPU cores train in minutes",
)  # fmt: skip
RISE = SPRITES_EPOCHS * 3 // 4 * (18_000 // SPRITES_BATCH)  # steps until the capacity is reached


def _sprites(model, **config):
    """A model of sprites, for the slides' remark that a large beta disentangles; all by one recipe."""
    options = {"widths": (512, 256), "activation": "relu"}
    config = {"image_shape": (32, 32, 1), "latent_dim": 10, "network": "mlp", "network_options": options, **config}
    return Preset(model, config, "sprites", SPRITES, "slides", samplers={})


DENOISING = Recipe(
    1e-3, (4,), 100, 5,
    "the slides and the review train none of these; a narrow network that one CPU core trains in minutes",
)  # fmt: skip
NOISES = ("gaussian:0.1", "gaussian:0.25", "gaussian:0.5")


def _denoising(model, corruption=None, **config):
    """A narrow model of MNIST that cleans images, or one that was trained on clean ones alone; all by one recipe."""
    network = {"network": "slides", "network_options": {"widths": (16, 32, 64, 128)}}
    config = {"image_shape": DIGITS, "latent_dim": 32, "corruption": corruption, **network, **config}
    return Preset(model, config, "mnist", DENOISING, "slides", samplers={})


SIGMA_RECIPE = Recipe(
    3e-3, (1,), 100, 2,
    "the slides give no comparison of sigmas; a narrow network that one CPU core trains in seconds",
)  # fmt: skip
SIGMA_ARMS = {  # part of the preset's name -> model and its arguments
    "unit": ("vae", {"beta": 1.0}),
    **{f"beta-{beta}": ("vae", {"beta": beta}) for beta in (0.1, 0.01)},  # 1/2 SSE + beta KL: sigma^2 = beta
    "learned": ("sigma_vae", {"sigma": "learned"}),
    "pixels": ("sigma_vae", {"sigma": "pixels"}),
    "optimal": ("sigma_vae", {"sigma": "mse"}),
    "data": ("sigma_vae", {"sigma": "data"}),
}


def _sigma(model, config):
    """A narrow model of MNIST, for the ways to choose sigma; all by one recipe."""
    network = {"network": "slides", "network_options": {"widths": (8, 16, 32)}}
    config = {"image_shape": DIGITS, "latent_dim": 16, **network, **config}
    return Preset(model, config, "mnist", SIGMA_RECIPE, "slides", samplers={})


LEFT_OUT = Recipe(
    1e-3, (4,), 100, 5,
    "the slides train none of these; their linear VAE with 8 latents, for 5 epochs instead of 30, with batches of 100",
)  # fmt: skip


def _without(digit):
    """The slides' linear VAE, trained on nine digits: the tenth is to be found."""
    return dataclasses.replace(_linear(8, *LINEAR), recipe=LEFT_OUT, samplers={}, without=digit)


PRESETS = {
    "slides/linear-mnist-l8": _linear(8, *LINEAR),
    "slides/linear-mnist-l2": _linear(2, 512),
    # SSE + KL in the author's code: twice 1/2 SSE + KL / 2, which Adam does not tell apart
    "slides/conv-mnist-l8": _slides("vae", 8, beta=0.5, **CONV),
    "slides/conv-mnist-l2": _slides("vae", 2, beta=0.5, **CONV),
    "slides/sigma-mnist-l8": _slides("sigma_vae", 8, sigma="mse", **CONV),
    "slides/sigma-mnist-l2": _slides("sigma_vae", 2, sigma="mse", **CONV),
    "slides/beta-celeba-l12": _faces(12),
    "slides/beta-celeba-l128": _faces(128),
    "slides/beta-celeba-l256": _faces(256),
    "slides/vae-mnist-binary": _one_level("bernoulli_vae", warmup_steps=WARMUP),
    "slides/iaf-mnist-binary": _one_level("bernoulli_vae", warmup_steps=WARMUP, **IAF),
    # free bits take the place of the warm-up
    "slides/iaf-free-bits-mnist-binary": _one_level("free_bits_vae", likelihood="bernoulli", free_bits=0.125, **IAF),
    "slides/ladder-mnist-binary": _binary(
        "ladder_vae", latent_dims=(64, 32, 16, 8, 4), widths=(512, 256, 128, 64, 32), warmup_steps=WARMUP
    ),
    **{f"slides/beta{beta}-sprites": _sprites("bernoulli_vae", beta=float(beta)) for beta in (1, 4, 16, 64)},
    "slides/clean-vae-mnist-mini": _denoising("sigma_vae", sigma="mse"),
    "slides/clean-autoencoder-mnist-mini": _denoising("autoencoder"),
    **{
        f"slides/denoising-{name}-{how.partition(':')[2]}-mnist-mini": _denoising(model, how, **config)
        for how in NOISES
        for name, model, config in (("vae", "sigma_vae", {"sigma": "mse"}), ("autoencoder", "autoencoder", {}))
    },
    **{f"slides/sigma-{name}-mnist-mini": _sigma(*chosen) for name, chosen in SIGMA_ARMS.items()},
    **{f"slides/without-{digit}-mnist": _without(digit) for digit in range(10)},
    # Burgess et al. 2018 have a weight of 1000 and 25 nats; the cross-entropy of a quarter of their pixels, a quarter
    "slides/capacity-sprites": _sprites("capacity_vae", beta=250.0, capacity=25.0, warmup_steps=RISE),
}
