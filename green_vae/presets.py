"""Names for everything a paper trained: class, configuration, data, recipe. `load` turns a name into a model."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import keras

from green_vae import zoo
from green_vae.models import MODELS
from green_vae.models.lagging_vae import passes
from green_vae.models.reslag_vae import ORIGINAL
from green_vae.models.split_vae import BACKBONE
from green_vae.networks import reslag
from green_vae.training import Recipe, load_weights

PRETRAINED = Path(__file__).resolve().parent.parent / "pretrained"


@dataclass(frozen=True)
class Preset:
    """One trained model of a paper.

    Attributes:
        model: a name of `green_vae.models.MODELS`.
        config: its arguments.
        dataset: what it is trained on, a name of `green_vae.data.DATASETS`.
        recipe: how.
        source: paper and table.
        codes: which codes the samplers are fitted on: "mean" of the posterior, or one "sample" from it.
    """

    model: str
    config: dict
    dataset: str
    recipe: Recipe
    source: str
    codes: str = "mean"

    def build(self, seed=None):
        """The model with fresh weights; the same ones for the same seed."""
        if seed is not None:
            keras.utils.set_random_seed(seed)
        return MODELS[self.model](**self.config, **({} if seed is None else {"seed": seed}))


CONVOLUTIONAL = Recipe(1e-4, (80, 120, 150), 100, 150, "survey's code; the last halving never acts")
RESIDUAL = Recipe(
    1e-4, (80, 120), 100, 150,
    "the survey's code holds only a fine-tuning state (Adam 1e-5); start at 1e-4, as Dai and Wipf and Asperti and "
    "Trentin do with these networks (at 1e-3 the KL of the first batches explodes); epochs and halving as in the "
    "survey's convolutional code",
)  # fmt: skip


def _cnn(side, latent_dim, dataset, **options):
    config = {"image_shape": (side, side, 3), "latent_dim": latent_dim, "beta": 0.024, "network_options": options}
    return Preset("vae", config, dataset, CONVOLUTIONAL, "survey, Tables 2, 3", codes="sample")


def _rae(side, latent_dim, dataset, regularizer, channels=3, source="survey, Tables 2, 3", **options):
    config = {"image_shape": (side, side, channels), "latent_dim": latent_dim, "regularizer": regularizer}
    return Preset("rae", {**config, "network_options": options}, dataset, CONVOLUTIONAL, source)


def _resnet(side, latent_dim, dataset, base, layout="full", channels=3):
    config = {
        "image_shape": (side, side, channels),
        "latent_dim": latent_dim,
        "beta": (2 * side / latent_dim) ** 2,
        "network_options": {"base": base, "layout": layout},
    }
    return Preset("computed_gamma_vae", config, dataset, RESIDUAL, "survey, Tables 2, 3")


HFVAE_NOTE = (
    "the survey gives no schedule for HFVAE, and its code a fine-tuning state (Adam 1e-5); here that of its "
    "convolutional models"
)
NVAE_SURVEY_NOTE = "the survey's code, whose kernels start at a mean of 0.01; here Glorot's"
NVAE_NOTE = (
    "epochs, batches and warm-up over 30 % of the steps as in NVAE's paper; Adamax from 0.01 with cosine decay there, "
    "Adam from 1e-3 here"
)
MINI_NOTE = (
    "narrow, with as many epochs as one CPU core finishes in under an hour; Adam from 1e-3, ten times the survey's"
)


def _hierarchy(network, epochs, note, dataset="cifar10", **config):
    rate = 1e-3 if note is MINI_NOTE else CONVOLUTIONAL.learning_rate
    recipe = dataclasses.replace(CONVOLUTIONAL, learning_rate=rate, epochs=epochs, note=note)
    config = {"image_shape": (32, 32, 3), "network": network, "beta": 0.01, **config}
    return Preset("hierarchical_vae", config, dataset, recipe, "survey, Table 2", codes="sample")


def _hfvae(base, group_dim, epochs=150, note=HFVAE_NOTE):
    options = {"base": base, "group_dim": group_dim}
    return _hierarchy("hfvae", epochs, note, network_options=options, reconstruction_weight=1.0)


def _nvae_survey(epochs=200, note=NVAE_SURVEY_NOTE, **options):
    # every group's KL in full, but for halvings that the code applies to the sum so far
    weights = (0.125, 0.25, 0.5, 1.0)
    return _hierarchy("nvae-survey", epochs, note, network_options=options, group_weights=weights)


def _nvae(image_shape, dataset, epochs, batch, spectral, likelihood, train_images, **options):
    """NVAE of its own paper (survey, Table 1)."""
    config = {
        "image_shape": image_shape,
        "network": "nvae",
        "network_options": options,
        "warmup_steps": int(0.3 * epochs * (train_images // batch)),
        "reconstruction_weight": 1.0 if likelihood == "bernoulli" else 0.5,
        "balance": True,
        "spectral": spectral,
        "likelihood": likelihood,
    }
    recipe = Recipe(1e-3, (), batch, epochs, NVAE_NOTE)
    return Preset("hierarchical_vae", config, dataset, recipe, "survey, Table 1", codes="sample")


SPLIT_NOTE = (
    "Adam from 1e-3 and batches of 100 as in the paper, whose decay is not given: here halved after 40, 60 and 80 % of "
    "the epochs, so that it ends near the 1e-4 that the authors' code holds"
)


def _split(dataset, epochs, image_shape, latent_dim, beta, base=64, split=True):
    """Split-VAE, or the same network without the head."""
    options = {"base": base} if split else {**BACKBONE, "base": base}
    config = {"image_shape": image_shape, "latent_dim": latent_dim, "beta": beta, "network_options": options}
    recipe = Recipe(1e-3, tuple(epochs * part // 10 for part in (4, 6, 8)), 100, epochs, SPLIT_NOTE)
    return Preset("split_vae" if split else "computed_gamma_vae", config, dataset, recipe, "svae, Tables 1, 3, 4")


MNIST_SPLIT = {"image_shape": (32, 32, 1), "latent_dim": 32, "beta": 8.0}
CIFAR_SPLIT = {"image_shape": (32, 32, 3), "latent_dim": 200, "beta": 3.0}
CELEBA_SPLIT = {"image_shape": (64, 64, 3), "latent_dim": 150, "beta": 3.0}
MNIST_RAE = {"channels": 1, "source": "svae, Table 1", "seed_side": 4}

REVIEW = Recipe(
    1e-3, (), 32, 100,
    "Adam, batches and epochs as in the paper, whose last batch of an epoch has 16 images; here it is dropped, and "
    "another one in every epoch",
)  # fmt: skip
SLIDES_NOTE = (
    "the slides say nothing of training; Adam, batches and the largest number of epochs of the author's code, which "
    "trains on 80 % of the training images and stops when the loss of the rest rises; here all images, all epochs"
)
FACES_NOTE = (
    "; the log variance is capped at 10, which the author's code does not do: while the KL weight is near 0 it may "
    "grow until its exponential overflows; the cap acts on no unit narrower than 148 times the prior"
)
DIGITS, FACES = (28, 28, 1), (64, 64, 3)


def _mlp(kl):
    config = {"image_shape": (32, 32, 3), "latent_dim": 256, "kl": kl, "network_options": {"widths": (512,)}}
    return Preset("review_vae", config, "cifar10", REVIEW, "review, Table 1", codes="sample")


def _slides(model, latent_dim, epochs=20, **config):
    """A model of MNIST."""
    config = {"image_shape": DIGITS, "latent_dim": latent_dim, **config}
    return Preset(model, config, "mnist", Recipe(1e-3, (), 64, epochs, SLIDES_NOTE), "slides", codes="sample")


def _linear(latent_dim, *widths):
    options = {"widths": widths, "activation": "relu"}
    return _slides("bernoulli_vae", latent_dim, 30, network="mlp", network_options=options)


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


@dataclass(frozen=True)
class _Boon:
    """A data set of the ResLag study: what its models share, and how long its sigma models are trained."""

    dataset: str
    shape: tuple
    latent_dim: int
    beta: float
    layouts: str  # of `networks.boon`
    epochs: int
    aggressive: int
    ratio: int
    validation: str = "test"


BOON = {
    "mnist": _Boon("mnist", DIGITS, 5, 4.0, "digits", 40, 5, 3),
    "fashion": _Boon("fashion_mnist", DIGITS, 10, 4.0, "digits", 40, 5, 3),
    "cifar10": _Boon("cifar10", (32, 32, 3), 100, 3.0, "cifar", 40, 20, 5),
    "cifar100": _Boon("cifar100", (32, 32, 3), 100, 3.0, "cifar", 40, 20, 5),
    "celeba": _Boon("celeba_squeeze", FACES, 150, 4.0, "faces", 20, 10, 5, "validation"),
}
BOON_NOTE = "Adam 0.002, batches of 32, the best epoch by validation loss, as in the study"
BOON_EPOCHS = f"{BOON_NOTE}, which gives this number of epochs for its lagging models only"
BOON_PASSES = f"{BOON_NOTE}; an epoch here is one pass: aggressive epochs have several. Whether the study's number of "
BOON_PASSES += "aggressive epochs is their count, as here, or one more than it, its code and text leave open"
BOON_PLATEAU = f"{BOON_NOTE}; halved after 3 epochs without a better one, until below 5e-5; the study gives no number "
BOON_PLATEAU += "of epochs, 100 at most here"
MULTI_LEVEL = {  # for the originals of ResLag, and for the trunk of the light one
    32: {"sides": ORIGINAL[32], "log_sigma": (-2.0, 2.0)},
    64: {"blocks": reslag.CELEBA, "sides": ORIGINAL[64], "log_sigma": (-2.0, 2.0)},
}
LIGHT = {
    32: {"sides": (1, 4, 16), "log_sigma": (None, 1.0)},
    64: {"blocks": reslag.CELEBA, "sides": (1, 4, 16, 64), "log_sigma": (-2.0, 2.0)},
}


def _boon(name, model, recipe, options, network="boon", **config):
    study = BOON[name]
    config = {"image_shape": study.shape, "latent_dim": study.latent_dim, "network": network, **config}
    config["network_options"] = options
    return Preset(model, config, study.dataset, recipe, "boon, Table 1", codes="sample")


def _boon_recipe(name, note=BOON_EPOCHS, **changes):
    settings = {"epochs": BOON[name].epochs, "validation": BOON[name].validation, "note": note, **changes}
    return Recipe(2e-3, (), 32, **settings)


def _boon_models(name):
    """Name -> `Preset` of the models of one data set."""
    study, side = BOON[name], BOON[name].shape[0]
    own = {"layout": study.layouts}
    plain, plateau = _boon_recipe(name), {"note": BOON_PLATEAU, "epochs": 100, "plateau": 3, "stop_below": 5e-5}
    lagging = _boon_recipe(name, BOON_PASSES, epochs=passes(study.epochs, study.aggressive, study.ratio))
    schedule = {"ratio": study.ratio, "aggressive_epochs": study.aggressive}
    # SSE + beta KL / d is twice 1/2 SSE + beta / (2 d) KL, which Adam does not tell apart
    models = {
        "beta": _boon(name, "vae", _boon_recipe(name, **plateau), {"layout": f"{study.layouts}-beta"},
                      beta=study.beta / (2 * study.latent_dim)),
        "info": _boon(name, "info_vae", _boon_recipe(name, **plateau, clip_norm=0.3),
                      {"layout": f"{study.layouts}-info"}, alpha=1.0, lambda_=500.0),
    }  # fmt: skip
    if side == 28:
        models["autoencoder"] = _boon(name, "autoencoder", plain, {"layout": "digits-autoencoder"})
        models["optimal-sigma"] = _boon(name, "sigma_vae", plain, own, sigma="data")
        models["lagging"] = _boon(name, "lagging_vae", lagging, own, **schedule)
    elif side == 32:
        models["autoencoder"] = _boon(name, "autoencoder", plain, own)
        models["optimal-sigma"] = _boon(name, "sigma_vae", plain, own, sigma="data")
        models["autoencoder-multi-level"] = _boon(name, "autoencoder", plain, {"layout": "cifar-multi-level"})
    else:
        trunk = {**MULTI_LEVEL[64], "sides": None}
        models["optimal-sigma"] = _boon(name, "sigma_vae", plain, trunk, "reslag", sigma="data")
    if side > 28:
        # the study's last registry of networks gives its optimal-sigma models those of ResLag
        models["optimal-sigma-multi-level"] = _boon(name, "sigma_vae", plain, MULTI_LEVEL[side], "reslag", sigma="data")
        models["reslag"] = _boon(name, "reslag_vae", lagging, MULTI_LEVEL[side], "reslag", **schedule)
        models["reslag-light"] = _boon(name, "reslag_vae", lagging, LIGHT[side], "reslag", **schedule)
    return {f"boon/{model}-{name}": chosen for model, chosen in models.items()}


PRESETS = {
    "survey/cnn-b128-l128": _cnn(32, 128, "cifar10"),
    "survey/l2-rae-b128-l128": _rae(32, 128, "cifar10", "l2"),
    "survey/gp-rae-b128-l128": _rae(32, 128, "cifar10", "gp"),
    "survey/sn-rae-b128-l128": _rae(32, 128, "cifar10", "sn"),
    "survey/resnet-s4-b48-l128": _resnet(32, 128, "cifar10", 48),
    "survey/resnet-s4-b48-l100": _resnet(32, 100, "cifar10", 48),
    "survey/resnet-s4-b64-l64": _resnet(32, 64, "cifar10", 64),
    # the printed parameters of this row need a decoder seed of 16x16, the printed FLOPs one of 8x8
    "survey/cnn-b128-l64": _cnn(64, 64, "celeba", seed_side=16),
    "survey/cnn-b128-l64-seed8": _cnn(64, 64, "celeba", seed_side=8),
    "survey/l2-rae-b128-l64": _rae(64, 64, "celeba", "l2"),
    "survey/gp-rae-b128-l64": _rae(64, 64, "celeba", "gp"),
    "survey/resnet-s4-b32-l64": _resnet(64, 64, "celeba", 32),
    "survey/resnet-s4-b48-l64": _resnet(64, 64, "celeba", 48),
    "survey/resnet-s3-b64-l64": _resnet(64, 64, "celeba", 64, "light"),
    # the authors' network, whose counts are not the printed ones
    "survey/hfvae-s4-z4-l48": _hfvae(48, 4),
    "survey/hfvae-s4-z12-l64": _hfvae(64, 12),
    "survey/nvae-z10-b100-l4": _nvae_survey(final_norms=1),  # the printed counts
    "survey/nvae-z10-b100-l4-code": _nvae_survey(),  # the public code's
    # narrow, for two CPU cores
    "survey/hfvae-mini": _hfvae(16, 12, 6, MINI_NOTE),
    "survey/nvae-mini": _nvae_survey(6, MINI_NOTE, base=12, group_dim=4),
    "nvae/mnist": _nvae(
        (32, 32, 1),
        "mnist32",
        400,
        200,
        1.0,
        "bernoulli",
        60_000,
        base=32,
        groups=(5, 10),
        cells=1,
        flows=0,
        blocks=2,
        block_cells=3,
    ),
    "nvae/cifar10": _nvae((32, 32, 3), "cifar10", 400, 32, 0.01, "gaussian", 50_000, base=128, groups=(30,)),
    "nvae/celeba": _nvae((64, 64, 3), "celeba", 90, 16, 0.1, "gaussian", 162_770, base=64, groups=(5, 10, 20)),
    "svae/mnist": _split("mnist32", 250, **MNIST_SPLIT),
    "svae/cifar10": _split("cifar10", 110, **CIFAR_SPLIT),
    "svae/celeba": _split("celeba", 160, **CELEBA_SPLIT),
    # without the head, for the paper's claim that splitting keeps more latent units alive
    "svae/mnist-plain": _split("mnist32", 250, **MNIST_SPLIT, split=False),
    # a quarter of the width, for two CPU cores
    "svae/mnist-mini": _split("mnist32", 30, **MNIST_SPLIT, base=16),
    "svae/mnist-mini-plain": _split("mnist32", 30, **MNIST_SPLIT, base=16, split=False),
    # what the paper compares with; its CIFAR-10 networks are those of survey/
    "svae/l2-rae-mnist": _rae(32, 16, "mnist32", "l2", **MNIST_RAE),
    "svae/gp-rae-mnist": _rae(32, 16, "mnist32", "gp", **MNIST_RAE),
    "svae/sn-rae-mnist": _rae(32, 16, "mnist32", "sn", **MNIST_RAE),
    "svae/sn-rae-celeba": _rae(64, 64, "celeba", "sn"),
    "svae/2s-vae-mnist": _resnet(32, 64, "mnist32", 64, "light", channels=1),
    "svae/2s-vae-celeba": _resnet(64, 64, "celeba", 64),
    "review/mlp-cifar10": _mlp("exact"),
    "review/mlp-cifar10-published": _mlp("published"),
    "slides/linear-mnist-l8": _linear(8, 512, 256, 128, 64),
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
    **{name: chosen for dataset in BOON for name, chosen in _boon_models(dataset).items()},
}


def preset(name):
    """The `Preset` of that name.

    Raises:
        ValueError: no such name.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset; there are {', '.join(PRESETS)}. Received: {name!r}")
    return PRESETS[name]


def load(name, weights="pretrained", seed=None):
    """A model with trained weights.

    Args:
        name: of the preset, say "survey/resnet-s4-b64-l64"; or a folder of `save_preset`, or "hf://user/repository".
        weights: "pretrained" for those in `pretrained/`, a path to a `.weights.h5` file, or None for fresh ones.
        seed: of fresh weights and of the model's noise.

    Raises:
        ValueError: unknown preset, or files that are damaged, of another model, or not those that were saved.
        FileNotFoundError: no such weights; the message says how to train them.
    """
    if str(name).startswith("hf://") or (name not in PRESETS and Path(name).is_dir()):
        return zoo.load_preset(name)
    chosen = preset(name)
    if weights is None:
        return chosen.build(seed)
    path = pretrained_path(name) if weights == "pretrained" else Path(weights)
    if not path.exists():
        how = f"weights=None builds it untrained; `python -m green_vae train {name}` trains it"
        raise FileNotFoundError(f"no weights for {name}; {how}. Received: {path}, which does not exist")
    model = chosen.build(seed)
    if weights == "pretrained":
        zoo.verified(path.parent)
    load_weights(model, path)
    return model


def load_sampler(name, sampler):
    """A fitted sampler that ships with a model: `load_sampler("svae/mnist-mini", "gmm")`; name as for `load`.

    Raises:
        FileNotFoundError: there is no such sampler; the message names those that there are.
    """
    return zoo.load_sampler(pretrained_path(name).parent if name in PRESETS else name, sampler)


def pretrained_path(name):
    """Where the trained weights of a preset lie, if they do."""
    return PRETRAINED / name / zoo.WEIGHTS
